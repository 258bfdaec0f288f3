"""An upgrade as it might have been, for the tests of its forms: two clusters, twelve phases.

Nothing here was measured. The values are of the kind and the size that a watch has.
"""

from __future__ import annotations

from datetime import timedelta

from reports.compare import compare
from reports.schema import RunStatus, Stage
from reports.upgrade_schema import (
    KINDS,
    Budget,
    Connections,
    Demand,
    Fault,
    Kind,
    Latency,
    Outage,
    Outcome,
    Phase,
    Share,
    Stream,
    Upgrade,
    status_of,
)
from tests import samples

CLUSTERS = ("aws-cluster", "azure-cluster")
SECONDS = 400.0

_Asked = tuple[str, str, str, Demand, Connections]
_ASKED: tuple[_Asked, ...] = (
    ("rbac-frontend-new", "rbac_denial", "GET /api/v1 as frontend is served", "allow", "new"),
    ("rbac-frontend-kept", "rbac_denial", "GET /api/v1 as frontend is served", "allow", "kept"),
    ("rbac-other-new", "rbac_denial", "GET /api/v1 as other is denied", "deny", "new"),
    ("rbac-other-kept", "rbac_denial", "GET /api/v1 as other is denied", "deny", "kept"),
    ("policy-backend-new", "cross_cluster_policy", "backend reaches frontend", "allow", "new"),
    ("policy-other-new", "cross_cluster_policy", "other does not reach frontend", "deny", "new"),
    ("mobile-new", "mobile_routing", "A mobile agent reaches mobile v2", "allow", "new"),
    ("mobile-kept", "mobile_routing", "A mobile agent reaches mobile v2", "allow", "kept"),
    ("desktop-new", "mobile_routing", "Any other agent reaches web v1", "allow", "new"),
    ("canary-new", "canary_split", "The canary's header is routed", "allow", "new"),
    ("canary-kept", "canary_split", "The canary's header is routed", "allow", "kept"),
)
_DONE = (
    ("gateway-api", "", 20.0, 6.0),
    ("istio-base", "aws-cluster", 30.0, 4.0),
    ("istiod", "aws-cluster", 34.0, 31.0),
    ("gateway", "aws-cluster", 66.0, 24.0),
    ("sidecars", "aws-cluster", 91.0, 38.0),
    ("istio-base", "azure-cluster", 131.0, 4.0),
    ("istiod", "azure-cluster", 135.0, 29.0),
    ("gateway", "azure-cluster", 165.0, 22.0),
    ("sidecars", "azure-cluster", 188.0, 40.0),
    ("cilium", "aws-cluster", 236.0, 58.0),
    ("cilium", "azure-cluster", 296.0, 61.0),
)
_SEEN: dict[str, tuple[Outage, ...]] = {
    "aws-cluster/policy-other-new": (
        Outage(
            kind="leak", phase="cilium", started=251.4, low=0.0, high=0.019, n=1, of=4000,
            seen="200 from frontend-7c9 of aws-cluster",
        ),
        Outage(
            kind="unproven", phase="cilium", started=266.0, low=0.4, high=0.42, n=41, of=4000,
            seen="a refused connection",
        ),
    ),
    "aws-cluster/canary-new": (
        Outage(
            kind="refused", phase="gateway", started=71.25, low=2.01, high=2.04, n=202, of=40000,
            seen="connection refused",
        ),
    ),
    "aws-cluster/mobile-kept": (
        Outage(
            kind="dropped", phase="sidecars", started=96.3, low=0.01, high=0.029, n=2, of=40000,
            seen="no answer within 1.0 s",
        ),
        Outage(
            kind="late", phase="cilium", started=240.1, low=0.7, high=0.72, n=64, of=40000,
            seen="200 after 612 ms",
        ),
    ),
    "azure-cluster/desktop-new": (
        Outage(
            kind="misrouted", phase="istiod", started=140.5, low=0.12, high=0.14, n=13, of=40000,
            seen="200 from web v2",
        ),
    ),
    "azure-cluster/rbac-other-kept": (
        Outage(
            kind="starved", phase="cilium", started=310.0, low=1.1, high=1.12, n=90, of=40000,
            seen="sent 214 ms after it was due",
        ),
    ),
}  # fmt: skip


def outage(kind: Kind = "dropped", **changed: object) -> Outage:
    plain: dict[str, object] = {
        "kind": kind, "phase": "istiod", "started": 40.0, "low": 0.01, "high": 0.03,
        "n": 2, "of": 4000, "seen": "no answer within 1.0 s",
    }  # fmt: skip
    return Outage.model_validate(plain | changed)


def stream(verdict: Outcome = "pass", *outages: Outage, **changed: object) -> Stream:
    """One stream, with whatever a test wants otherwise."""
    counts = {kind: sum(e.n for e in outages if e.kind == kind) for kind in KINDS}
    plain: dict[str, object] = {
        "name": "rbac-frontend-new",
        "suite": "rbac_denial",
        "cluster": "aws-cluster",
        "sentence": "GET /api/v1 as frontend is served",
        "demand": "allow",
        "connections": "new",
        "rate": 100.0,
        "n": 40_000,
        "counts": {kind: n for kind, n in counts.items() if n},
        "watched": 0.998,
        "blind": 0.031,
        "verdict": verdict,
        "reason": "all 40,000 were served" if verdict == "pass" else "shut for too long",
        "episodes": outages,
    }
    return Stream.model_validate(plain | changed)


def phase(**changed: object) -> Phase:
    plain = {"name": "istiod", "component": "istiod", "started": 34.0, "seconds": 31.0}
    return Phase.model_validate(plain | changed)


def fault(verdict: Outcome = "pass", **changed: object) -> Fault:
    plain = {
        "name": "policy-gone", "sentence": "The policy is deleted for 2 s.",
        "stream": "aws-cluster/policy-other-new", "kind": "leak", "least": 1.9, "most": 2.3,
        "found": "leak", "found_low": 2.0, "found_high": 2.02, "verdict": verdict,
        "reason": "found as a leak, of 2.00 to 2.02 s",
    }  # fmt: skip
    return Fault.model_validate(plain | changed)


def bare(*streams: Stream, status: RunStatus | None = None, **changed: object) -> Upgrade:
    """An upgrade of nothing but streams; its status is what they come to."""
    plain = upgrade().model_dump() | {
        "streams": streams, "phases": (), "stages": (), "shares": (), "budgets": (),
        "notes": (), "comparison": None, "before": "", "after": "",
    }  # fmt: skip
    sample = Upgrade.model_validate(plain | changed)
    judged: tuple[Stream | Share | Fault, ...] = (*sample.streams, *sample.shares, *sample.faults)
    verdicts = [each.verdict for each in judged]
    come_to = status or status_of(verdicts, sample.phases, sample.comparison)
    return sample.model_copy(update={"status": come_to})


def upgrade() -> Upgrade:
    """Twenty-two streams, of which four are not green; one requirement regressed."""
    before = samples.results()
    after = samples.results(
        tuple(
            r.model_copy(update={"verdict": {"CS7": "pass", "CS9": "fail"}.get(r.id, r.verdict)})
            if r.id != "MR3"
            else r.model_copy(update={"verdict": "fail", "reason": "web v2 answered 3 of 1000"})
            for r in before.requirements
        )
    ).model_copy(update={"run": "after"})
    return Upgrade(
        run="20261120-101500-up",
        status="failed",
        began=samples.BEGAN,
        ended=samples.BEGAN + timedelta(minutes=24),
        base="2026-08",
        to="2026-11",
        versions={"kubernetes": "1.36.3", "istio": "1.30.1", "cilium": "1.20.1"},
        versions_to={"kubernetes": "1.36.3", "istio": "1.31.0", "cilium": "1.20.2"},
        machine=before.machine,
        stages=(
            Stage(phase="before", name="suites", started=0, seconds=301.0),
            Stage(phase="watch", name="upgrade", started=0, seconds=SECONDS),
            Stage(phase="after", name="suites", started=0, seconds=288.0),
        ),
        notes=("Images were baked before the watch began.",),
        phases=_phases(),
        streams=tuple(_stream(cluster, asked) for cluster in CLUSTERS for asked in _ASKED),
        shares=tuple(
            Share(
                cluster=cluster, service="api-service-canary", phase=name, declared=0.1, n=2010,
                hits=204, low=0.085, high=0.121, verdict="pass",
                reason="204 of 2010 agree with 10 %",
            )
            for cluster in CLUSTERS
            for name in ("before", "istiod", "gateway")
        ),
        budgets=(
            Budget(component="istiod", closed=0.0, misrouted=0.0),
            Budget(component="gateway", closed=3.0, misrouted=0.0),
            Budget(component="cilium", closed=1.0, misrouted=0.0),
        ),
        before="before",
        after="after",
        comparison=compare(before, after),
    )  # fmt: skip


def _phases() -> tuple[Phase, ...]:
    done = [
        Phase(name=name, component=name, cluster=cluster, started=started, seconds=seconds)
        for name, cluster, started, seconds in _DONE
    ]
    done[-1] = done[-1].model_copy(update={"note": "one agent was restarted twice"})
    return (Phase(name="before", started=0, seconds=20.0), *done)


def _stream(cluster: str, asked: _Asked) -> Stream:
    name, suite, sentence, demand, connections = asked
    outages = _SEEN.get(f"{cluster}/{name}", ())
    by_name: dict[str, tuple[Outcome, str]] = {
        "policy-other-new": ("fail", "1 of 40,000 was served: a leak of 0 to 19 ms during cilium"),
        "desktop-new": ("fail", "13 of 40,000 got an answer from web v2"),
        "rbac-other-kept": ("inconclusive", "90 of 40,000 were not sent when due"),
    }
    red = outages and name in by_name
    verdict, reason = by_name[name] if red else ("pass", "within its budget")
    return stream(
        verdict, *outages, name=name, suite=suite, cluster=cluster, sentence=sentence,
        demand=demand, connections=connections, reason=reason,
        history=f"watch/{cluster}/{name}.jsonl", latencies=_latencies(),
        gaps=((92.0, 97.5),) if (cluster, name) == _REPLACED else (),
    )  # fmt: skip


_REPLACED = ("aws-cluster", "rbac-frontend-new")


def _latencies() -> tuple[Latency, ...]:
    return (
        Latency(period="before", n=2000, p50_ms=2.1, p99_ms=9.4, p999_ms=17.0, max_ms=31.2),
        Latency(period="during", n=36000, p50_ms=2.6, p99_ms=28.3, p999_ms=412.0, max_ms=1010.0),
        Latency(period="after", n=2000, p50_ms=2.2, p99_ms=9.9, p999_ms=18.8, max_ms=40.1),
    )
