"""What the workload `access` is asked by clients of several names, and while its policy is edited.

Its policies have a path each, so that all are in force, and are asked, at the same time.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import cycle

from clusters.remote import Container
from clusters.waiting import wait_for
from fixtures.history import History
from fixtures.history.streams import Stream
from fixtures.lab import convergence
from fixtures.lab.convergence import istio
from fixtures.lab.proxy_log import lines_of
from fixtures.lab.trust import spiffe_id
from fixtures.manifests import Given
from fixtures.traffic.client import join
from suites.security.denied import BY_NONE
from suites.security.subject import ACCESS, Answers, Guarded, Request

TEAM = "plumbline-security"
NAMES = {
    "front.end": ("/principal", spiffe_id(TEAM, "front.end")),
    "frontxend": ("/principal", spiffe_id(TEAM, "frontxend")),
    "front-end": ("/principal", spiffe_id(TEAM, "front-end")),
    "front.end-too": ("/principal", spiffe_id(TEAM, "front.end-too")),
    "of team.a": ("/namespace", spiffe_id("team.a", "any")),
    "of team-a": ("/namespace", spiffe_id("team-a", "any")),
    "of teamxa": ("/namespace", spiffe_id("teamxa", "any")),
    "of team.a.b": ("/namespace", spiffe_id("team.a.b", "any")),
}
"""The path that each asks for, and the SPIFFE ID that it has."""
LITERAL = ("front.end", "of team.a")
"""Those that a policy names."""
OPEN, CLOSED, UNNAMED = "/open", "/closed", "/unnamed"
DENIERS = {CLOSED: "closed", UNNAMED: BY_NONE}
"""Paths that are denied, and the policies that do it."""
EDITED = "/edited"
ALLOWED, DENIED = "allowed", "denied"
FORMS = ("authorizationpolicy-form", "authorizationpolicy-other-form")
EDITS = 20
LEAST, SECONDS = 100, 3.0
"""Requests of each client, and the seconds that it sends, at the least."""
USERS, PAUSE = 2, 0.02
LISTENERS = "config_dump?resource=dynamic_listeners"


def ask_by_names(guarded: Guarded) -> Answers:
    """Ask with certificates of names that are, and that nearly are, those of a policy."""
    return guarded.present(
        ACCESS, {who: Request(guarded.minted(name), path) for who, (path, name) in NAMES.items()}
    )


def ask_for_paths(guarded: Guarded) -> Answers:
    """Ask for a path that is allowed, one that is denied too, and one that no policy names."""
    own = guarded.minted(spiffe_id(TEAM, "any"))
    return guarded.present(ACCESS, {path: Request(own, path) for path in (OPEN, CLOSED, UNNAMED)})


def logged(guarded: Guarded, answers: Answers) -> dict[str, str]:
    """The lines of those that were denied in the log of the workload's proxy, by path.

    Raises:
        NotReadyError: one was not there in time.
    """
    kube, namespace = guarded.space.kube, guarded.space.namespace
    pod = str(kube.pod(namespace, f"app={ACCESS}")["metadata"]["name"])
    nonces = [answers.nonces[path] for path in DENIERS]
    proxy = Container(namespace, pod, convergence.PROXY)
    lines = lines_of(kube, proxy, nonces, answers.began, guarded.deadline)
    return {path: lines[answers.nonces[path]] for path in DENIERS}


def edited(guarded: Guarded, forms: Sequence[Given]) -> History:
    """What one client that may and one that may not are answered while the policy that says so is
    put into other words and back, each time once the workload's proxy goes by the last ones.

    Raises:
        CommandError: a program could not be started in a pod.
        NotReadyError: the proxy did not take an edit in time.
        WrongManifestError: the API server refuses a form.
    """
    allowed, denied = (
        Stream(stream=name, url=f"http://{guarded.space.host(ACCESS)}{EDITED}")
        for name in (ALLOWED, DENIED)
    )
    with (
        guarded.client.meanwhile(allowed, users=USERS, pause=PAUSE) as served,
        guarded.stranger.meanwhile(denied, users=USERS, pause=PAUSE) as refused,
    ):
        for _, form in zip(range(EDITS), cycle(reversed(forms)), strict=False):
            _edit(guarded, form)
        return join([served(), refused()])


def _edit(guarded: Guarded, form: Given) -> None:
    space, mark = guarded.space, convergence.generation()
    space.put(form)
    space.apply(istio.authorization_policy_marker(mark, ACCESS))
    pod = str(space.kube.pod(space.namespace, f"app={ACCESS}")["metadata"]["name"])

    def pending() -> str:
        dump = convergence.proxy(space.kube, space.namespace, pod, LISTENERS)
        return (
            "" if convergence.in_active_listener(json.loads(dump), mark) else "no listener has it"
        )

    look = istio.admin(space.kube, space.namespace, pod, LISTENERS)
    wait_for(f"{pod}'s proxy to go by {mark}", pending, guarded.deadline, look)
