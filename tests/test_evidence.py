"""Evidence is gathered once for what turns red right after, of the clusters that it is about."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from clusters.errors import UnreachableError
from clusters.kube import Document, Kube
from fixtures.lab import evidence
from fixtures.plugin import reporting
from fixtures.plugin.requirements import Asked


def asked(name: str, cluster: str) -> Asked:
    return Asked(
        id=name, variant=cluster, suite="s", sentence="It holds.", source="k/n", test="t",
        cluster=cluster,
    )  # fmt: skip


@pytest.fixture
def config(tmp_path: Path) -> Any:
    lab = SimpleNamespace(
        topology=SimpleNamespace(clusters=[SimpleNamespace(name=n) for n in ("aws", "azure")]),
        kube=lambda name: name,
    )
    return SimpleNamespace(
        stash={reporting.LAB: lab}, rootpath=tmp_path, option=SimpleNamespace(out="out")
    )


def test_what_is_red_right_after_shares_it(
    config: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gathered: list[Path] = []
    monkeypatch.setattr(evidence, "gather", lambda _kube, _spaces, path: gathered.append(path))
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def folder(name: str, cluster: str) -> str:
        return reporting._evidence(cast("pytest.Config", config), asked(name, cluster))

    assert folder("A1", "aws") == folder("A2", "aws") == "evidence/A1-aws"
    assert folder("A1", "azure") == "evidence/A1-azure"
    now[0] += reporting.FRESH
    assert folder("A3", "aws") == "evidence/A3-aws"
    assert folder("X1", "") == "evidence/X1"
    out = tmp_path / "out" / "evidence"
    assert gathered == [
        out / "A1-aws" / "aws",
        out / "A1-azure" / "azure",
        out / "A3-aws" / "aws",
        out / "X1" / "aws",
        out / "X1" / "azure",
    ]


def test_of_a_cluster_that_does_not_answer_there_is_a_word(tmp_path: Path) -> None:
    """And no error: the verdict of whoever is asked for it, and all verdicts after, are kept."""

    def gone(*_: str) -> list[Document]:
        raise UnreachableError("the API server at x to answer", seen="connection refused")

    evidence.gather(cast(Kube, SimpleNamespace(list=gone)), ("space",), tmp_path / "A1")
    said = (tmp_path / "A1" / "space" / "missing.txt").read_text(encoding="utf-8")
    assert "connection refused" in said


def test_a_full_disk_takes_no_verdict(tmp_path: Path) -> None:
    (tmp_path / "A1").touch()  # no folder can be made there
    kube = cast(Kube, SimpleNamespace(list=lambda *_: []))
    evidence.gather(kube, ("space",), tmp_path / "A1")
    assert (tmp_path / "A1").is_file()
