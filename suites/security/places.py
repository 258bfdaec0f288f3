"""Who comes to a workload from where, and what it claims to be beside its certificate."""

from __future__ import annotations

from fixtures.lab import HOME, Lab
from fixtures.lab.trust import spiffe_id
from suites.security.subject import ACCESS, INSIDER, NODE, Answers, Guarded, Request

PATH = "/proven"
FROM_INSIDE, FROM_NODE = "the account, from the workload's namespace", "the account, from a node"
PROVEN = (FROM_INSIDE, FROM_NODE)
"""Those who have the account's certificate, wherever they are."""


def ask_from_places(lab: Lab, guarded: Guarded) -> Answers:
    """Ask from near and far, as the account that a policy names and as others, who claim what they
    are not.

    Raises:
        CommandError: a program could not be started in a pod.
        NotReadyError: a client does not run, or what was answered was not logged in time.
    """
    space = guarded.space
    cluster = space.kube.cluster.name
    inside, node = (lab.client(cluster, each, space.namespace) for each in (INSIDER, NODE))
    own = guarded.minted(spiffe_id(HOME, "frontend"))
    neighbour = guarded.minted(spiffe_id(space.namespace, ACCESS))
    stranger = guarded.minted(spiffe_id(HOME, "stranger"))
    certified = f"X-Forwarded-Client-Cert: By=spiffe://x;URI={spiffe_id(HOME, 'frontend')}"
    claimed = f"X-Account: {spiffe_id(HOME, 'frontend')}"
    requests = {
        FROM_INSIDE: Request(own, PATH, inside),
        FROM_NODE: Request(own, PATH, node),
        "the workload's own account, from its namespace": Request(neighbour, PATH, inside),
        "another, of the account's namespace and labels": Request(stranger, PATH),
        "another, from the node": Request(stranger, PATH, node),
        "another, with the Host of the account": Request(stranger, PATH, host="frontend.default"),
        "another, with a Host of the node": Request(stranger, PATH, node, host="localhost"),
        "another, with the account in a header": Request(stranger, PATH, header=claimed),
        "another, with the account's certificate in one": Request(stranger, PATH, header=certified),
    }
    return guarded.present(ACCESS, requests)
