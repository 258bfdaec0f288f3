"""Cilium's own connectivity test, over the ClusterMesh of two clusters: how it is called, and what
its JUnit file says.

The program is Cilium's CLI; its clients and servers have the lab's images. Nothing here judges: its
word is taken as it is, test by test, and its JUnit file is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from junitparser import Failure, JUnitXml, Skipped

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
DNS = "registry.k8s.io/coredns/coredns:v{coredns}"
LEFT_OUT = ("/pod-to-world.*", "/pod-to-cidr.*", ".*to-fqdns.*", ".*cidr.*", ".*world.*")
"""What asks hosts of the internet, whom a lab without an uplink does not have."""
BY_ENVOY = (".*l7.*", ".*tls-sni.*")
"""What asks Cilium's own Envoy: DNS rules are told by the agent, so the program takes it for there."""


def arguments(topology: Topology, train: Train, report: Path, only: str = "") -> list[str]:
    """What the program is given; `only` is the name of one test."""
    first, second = topology.clusters[:2]
    lacking = () if "cilium-l7" in first.features else BY_ENVOY
    wanted = [f"^{only}$"] if only else [f"!{each}" for each in (*LEFT_OUT, *lacking)]
    images = {flag: train.reference(name) for flag, name in IMAGES.items()}
    images["--dns-test-server-image"] = DNS.format(**train.versions.model_dump())
    return [
        "connectivity", "test", "--timestamp", "--hubble=false",
        f"--context={first.context}", f"--multi-cluster={second.context}",
        f"--test-namespace={NAMESPACE}", f"--junit-file={report}",
        *(f"{flag}={reference}" for flag, reference in images.items()),
        *(f"--test={each}" for each in wanted),
    ]  # fmt: skip


def cleaning(topology: Topology) -> list[str]:
    """What the program is given to take away what it made."""
    first, second = topology.clusters[:2]
    return [
        "connectivity", "test", "--cleanup", f"--test-namespace={NAMESPACE}",
        f"--context={first.context}", f"--multi-cluster={second.context}",
    ]  # fmt: skip


def requirements(report: Path, version: str, log: str) -> Iterator[Requirement]:
    """Its tests as entries of a report.

    Raises:
        OSError: it wrote no such file.
    """
    for case in (case for suite in JUnitXml.fromfile(str(report)) for case in suite):
        found = next(iter(case.result), None)
        yield Requirement(
            id=case.name,
            variant="",
            suite=SUITE,
            sentence=f"{case.name}, as the connectivity test of Cilium {version} has it.",
            source=f"Cilium {version}/connectivity test",
            verdict=_verdict(found),
            reason=f"said by the test itself: {log}",
            needs="a feature of Cilium that is off" if isinstance(found, Skipped) else "",
            evidence=log,
            test="make peers ONLY=cilium",
            seconds=case.time or 0.0,
        )


def _verdict(found: object) -> Status:
    if found is None:
        return "pass"
    if isinstance(found, Failure):
        return "fail"
    return "skip"
