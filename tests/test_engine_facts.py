"""An engine's facts: read from the shapes in which engines of every kind tell them."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusters import address_range, engine
from clusters.engine_facts import (
    CAP_SYS_RESOURCE,
    Facts,
    kernel_version,
    lacks_sys_resource,
    parse,
)
from clusters.errors import EngineError
from tests import documents
from tests.documents import FORM, GIB, PARTS, Document
from tests.engines import TableEngine

UBUNTU = Facts(
    version="28.5.1",
    podman=False,
    rootless=False,
    remapped=False,
    system="Ubuntu 24.04.3 LTS",
    kernel="6.8.0-88-generic",
    cgroup=2,
    cores=2,
    memory=24 * GIB,
    root="/var/lib/docker",
    images="/var/lib/docker",
    driver="overlay2",
)
DEBIAN = replace(
    UBUNTU,
    version="20.10.24+dfsg1",
    system="Debian GNU/Linux 12 (bookworm)",
    kernel="6.1.0-28-amd64",
    cgroup=1,
)


def facts(info: Document, *parts: str) -> Facts:
    return parse(*documents.answers(info, *(parts or PARTS)).values())


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        (documents.DOCKER_20, DEBIAN),
        (documents.DOCKER_28, UBUNTU),
        (
            documents.DOCKER_29,
            replace(UBUNTU, version="29.1.2", driver="overlayfs", images="/var/lib/containerd"),
        ),
        (
            documents.ROOTLESS,
            replace(
                UBUNTU,
                rootless=True,
                root="/home/me/.local/share/docker",
                images="/home/me/.local/share/docker",
            ),
        ),
    ],
)
def test_what_docker_says_is_read(info: Document, expected: Facts) -> None:
    assert facts(info) == expected


def test_images_that_dockerd_keeps_by_its_own_containerd_are_in_its_folder() -> None:
    """A containerd that dockerd started has its data below dockerd's."""
    own = {"Containerd": {"Address": "/var/run/docker/containerd/containerd.sock"}}
    assert facts({**documents.DOCKER_29, **own}).images == "/var/lib/docker"
    assert facts({**documents.DOCKER_29, "Containerd": None}).images == "/var/lib/docker"


def test_kinds_of_engines_are_told_apart() -> None:
    kinds = {
        "rootless": facts(documents.ROOTLESS).rootless,
        "remapped": facts(documents.REMAPPED).remapped,
        "snap": facts(documents.SNAP).snap,
        "desktop": facts(documents.DESKTOP).desktop,
    }
    assert all(kinds.values()), kinds
    usual = facts(documents.DOCKER_28)
    assert not any((usual.rootless, usual.remapped, usual.snap, usual.desktop, usual.podman))


def test_podman_is_known_by_each_of_its_signs() -> None:
    assert parse(*documents.answers(documents.PODMAN).values()).podman
    assert facts(documents.PODMAN_SOCKET, *documents.PODMANS_PARTS).podman
    assert not facts(documents.DOCKER_20).podman


def test_a_docker_before_20_10_tells_no_version_of_cgroups() -> None:
    old = {key: value for key, value in documents.DOCKER_20.items() if key != "CgroupVersion"}
    assert facts(old).cgroup == 1


def test_a_daemon_that_does_not_answer_is_an_error_with_its_own_words() -> None:
    with pytest.raises(EngineError) as caught:
        facts(documents.SILENT)
    assert caught.value.seen == documents.SILENT["ServerErrors"][0]


@pytest.mark.parametrize(
    ("info", "seen"),
    [
        ("", "Invalid JSON"),
        ("<html>", "Invalid JSON"),
        ("[]", "Input should be an object"),
        ('{"NCPU": "many"}', "NCPU: Input should be a valid integer"),
    ],
)
def test_what_no_engine_prints_is_an_error(info: str, seen: str) -> None:
    with pytest.raises(EngineError) as caught:
        parse(info, documents.answers({}, *PARTS)[f"version {FORM}"])
    assert seen in caught.value.seen
    assert caught.value.look == "docker info"


def test_an_engine_is_asked_once() -> None:
    class Counting(TableEngine):
        def docker(self, *argv: object, **how: object) -> str:
            verbs.append(argv[0])
            return super().docker(*map(str, argv), **how)

    verbs: list[object] = []
    counting = Counting()
    assert counting.facts == counting.facts == UBUNTU
    assert verbs == ["info", "version"]


@pytest.mark.parametrize(
    ("release", "version"),
    [("6.8.0-88-generic", (6, 8)), ("5.10", (5, 10)), ("", (0, 0)), ("next", (0, 0))],
)
def test_a_kernels_release_has_a_version(release: str, version: tuple[int, int]) -> None:
    assert kernel_version(release) == version


@given(st.integers(0, 2**41 - 1))
def test_a_capability_is_a_bit_of_the_bounding_set(bounding: int) -> None:
    status = f"Name:\tcat\nCapEff:\t{0:016x}\nCapBnd:\t{bounding:016x}\nCapAmb:\t{0:016x}\n"
    assert lacks_sys_resource(status) == (f"{bounding:064b}"[::-1][CAP_SYS_RESOURCE] == "0")


@pytest.mark.parametrize("status", ["", "CapBnd: none", "cat: can't open '/proc/self/status'"])
def test_what_is_no_process_status_is_an_error(status: str) -> None:
    with pytest.raises(EngineError, match="CapBnd"):
        lacks_sys_resource(status)


def test_the_users_engine_is_asked_by_a_container() -> None:
    """This process may have capabilities that its containers lack, and the other way round."""
    free, bound = f"CapBnd:\t{2**41 - 1:x}", f"CapBnd:\t{2**41 - 1 - 2**CAP_SYS_RESOURCE:x}"
    for status, lacks in ((free, False), (bound, True)):
        table = TableEngine(says={"run --rm --privileged": status})
        assert table.lacks_sys_resource("node:1") is lacks
        assert table.calls == [
            "run --rm --privileged --network=none --entrypoint=cat node:1 /proc/self/status"
        ]


def test_an_engine_that_is_there_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever it is: the shape is a real one's, and the machine's own networks are read."""
    monkeypatch.delenv(address_range.VARIABLE, raising=False)
    running = engine.of_user()
    if running is None:
        pytest.skip("no container engine answers: `make test` starts one")
    facts = running.facts
    assert facts.version
    assert not facts.podman
    assert kernel_version(facts.kernel) > (0, 0)
    assert facts.cores >= 1
    assert facts.memory > 0
    assert Path(facts.root).is_absolute()
    if facts.kernel == platform.release():  # Docker Desktop's is another machine's
        unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
        assert facts.cgroup == (2 if unified else 1)
    # The private engine, the user's own to this process, has its bridge in its lab's range.
    if not address_range.of_lab(running):
        assert address_range.choice_for(running).range in address_range.CANDIDATES
