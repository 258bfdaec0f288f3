"""Gateway API's own conformance suite, against one cluster: how it is called, and what it says.

The program is the upstream one (clusters/images/go/conformance-…). Nothing here judges: its word is
taken as it is, test by test, and its ConformanceReport is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from clusters.components.gateway_api import CLASS
from clusters.topology import Topology
from reports.schema import Requirement, Status

SUITE = "gateway_api_conformance"
REPORT = "conformance-report.yaml"
PROFILE = "GATEWAY-HTTP"
CORE = ("Gateway", "HTTPRoute", "ReferenceGrant")
"""The features that the profile asks of everybody: Istio's GatewayClass tells of none (1.31)."""
IMPLEMENTATION = {
    "organization": "istio",
    "project": "istio",
    "url": "https://istio.io",
    "contact": "https://github.com/istio/istio",
}
OUTCOMES: dict[str, Status] = {"PASS": "pass", "FAIL": "fail", "SKIP": "skip"}
_ENDED = re.compile(r"^ {4}--- (PASS|FAIL|SKIP): Conformance/(\w+) \(([0-9.]+)s\)$")
"""How Go's testing tells the end of a test that is one of another's parts (cmd/test2json)."""


@dataclass(frozen=True)
class Ended:
    """One of its tests, as it tells its end; seconds."""

    name: str
    outcome: Status
    seconds: float


def arguments(topology: Topology, report: Path, only: str = "") -> list[str]:
    """What the program is given: the class, the lab's images in the place of its manifests', and
    where its report goes. `only` is the name of one test.
    """
    version = topology.versions["istio"]
    return [
        "-test.v",
        f"-gateway-class={CLASS}",
        f"-images={','.join(image.reference for image in topology.images)}",
        f"-conformance-profiles={PROFILE}",
        f"-supported-features={','.join(CORE)}",
        f"-report-output={report}",
        f"-version={version}",
        *(f"-{name}={value}" for name, value in IMPLEMENTATION.items()),
        *([f"-run-test={only}"] if only else []),
    ]


def ended(lines: Iterable[str]) -> Iterator[Ended]:
    """The tests that have ended, from what the program prints."""
    for line in lines:
        if match := _ENDED.match(line.rstrip("\n")):
            word, name, seconds = match.groups()
            yield Ended(name, OUTCOMES[word], float(seconds))


def requirement(test: Ended, cluster: str, version: str, log: str) -> Requirement:
    """A test of theirs as an entry of a report."""
    lacking = test.outcome == "skip"
    return Requirement(
        id=test.name,
        variant=cluster,
        suite=SUITE,
        sentence=f"{test.name}, as the suite of Gateway API {version} has it.",
        source=f"Gateway API {version}/{PROFILE}",
        verdict=test.outcome,
        reason=f"said by the suite itself: {log}",
        needs="a feature that the GatewayClass does not claim" if lacking else "",
        evidence=log,
        test="make peers ONLY=conformance",
        seconds=test.seconds,
    )
