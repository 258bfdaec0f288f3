"""Baking's decisions: when a node image is made anew, and what is told to the engine."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clusters.errors import CommandError
from clusters.images import bake
from tests.engines import TableEngine, Thing
from tests.test_flat import TOLD, exported

IMAGES = ("a:1", "b:1")


@dataclass(frozen=True)
class Kitchen(TableEngine):
    """Holds a node image and two others; what it runs has the variables of `variables`."""

    variables: tuple[str, ...] = ()

    def pipe(self, *argv: str) -> Any:
        self.docker(*argv)
        return io.BytesIO(exported())

    def inspect(self, kind: str, name: str) -> Thing | None:
        if kind == "container":
            return {"Config": {"Env": list(self.variables)}}
        return super().inspect(kind, name)


def kitchen(
    *, refused: tuple[str, ...] = (), variables: tuple[str, ...] = (), **ids: str
) -> Kitchen:
    things = {
        ("image", name): {**TOLD, "Id": ids.get(name.partition(":")[0], name)}
        for name in ("node:1", *IMAGES)
    }
    return Kitchen(things=things, refused=refused, variables=variables)


def baked(running: Kitchen, tmp_path: Path, label: str = "") -> list[str]:
    """What the engine was told, by its first word."""
    bake.bake(running, "node:1", IMAGES, "baked:1", work=tmp_path / "work", label=label)
    return [call.partition(" ")[0] for call in running.calls]


def test_all_images_go_in_before_it_is_committed_and_nothing_is_left(tmp_path: Path) -> None:
    running = kitchen()
    verbs = baked(running, tmp_path)
    assert verbs[0] == "run"
    assert sorted(verbs[1:-3]) == sorted(("create", "export", "rm", "exec") * 2)
    assert verbs[-3:] == ["exec", "commit", "rm"]
    imported = {call.split()[-2] for call in running.calls if call.startswith("exec")}
    assert {"/baking/0.tar", "/baking/1.tar"} < imported
    assert list((tmp_path / "work").iterdir()) == []


def test_it_is_made_again_only_of_something_else(tmp_path: Path) -> None:
    running = kitchen()
    content = bake.digest(running, "node:1", IMAGES)
    running.things["image", "baked:1"] = {"Config": {"Labels": {bake.LABEL: content}}}
    assert baked(running, tmp_path) == []
    changed = kitchen(b="sha256:2")
    changed.things["image", "baked:1"] = running.things["image", "baked:1"]
    assert "commit" in baked(changed, tmp_path)


def test_the_order_of_images_does_not_matter_and_each_part_does() -> None:
    one = bake.digest(kitchen(), "node:1", IMAGES)
    assert one == bake.digest(kitchen(), "node:1", IMAGES[::-1])
    changed = (kitchen(node="x"), kitchen(a="x"), kitchen(b="x"))
    others = {bake.digest(running, "node:1", IMAGES) for running in changed}
    assert len({one, *others}) == 4


@pytest.mark.parametrize("found", [None, {}, {"Config": {}}, {"Config": {"Labels": None}}])
def test_what_was_not_baked_has_no_content(found: Thing | None) -> None:
    assert bake.content_of(found) == ""


def test_a_container_is_known_by_what_it_was_made_from() -> None:
    """Its image has the label, and Docker gives a container the labels of its image."""
    labels = {bake.LABEL: "abc", "io.x-k8s.kind.role": "control-plane"}
    assert bake.content_of({"Config": {"Labels": labels}}) == "abc"


def test_no_proxy_of_the_users_docker_stays_in_the_image(tmp_path: Path) -> None:
    running = kitchen(
        variables=("HTTP_PROXY=http://a:1", "no_proxy=x", "PATH=/bin", "container=docker")
    )
    baked(running, tmp_path, label="k=v")
    (commit,) = [call for call in running.calls if call.startswith("commit")]
    assert "--change ENV HTTP_PROXY= --change ENV no_proxy= --change LABEL k=v" in commit
    assert "PATH" not in commit
    assert "ENV container" not in commit


@pytest.mark.parametrize("step", ["run", "export", "exec", "commit"])
def test_whatever_fails_nothing_is_left(tmp_path: Path, step: str) -> None:
    running = kitchen(refused=(step,))
    with pytest.raises(CommandError, match=f"exit status 0 of docker {step}"):
        baked(running, tmp_path)
    assert running.calls[-1].startswith("rm --force --volumes plumbline-bake-")
    assert list((tmp_path / "work").iterdir()) == []
