"""Sessions of pytest of their own, with suites made up for a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusters import versions
from clusters.models import Machine
from clusters.topology import Cluster, Topology
from reports import publish
from reports.reading import FILE
from reports.schema import Results

HEAD = """
import pytest
from clusters.errors import NotReadyError, WrongManifestError
from fixtures.history import Exchange, History
from fixtures.plugin.requirements import requirement
from fixtures.history.verdict import failed, inconclusive, passed

ONE = History([Exchange(stream="s", seq=0, caller="c", cluster="k", identity="i",
                        sent=0, received=1, url="http://x/", status=200)])
"""
PACKAGE = """
from pathlib import Path
from fixtures.behaviour import Behaviour

BEHAVIOUR = Behaviour(
    Path(__file__).parent,
    features=frozenset(FEATURES),
    in_force=lambda lab, cluster: None,
    probes=lambda subject: (),
)
"""
GREEN = """
@requirement("A1", source="Kind/name")
def test_a1(judge, cluster):
    '''It holds. It is not asked why.'''
    judge(ONE, lambda history: passed("held", n=len(history)))
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    monkeypatch.delenv("MANIFESTS", raising=False)
    run = Run(pytester)
    # Sessions within this process save their results and draw nothing; those apart do.
    monkeypatch.setattr(publish, "publish", run.publish)
    return run


class Run:
    """A session of pytest of its own, over a topology of two clusters that are not there.

    Within this process where that will do, as a process of its own takes ten times as long.
    """

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.published = 0

    def __call__(
        self,
        text: str,
        *arguments: str,
        apart: bool = False,
        package: str = PACKAGE,
        deviations: tuple[versions.Deviation, ...] = (),
    ) -> pytest.RunResult:
        known = topology(self.pytester.path).model_copy(update={"deviations": deviations})
        known.save(self.pytester.path / "topology.json")
        folder = self.pytester.path / "shape"
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").write_text(package.replace("FEATURES", '{"istio"}'))
        (folder / "test_shape.py").write_text(HEAD + text)
        run = self.pytester.runpytest_subprocess if apart else self.pytester.runpytest_inprocess
        return run(
            *(
                "-p",
                "fixtures.plugin.options",
                "-p",
                "fixtures.plugin.reporting",
                "-p",
                "fixtures.plugin.session",
            ),
            *("-p", "no:cacheprovider", "-p", "no:locust"),
            # Told what it is about, Hypothesis loads all of itself to say that nothing was.
            *("-p", "no:hypothesispytest", "-p", "no:anyio"),
            *("--topology", "topology.json", "--out", "out", *arguments),
        )

    def publish(self, results: Results, out: Path) -> None:
        self.published += 1
        results.save(out / FILE)

    @property
    def results(self) -> Results:
        return Results.load(self.pytester.path / "out" / "results.json")

    def only(self) -> tuple[str, str]:
        """Verdict and reason, the same in both clusters."""
        ((verdict, reason),) = {(r.verdict, r.reason) for r in self.results.requirements}
        return verdict, reason


def topology(folder: Path) -> Topology:
    clusters = tuple(
        Cluster(
            name=name,
            kubeconfig=folder / "absent",
            context=name,
            features=frozenset({"default-namespace", "istio", "two-nodes"}),
            not_offered={"encryption": "no kernel here has it"},
        )
        for name in ("aws-cluster", "azure-cluster")
    )
    machine = Machine(cpu="c", cores=2, memory_bytes=1, kernel="k", system="s")
    return Topology(
        run="up",
        provider="kind",
        train="2026-08",
        versions={"istio": "1"},
        deadlines=versions.load("2026-08").deadlines,
        clusters=clusters,
        images=(),
        machine=machine,
        stages=(),
    )


def requirement(body: str) -> str:
    return (
        '@requirement("A1", source="Kind/name")\n'
        f"def test_a1(judge, cluster):\n    '''It holds.'''\n    {body}\n"
    )
