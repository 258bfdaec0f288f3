"""Cilium's own connectivity test, over the ClusterMesh of two clusters: how it is called, and what
its JUnit file says.

The program is Cilium's CLI; its clients and servers have the lab's images. Nothing here judges: its
word is taken as it is, test by test, and its JUnit file is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from junitparser import Failure, JUnitXml, Skipped
from junitparser.junitparser import Result

from clusters.topology import Topology
from clusters.versions import Train
from reports.schema import Requirement, Status

SUITE = "cilium_connectivity"
REPORT = "connectivity.xml"
NAMESPACE = "plumbline-cilium-test"
IMAGES = {
    "--curl-image": "alpine-curl",
    "--json-mock-image": "json-mock",
}
"""Which image is whose, by the program's flag."""
REASON = 300
"""Characters of what it says of a failure; the log has all."""
BY_USER = "skipped by user"
_SKIPPED = re.compile(r"Skipping test \[(.+?)\] \[\d+/\d+\] \((.*)\)")
DNS = "registry.k8s.io/coredns/coredns:v{coredns}"
LEFT_OUT = ("/pod-to-world.*", "/pod-to-cidr.*", ".*to-fqdns.*", ".*cidr.*", ".*world.*")
"""What asks hosts of the internet, whom a lab without an uplink does not have."""
BY_ENVOY = (".*l7.*", ".*tls-sni.*")
"""What asks Cilium's own Envoy: the agent obeys DNS rules, so the program takes it for there."""


def arguments(topology: Topology, train: Train, report: Path, only: str = "") -> list[str]:
    """What the program is given; `only` is the name of one test."""
    lacking = () if "cilium-l7" in topology.clusters[0].features else BY_ENVOY
    wanted = [f"^{only}$"] if only else [f"!{each}" for each in (*LEFT_OUT, *lacking)]
    images = {flag: train.reference(name) for flag, name in IMAGES.items()}
    images["--dns-test-server-image"] = DNS.format(**train.versions.model_dump())
    return [
        *_where(topology), "--timestamp", "--hubble=false", f"--junit-file={report}",
        *(f"{flag}={reference}" for flag, reference in images.items()),
        *(f"--test={each}" for each in wanted),
    ]  # fmt: skip


def cleaning(topology: Topology) -> list[str]:
    """What the program is given to take away what it made."""
    return [*_where(topology), "--cleanup"]


def _where(topology: Topology) -> list[str]:
    """The command itself, and the clusters and namespaces that it is of."""
    first, second = topology.clusters[:2]
    return [
        "connectivity", "test", f"--test-namespace={NAMESPACE}",
        f"--context={first.context}", f"--multi-cluster={second.context}",
    ]  # fmt: skip


def requirements(report: Path, log: Path, version: str) -> Iterator[Requirement]:
    """Its tests as entries of a report.

    Args:
        log: what it printed: there alone it says why it skips a test.

    Raises:
        OSError: it wrote no such file.
    """
    skipped = dict(_SKIPPED.findall(log.read_text(encoding="utf-8")))
    for case in (case for suite in _read(report) for case in suite):
        result = next(iter(case.result), None)
        yield Requirement(
            id=case.name,
            variant="",
            suite=SUITE,
            sentence=f"{case.name}, as the connectivity test of Cilium {version} has it.",
            source=f"Cilium {version}/connectivity test",
            verdict=_verdict(result),
            reason=_reason(result, log.name),
            needs=_needs(skipped.get(case.name, "")) if isinstance(result, Skipped) else "",
            evidence=log.name,
            test="make peers ONLY=cilium",
            seconds=case.time or 0.0,
        )


def _read(report: Path) -> JUnitXml:
    """Its JUnit file. Of a test that failed in several ways the program writes an attribute of that
    name for each, which is no XML: the first is the message here."""
    text = report.read_text(encoding="utf-8")
    first = re.sub(r'message="[^"]*" failureMessage="', 'message="', text)
    return JUnitXml.fromstring(re.sub(r' failureMessage="[^"]*"', "", first).encode())


def _needs(why: str) -> str:
    """Why a test was skipped: what is left out here the program only says to be left out."""
    left_out = "it asks the internet, or Cilium's own Envoy, and a lab has neither"
    return left_out if why == BY_USER else why or "not told why"


def _reason(result: Result | None, log: str) -> str:
    message = (result.message or "") if result is not None else ""
    return f"said by the test itself: {log}" + (f": {message[:REASON]}" if message else "")


def _verdict(result: Result | None) -> Status:
    if result is None:
        return "pass"
    if isinstance(result, Failure):
        return "fail"
    return "skip"
