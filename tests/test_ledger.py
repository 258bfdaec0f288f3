"""The ledger: each write once, whoever writes at the same time, and counted by what it was."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from clusters import ledger
from clusters.ledger import FILE, Ledger, Write
from fixtures.plugin.record import written

PROCESSES, EACH = 4, 250


def _write(name: str, verb: str = "apply", kind: str = "Service", namespace: str = "ours") -> Write:
    return Write(cluster="aws-cluster", verb=verb, kind=kind, namespace=namespace, name=name)


def _note_many(file: Path, process: int) -> None:
    for number in range(EACH):
        Ledger(file).note(_write(f"{process}-{number}"))


def test_the_lines_of_several_processes_never_mix(tmp_path: Path) -> None:
    with ProcessPoolExecutor(PROCESSES) as pool:
        list(pool.map(_note_many, [tmp_path / FILE] * PROCESSES, range(PROCESSES)))
    names = [each.name for each in ledger.read(tmp_path / FILE)]
    assert len(names) == len(set(names)) == PROCESSES * EACH


def test_a_line_that_a_kill_cut_short_costs_that_line_alone(tmp_path: Path) -> None:
    noting = Ledger(tmp_path / FILE)
    noting.note(_write("one"))
    noting.note(_write("two"))
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[:-10])
    assert [each.name for each in ledger.read(tmp_path / FILE)] == ["one"]


def test_without_a_file_nothing_is_noted(tmp_path: Path) -> None:
    Ledger().note(_write("one"))
    assert ledger.read(tmp_path / FILE) == []
    assert not list(tmp_path.iterdir())


def test_a_run_counts_the_writes_of_all_its_stages(tmp_path: Path) -> None:
    second = tmp_path / "second-sitting"
    second.mkdir()
    for name in ("one", "two", "one"):
        Ledger(tmp_path / FILE).note(_write(name))
    Ledger(second / FILE).note(_write("one"))
    Ledger(second / FILE).note(_write("one", verb="delete"))
    Ledger(second / FILE).note(_write("one", namespace="theirs"))
    counts = [(w.namespace, w.verb, w.objects, w.times) for w in written(tmp_path)]
    assert counts == [("ours", "apply", 2, 4), ("ours", "delete", 1, 1), ("theirs", "apply", 1, 1)]
