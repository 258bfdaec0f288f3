"""Locks: tests share a cluster, and who takes a control plane down has it alone."""

from __future__ import annotations

import threading
from pathlib import Path

from fixtures.plugin import locks

SOON = 0.3  # seconds in which a lock that is free would be had


def test_tests_share_a_cluster(tmp_path: Path) -> None:
    with locks.held(tmp_path, ["aws"], alone=False), locks.held(tmp_path, ["aws"], alone=False):
        assert (tmp_path / "aws.lock").exists()


def test_alone_waits_for_the_others_and_others_wait_behind_it(tmp_path: Path) -> None:
    order: list[str] = []
    alone, newcomer = threading.Event(), threading.Event()

    def take_down() -> None:
        with locks.held(tmp_path, ["aws", "azure"], alone=True):
            order.append("alone")
            alone.set()

    def come_later() -> None:
        with locks.held(tmp_path, ["aws"], alone=False):
            order.append("newcomer")
            newcomer.set()

    with locks.held(tmp_path, ["aws"], alone=False):
        threads = [threading.Thread(target=take_down)]
        threads[0].start()
        assert not alone.wait(SOON), "it went in beside another"
        threads.append(threading.Thread(target=come_later))
        threads[1].start()
        assert not newcomer.wait(SOON), "a newcomer passed the one that waits"
    for thread in threads:
        thread.join()
    assert order == ["alone", "newcomer"]


def test_another_cluster_is_free(tmp_path: Path) -> None:
    with locks.held(tmp_path, ["aws"], alone=True), locks.held(tmp_path, ["azure"], alone=True):
        assert {path.name for path in tmp_path.glob("*.lock")} == {"aws.lock", "azure.lock"}
