"""Which images are ours, what room they take, and that no other is ever taken away."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusters import versions
from clusters.home import Home
from clusters.images import ours
from clusters.images.ours import Record, room_of
from tests.engines import TableEngine, Thing

ECHO = versions.load("2026-08").reference("echo")
NODE = versions.load("2026-08").reference("node")
BAKED = "plumbline/node:2026-08-0123456789ab"
ID = "5B7W:ABCD"
IMAGES = "images --filter label=dev.plumbline"


def image(name: str, at: str, size: int, *layers: str) -> dict[tuple[str, str], Thing]:
    return {("image", name): {"Id": at, "Size": size, "RootFS": {"Layers": list(layers)}}}


def engine(**more: str) -> TableEngine:
    """One that holds a node image baked, echo pulled, a built one, and others' images."""
    return TableEngine(
        things={
            **image(ECHO, "echo", 10_000_000, "e"),
            **image(BAKED, "baked", 1_500_000_000, "n", "b"),
            **image("kindest/node:v1", "node", 1_000_000_000, "n"),
            **image("theirs:1", "theirs", 7_000_000_000, "t"),
        },
        says={
            "info": f"{ID}\n",
            f"{IMAGES}.baked": f"{BAKED}\n",
            f"{IMAGES}.recipe": f"{NODE.removeprefix('docker.io/')}\ntheirs/from-ours:1\n",
            **more,
        },
    )


def test_ours_is_what_we_baked_built_and_pulled(tmp_path: Path) -> None:
    held = engine()
    Record.of(Home(tmp_path), held).add([ECHO])
    names = ours.names(Home(tmp_path), held)
    assert names == (BAKED, NODE.removeprefix("docker.io/"), ECHO)


def test_a_train_that_cannot_be_read_keeps_nobody_from_going_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (versions.FOLDER / "2026-08.toml").read_text()
    (tmp_path / "good.toml").write_text(text)
    (tmp_path / "bad.toml").write_text("[")
    monkeypatch.setattr(versions, "FOLDER", tmp_path)
    assert NODE.removeprefix("docker.io/") in ours.names(Home(tmp_path), engine())


def test_an_image_that_was_replaced_since_is_not_ours(tmp_path: Path) -> None:
    held = engine()
    Record.of(Home(tmp_path), held).add([ECHO])
    held.things[("image", ECHO)]["Id"] = "theirs"
    assert ECHO not in ours.names(Home(tmp_path), held)


def test_what_was_pulled_into_another_engine_is_not_taken_from_this(tmp_path: Path) -> None:
    Record.of(Home(tmp_path), engine(info="another")).add([ECHO])
    assert Record.of(Home(tmp_path), engine()).names == {}
    Record.of(Home(tmp_path), engine()).add(["theirs:1"])
    assert Record.of(Home(tmp_path), engine(info="another")).names == {ECHO: "echo"}


@pytest.mark.parametrize("text", ["", "[]", '{"engines": 1}', "\x00"])
def test_a_record_that_cannot_be_read_makes_nothing_ours(tmp_path: Path, text: str) -> None:
    (tmp_path / "pulled.json").write_text(text)
    assert Record.of(Home(tmp_path), engine()).names == {}


def test_room_is_counted_once() -> None:
    base, top = {"Id": "1", "Size": 100}, {"Id": "2", "Size": 130}
    layers = {"RootFS": {"Layers": ["a", "b"]}}, {"RootFS": {"Layers": ["a", "b", "c"]}}
    same = {**base, **layers[0]}
    assert room_of([same, {**top, **layers[1]}]) == 130
    assert room_of([same, same]) == 100
    assert (
        room_of([{**base, **layers[0]}, {"Id": "3", "Size": 50, "RootFS": {"Layers": ["x"]}}])
        == 150
    )
    assert room_of([base, top]) == 230, "without layers told, each is whole"
    assert room_of([]) == 0


@pytest.mark.parametrize(
    ("namespace", "word"), [(None, "IMAGES"), (Path("/run/netns/x"), "ENGINE")]
)
def test_down_says_what_is_kept_and_what_takes_it_away(
    tmp_path: Path, namespace: Path | None, word: str
) -> None:
    held = engine()
    held = TableEngine(namespace=namespace, things=held.things, says=held.says)
    assert ours.room_note(Home(tmp_path), held) == (
        f"kept: 1.5 GB of images in a table; make down {word}=1 takes them away"
    )
    assert ours.room_note(Home(tmp_path), TableEngine()) == ""


def test_only_ours_are_taken_away_and_what_is_in_use_stays_ours(tmp_path: Path) -> None:
    held = engine()
    record = Record.of(Home(tmp_path), held)
    record.add([ECHO, "kindest/node:v1"])
    busy = TableEngine(
        things=held.things, says={**held.says, "rmi kindest/node:v1": "in use"},
        refused=("rmi kindest/node:v1",),
    )  # fmt: skip
    ours.remove(Home(tmp_path), busy)
    taken = [call.removeprefix("rmi ") for call in busy.calls if call.startswith("rmi")]
    node = NODE.removeprefix("docker.io/")
    assert taken == [BAKED, node, ECHO, "kindest/node:v1"]
    assert record.names == {"kindest/node:v1": "node"}
