"""Imports go one way: suites -> fixtures -> clusters, and fixtures -> reports.

Below all of them lies the ground floor: a few modules of clusters/ that import nothing of ours
but each other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from fixtures.traffic import pod

ROOT = Path(__file__).parent.parent
OURS = ("suites", "fixtures", "clusters", "reports", "tests")

FORBIDDEN = {
    "suites": {"tests"},
    "fixtures": {"suites", "tests"},
    "clusters": {"suites", "fixtures", "reports", "tests", "pytest"},
    "reports": {"suites", "fixtures", "clusters", "tests", "pytest"},
}
"""What a folder must not import, directly. pytest counts where no test may be at work."""

ROOMS = ("history", "checks", "manifests", "mutants", "traffic", "lab", "plugin")
"""The rooms of fixtures/, the lowest first: each may import those before it."""

GROUND = frozenset({"clusters.errors", "clusters.files", "clusters.models", "clusters.settings"})
"""What every package may import, as it imports none of them."""

CALLERS = pod.PROGRAMS
"""These run in a pod, where nothing of the project is."""


def modules(source: str, package: str) -> set[str]:
    """The modules that a module imports, wherever in it; `package` resolves dots."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = package if node.level else node.module or ""
            top = {f"{module}.{alias.name}" for alias in node.names} if module in OURS else set()
            names |= top or {module}
    return names


def imported(source: str, package: str) -> set[str]:
    """The top-level names that a module imports, the ground floor left out."""
    return {name.partition(".")[0] for name in modules(source, package) - GROUND}


def conftests(source: str) -> set[str]:
    """The conftests that a module imports: they are pytest's, for fixtures, and nobody else's."""
    nodes = list(ast.walk(ast.parse(source)))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            names += [node.module or "", *(alias.name for alias in node.names)]
    return {name for name in names if name.rpartition(".")[2] == "conftest"}


def wrong(files: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Each import that goes the wrong way, of files given by path and source."""
    for path, source in files:
        folder, _, rest = path.partition("/")
        forbidden = FORBIDDEN.get(folder, set())
        if rest.removeprefix("traffic/pod/") in CALLERS:
            forbidden = set(OURS)
        for name in sorted(imported(source, folder) & forbidden | conftests(source)):
            yield f"{path} imports {name}"


def ours() -> Iterator[tuple[str, str]]:
    for folder in FORBIDDEN:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), path.read_text()


def test_no_import_goes_the_wrong_way() -> None:
    files = list(ours())
    assert {path for path, _ in files} > {f"fixtures/traffic/pod/{name}" for name in CALLERS}
    assert list(wrong(files)) == []


def climbing(files: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Each import in fixtures/ of a room that stands above the importer's."""
    for path, source in files:
        top, _, rest = path.partition("/")
        room = rest.partition("/")[0]
        if top == "fixtures" and room in ROOMS:
            above = ROOMS[ROOMS.index(room) + 1 :]
            for name in sorted(modules(source, top)):
                # Constants that a program in a pod has too are told there, as it imports nothing.
                if name.startswith("fixtures.traffic.pod."):
                    continue
                if any(f"{name}.".startswith(f"fixtures.{each}.") for each in above):
                    yield f"{path} imports {name}"


def test_no_room_imports_one_above_it() -> None:
    files = list(ours())
    rooms = {path.split("/")[1] for path, _ in files if path.count("/") > 1}
    assert rooms >= set(ROOMS)
    assert list(climbing(files)) == []


def test_an_import_of_a_room_above_is_found() -> None:
    files = [("fixtures/checks/load.py", "from fixtures.lab import Lab")]
    assert list(climbing(files)) == ["fixtures/checks/load.py imports fixtures.lab"]


@pytest.mark.parametrize("name", sorted(GROUND))
def test_the_ground_floor_stands_on_nothing_of_ours(name: str) -> None:
    source = (ROOT / f"{name.replace('.', '/')}.py").read_text()
    ours = {each for each in modules(source, "clusters") if each.partition(".")[0] in OURS}
    assert ours <= GROUND


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("clusters/components/cilium.py", "import pytest"),
        ("clusters/kind.py", "from fixtures.history import History"),
        ("clusters/topology.py", "def f():\n    import reports.schema as schema"),
        ("reports/html.py", "from clusters import topology"),
        ("reports/html.py", "from clusters.kube import Kube"),
        ("reports/html.py", "import fixtures"),
        ("fixtures/checks.py", "from suites.canary_split import weights"),
        ("fixtures/traffic/pod/prober.py", "from fixtures.history import Exchange"),
        ("fixtures/traffic/pod/locustfile.py", "from ..history import Exchange"),
        ("suites/conftest.py", "from tests import peer"),
        ("suites/runs/watch.py", "from suites.canary_split.conftest import entered"),
        ("suites/runs/watch.py", "from suites.canary_split import conftest"),
        ("suites/canary_split/test_canary_split.py", "import suites.canary_split.conftest"),
    ],
)
def test_an_arrow_that_turns_is_seen(path: str, source: str) -> None:
    assert len(list(wrong([(path, source)]))) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("suites/canary_split/test_weights.py", "from fixtures.checks import split\nimport pytest"),
        ("fixtures/plugin/session.py", "import pytest\nfrom clusters.topology import Topology"),
        ("fixtures/plugin/session.py", "from reports.schema import Requirement"),
        ("fixtures/traffic/pod/__init__.py", "from fixtures.history import Exchange"),
        ("clusters/components/cilium.py", "from clusters.errors import NotReadyError"),
        ("reports/html.py", "from reports import schema"),
        ("reports/html.py", "from clusters import files\nfrom clusters.errors import PlaceError"),
    ],
)
def test_an_arrow_that_does_not_turn_is_let_be(path: str, source: str) -> None:
    assert list(wrong([(path, source)])) == []
