"""Security: mTLS everywhere, by the service mesh's own authority and no other."""

from __future__ import annotations

import pytest

from fixtures.checks import (
    all_answered_by,
    every,
    known,
    never_reached,
    on,
    readable,
    reset,
    sealed,
    with_positive_control,
)
from fixtures.lab import Lab
from fixtures.lab.trust import root_of, spiffe_id
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.security.believed import believes_alone
from suites.security.certificates import are_refused, are_their_own
from suites.security.fail_closed import fails_closed
from suites.security.orphaned import FLEETING, orphan
from suites.security.presented import RIGHT
from suites.security.renewing import AFTER, BEFORE, rotate
from suites.security.rotated import costs_nothing
from suites.security.subject import (
    COUNT,
    LENIENT,
    NAMED,
    PLAIN,
    PORTS,
    STRICT,
    WORKLOADS,
    Guarded,
    Observation,
    mtls_name,
    plain_name,
)

MTLS = "Best Practices/Security/mTLS everywhere"


@requirement("MT1", source=MTLS)
def test_plain_text_is_refused_at_every_port(judge: Judge, observed: Observation) -> None:
    """STRICT refuses plain text at every port, declared or not, and the narrower policy wins."""
    refused = [plain_name(w, p) for w in WORKLOADS for p in PORTS if (w, p) not in PLAIN]
    taken = [(workload, plain_name(workload, port)) for workload, port in sorted(PLAIN)]
    by_mtls = [(workload, mtls_name(workload)) for workload in WORKLOADS]
    cut_off = every(
        *(on(stream, reset(COUNT)) for stream in refused),
        never_reached(observed.arrived, refused, [stream for _, stream in by_mtls]),
    )
    served = (on(stream, all_answered_by(name, COUNT)) for name, stream in (*taken, *by_mtls))
    judge(observed.history, with_positive_control(denied=cut_off, allowed=every(*served)))


@requirement("MT2", source=MTLS)
def test_each_certificate_names_its_account(judge: Judge, guarded: Guarded) -> None:
    """Each proxy's certificate names its account and nobody else, and lives no longer than said."""
    namespace = guarded.space.namespace
    names = {workload: spiffe_id(namespace, workload) for workload in WORKLOADS}
    judge.conclude(are_their_own(guarded.shake(), names, root_of(guarded.space)))


@requirement("MT4", source=MTLS)
def test_only_the_own_authority_is_believed(judge: Judge, guarded: Guarded) -> None:
    """Only clients of the service mesh's own authority, of its trust domain and time are served."""
    answers = guarded.show()
    judge.conclude(are_refused(answers.shown, answers.arrived, RIGHT))


@pytest.mark.alone
@pytest.mark.nightly
@requirement("MT5", source=MTLS, needs="control-planes")
def test_without_the_authority_nothing_is_opened(judge: Judge, lab: Lab, guarded: Guarded) -> None:
    """Without the authority for longer than certificates live, new connections fail closed and are
    never plain; with it back all is well within T."""
    orphaned = orphan(lab, guarded)
    inside, outside = orphaned.pairs
    judge(
        orphaned.history,
        every(
            known(fails_closed(orphaned.away, FLEETING, guarded.deadline)),
            known(orphaned.returned),
            known(sealed(orphaned.capture, [inside])),
            known(readable(orphaned.capture, outside, COUNT)),
        ),
    )


@requirement("MT6", source=MTLS)
def test_a_server_of_another_account_is_not_believed(
    judge: Judge, guarded: Guarded, observed: Observation
) -> None:
    """A client that is told its server's account believes no server of another one."""
    named = mtls_name(NAMED)
    logged = guarded.unserved(observed, named)
    judge(observed.history, on(named, believes_alone(STRICT, observed.arrived, logged)))


@requirement("MT7", source=MTLS)
def test_nothing_of_the_service_mesh_is_plain(
    judge: Judge, guarded: Guarded, observed: Observation
) -> None:
    """Whoever looks at a node's wire reads nothing of what passes within the service mesh."""
    outside = (guarded.outsider.address, guarded.addresses[LENIENT])
    judge(
        observed.history,
        every(
            known(sealed(observed.capture, guarded.pairs())),
            known(readable(observed.capture, outside, COUNT)),
            *(on(mtls_name(name), all_answered_by(name, COUNT)) for name in WORKLOADS),
        ),
    )


@pytest.mark.alone
@pytest.mark.nightly
@requirement("MT8", source=MTLS, needs="control-planes")
def test_another_root_costs_no_request(judge: Judge, lab: Lab, guarded: Guarded) -> None:
    """A new intermediate, then a new root by way of both together, cost no request."""
    rotated, history = rotate(lab, guarded)
    judge(
        history,
        every(
            known(costs_nothing(rotated, FLEETING)),
            # Who is served has a certificate: it is taken for what it is, and plain text is not.
            *(on(stream, reset(COUNT)) for stream in (BEFORE, AFTER)),
        ),
    )
