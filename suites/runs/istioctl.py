"""istioctl's own checks, against one cluster: `precheck` and `analyze`.

They read a cluster and its configuration, and change nothing. Their messages are taken as they are:
an error is red, warnings are counted.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from typing import Any

from clusters.topology import Cluster, Topology
from reports.schema import Requirement

SUITE = "istioctl"
CHECKS = {
    "precheck": "istioctl finds nothing that keeps Istio from being installed or upgraded.",
    "analyze": "istioctl finds no error in the configuration of any namespace.",
}
ANALYZE = "analyze"
RED = "Error"


def arguments(check: str, cluster: Cluster, topology: Topology, *files: str) -> list[str]:
    """What istioctl is given for one of its checks, of a whole cluster, or of files in it.

    The other clusters are named for `analyze`: else it goes by the secrets that istiod knows them
    by, waits for good for what these may not list (Istio 1.31: HTTPRoutes), and heeds no --timeout.
    """
    where = ["--context", cluster.context]
    if check == ANALYZE:
        others = [each.context for each in topology.clusters if each != cluster]
        where += [word for other in others for word in ("--remote-contexts", other)]
        where += [] if files else ["--all-namespaces"]
    return [check, "--output", "json", *where, *files]


def variables(topology: Topology) -> dict[str, str]:
    """Its environment: the kubeconfigs of all clusters."""
    return {"KUBECONFIG": os.pathsep.join(str(each.kubeconfig) for each in topology.clusters)}


def messages(output: str) -> list[dict[str, Any]]:
    """What it printed: a list of messages with code, level, origin and message; none is `null` or
    nothing at all.

    Raises:
        ValueError: it is no JSON, so it failed.
    """
    begin = output.find("[")
    return list(json.loads(output[begin:])) if begin >= 0 else []


def requirement(
    check: str, found: Sequence[dict[str, Any]], cluster: str, log: str, seconds: float
) -> Requirement:
    """A check of theirs as an entry of a report."""
    levels = Counter(str(each["level"]) for each in found)
    red = [each for each in found if each["level"] == RED]
    first = f": {red[0]['code']} {red[0].get('origin', '')}: {red[0]['message']}" if red else ""
    counts = ", ".join(f"{n} {level}" for level, n in sorted(levels.items())) or "nothing to say"
    return Requirement(
        id=f"ISTIOCTL-{check.upper()}",
        variant=cluster,
        suite=SUITE,
        sentence=CHECKS[check],
        source=f"istioctl/{check}",
        verdict="fail" if red else "pass",
        reason=f"{counts}{first}",
        numbers={level.lower(): n for level, n in levels.items()},
        evidence=log,
        test="make peers ONLY=istioctl",
        seconds=round(seconds, 2),
    )
