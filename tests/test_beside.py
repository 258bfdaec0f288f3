"""Beside ours: what others are given of a mutant, and what of their words is news."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

import suites
from clusters import capabilities
from clusters.models import Image
from clusters.topology import Cluster
from fixtures import lab as lab_module
from fixtures import manifests
from fixtures.behaviour import discover
from fixtures.lab import Lab
from fixtures.mutants import catalogue
from reports import kill_matrix as forms
from reports.of_mutants import report
from reports.render.markdown import markdown
from suites.runs.beside import Others, analyzed
from tests import samples, sessions

IMAGES = ("echo-basic", "locust", "ratelimit", "redis")
BEHAVIOURS = {each.name: each for each in discover(suites)}


@pytest.fixture
def others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Others:
    def kube(cluster: Cluster, _ledger: object) -> SimpleNamespace:
        return SimpleNamespace(cluster=cluster)

    monkeypatch.setattr(lab_module, "Kube", kube)
    images = tuple(Image(reference=f"x/{name}:1", digest="", source="forge") for name in IMAGES)
    new = sessions.topology(tmp_path)
    lab_has = capabilities.features(plain_envoy=False, istio_version="1.31.0", nodes=1)
    whole = {"features": lab_has | capabilities.NOT_OFFERED.keys()}
    clusters = tuple(each.model_copy(update=whole) for each in new.clusters)
    topology = new.model_copy(update={"images": images, "clusters": clusters})
    return Others(Lab(topology, manifests.load(), tmp_path, tmp_path), Path("istioctl"))


@pytest.mark.parametrize("suite", BEHAVIOURS)
def test_others_are_given_the_fault(others: Others, suite: str) -> None:
    behaviour, kube = BEHAVIOURS[suite], others.lab.kube("aws-cluster")
    reference = others._placed(kube, behaviour)
    missed = [
        mutant.name
        for mutant in catalogue(behaviour.folder)
        if not mutant.not_applicable
        and (mutant.file or mutant.support or mutant.extra)
        and others._placed(kube, behaviour, mutant) == reference
    ]
    assert reference
    assert missed == []


def message(level: str) -> dict[str, str]:
    return {"code": "IST0101", "level": level, "origin": "VirtualService a", "message": "no host"}


@pytest.mark.parametrize(
    ("levels", "noticed"), [((), False), (("Info",), False), (("Info", "Warning"), True)]
)
def test_what_a_person_would_stop_at_is_noticed(levels: tuple[str, ...], noticed: bool) -> None:
    word = analyzed(map(message, levels), 1.234)
    assert (word.noticed, word.seconds) == (noticed, 1.23)
    assert word.says == ("IST0101 no host" if noticed else "")


def test_a_report_tells_who_noticed_how_many_and_when() -> None:
    def entry(name: str, *words: forms.Word) -> forms.MutantRun:
        return forms.MutantRun(
            name=name, suite="s", what="w", kills=("CS1",), outcome="killed", peers=words
        )

    def word(*, noticed: bool, says: str = "") -> forms.Word:
        return forms.Word(peer="istioctl", noticed=noticed, says=says, seconds=2)

    results = samples.results(())
    matrix = forms.KillMatrix(
        run="r",
        train="t",
        seconds=30,
        machine=results.machine,
        references=0,
        entries=(
            entry("a", word(noticed=True, says="IST0101 no host")),
            entry("b", word(noticed=False)),
            entry("c"),
        ),
    )
    assert report(matrix).remarks[1:] == (
        "Of 2 mutants these requirements noticed 3; each took 10 s, with the reference after it.",
        "istioctl noticed 1; each took 2.0 s at the median.",
    )
    text = markdown(report(matrix))
    assert "| a | w | ❌ | killed; istioctl: IST0101 no host |" in text
    assert "| b | w | ✅ | killed |" in text
    assert "| c | w |  | killed |" in text
