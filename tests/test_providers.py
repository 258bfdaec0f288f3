"""Providers: chosen by name in one place, and known by their protocol everywhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusters import providers, versions
from clusters.errors import InputError
from clusters.home import Home
from clusters.providers.kind import Kind
from clusters.settings import ROOT
from tests.engines import TableEngine
from tests.test_imports import modules

TRAIN = versions.load(versions.newest())


def test_a_provider_is_made_by_its_name(tmp_path: Path) -> None:
    provider = providers.of(Home(tmp_path), TableEngine(), TRAIN, name="kind")
    assert isinstance(provider, Kind)
    assert provider.name == "kind"
    with pytest.raises(InputError, match="'minikube'; there are: kind"):
        providers.of(Home(tmp_path), TableEngine(), TRAIN, name="minikube")


def test_nobody_else_names_one() -> None:
    naming = {
        path.relative_to(ROOT).as_posix()
        for package in ("clusters", "fixtures", "reports", "suites")
        for path in (ROOT / package).rglob("*.py")
        if any(name.startswith("clusters.providers.") for name in modules(path.read_text(), "x"))
    }
    assert naming == {"clusters/providers/__init__.py"}
