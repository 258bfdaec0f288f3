"""Images of published shape, pulled by a real Docker: flat, and put into a node image.

Through a registry, as only so an index with a foreign platform and an attestation gets into the
engine, in whichever of its two stores it keeps images.
"""

from __future__ import annotations

import os
import tarfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from clusters.engine import Engine
from clusters.images import bake, flat
from clusters.images.source import NODE
from tests import published
from tests.published import DECOY, unpacked
from tests.sites import TRAIN, address_of, crane_program, registry, running_engine
from tests.test_flat import SETTINGS, TOLD, entry, exported, flattened, shown

IDENTITY = ("opt/it", b"made for this run: ")
LINKED = ("bin/ping", "bin/also")  # either may be first, and the other the link


@dataclass(frozen=True)
class Shelf:
    """Two images in the engine, pulled: with all layers, and without the last; and their files."""

    engine: Engine
    whole: str
    early: str
    digests: dict[str, str]
    given: Path


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shelf]:
    engine, crane = running_engine(), crane_program()
    work, mark = tmp_path_factory.mktemp("work"), uuid.uuid4().hex
    configuration = {**TOLD, "Architecture": _architecture(engine), "Variant": ""}
    passwd = (entry("etc/passwd"), b"locust:x:1000:1000::/home/locust:/bin/sh\n")
    own = (entry(IDENTITY[0]), IDENTITY[1] + mark.encode())
    settings = unpacked(flattened(work, exported(passwd, own), configuration)[1], work)
    whole = (work / "layer.tar").rename(work / "given.tar")
    with registry() as container:
        at = f"{address_of(container)}/plumbline-{mark[:12]}"
        digests = {}
        try:
            for name, count in (("whole", 3), ("early", 2)):
                layers = published.split(whole, work)[:count]
                target = f"{at}/{name}:1"
                digests[target] = published.publish(layers, settings, target, [crane], work)
                engine.docker("pull", f"{target}@{digests[target]}")
                engine.docker("tag", f"{target}@{digests[target]}", target)
            yield Shelf(engine, f"{at}/whole:1", f"{at}/early:1", digests, whole)
        finally:
            ids = engine.docker("images", "--quiet", "--no-trunc", f"{at}/*").split()
            if ids:
                engine.docker("rmi", "--force", *set(ids))


def _architecture(engine: Engine) -> str:
    said = engine.docker("version", "--format", "{{.Server.Arch}}").strip()
    assert said
    return said


def test_what_was_pulled_is_the_index_of_several_layers(shelf: Shelf) -> None:
    for name, layers in ((shelf.whole, 3), (shelf.early, 2)):
        document = shelf.engine.inspect("image", name) or {}
        assert len(document["RootFS"]["Layers"]) == layers
        repository = name.rpartition(":")[0]
        assert f"{repository}@{shelf.digests[name]}" in document["RepoDigests"]


def test_all_layers_are_in_one(shelf: Shelf, tmp_path: Path) -> None:
    digest = flat.write(shelf.engine, shelf.whole, tmp_path / "a.tar", label=bake.LABEL)
    settings = unpacked(tmp_path / "a.tar", tmp_path)
    given, found = shown(shelf.given), shown(tmp_path / "layer.tar")
    assert set(given) <= set(found)
    assert {found[name][0] for name in set(found) - set(given) - {"etc/mtab"}} == {tarfile.DIRTYPE}
    alone = set(given) - set(LINKED)
    assert {n: _without_name(found[n]) for n in alone} == {
        n: _without_name(given[n]) for n in alone
    }
    assert sorted(found[n][0] for n in LINKED) == [tarfile.REGTYPE, tarfile.LNKTYPE]
    (first,) = [found[n] for n in LINKED if found[n][0] == tarfile.REGTYPE]
    assert (first[1], first[-2]) == (0o755, given["bin/ping"][-2])
    assert settings["config"] == SETTINGS
    assert settings["rootfs"]["diff_ids"] == [digest]


def _without_name(of: tuple[Any, ...]) -> tuple[Any, ...]:
    """Who owns a file by number: the name is that of the machine where the archive was made."""
    return (*of[:4], *of[5:])


def test_what_an_upper_layer_takes_away_is_not_there(shelf: Shelf, tmp_path: Path) -> None:
    flat.write(shelf.engine, shelf.early, tmp_path / "a.tar", label=bake.LABEL)
    unpacked(tmp_path / "a.tar", tmp_path)
    names = [name for name in shown(tmp_path / "layer.tar") if name.startswith(DECOY)]
    assert sorted(names) == [DECOY, f"{DECOY}/opaque", f"{DECOY}/opaque/new"]


def test_the_same_image_gives_the_same_layer_again(shelf: Shelf, tmp_path: Path) -> None:
    layers, digests = [], set()
    for number in range(2):
        work = tmp_path / str(number)
        work.mkdir()
        digests.add(flat.write(shelf.engine, shelf.whole, work / "a.tar", label=bake.LABEL))
        unpacked(work / "a.tar", work)
        layers.append(shown(work / "layer.tar"))
    assert list(layers[0].items()) == list(layers[1].items())
    assert len(digests) == 1
    left = shelf.engine.docker("ps", "--all", "--quiet", "--filter", "name=plumbline-flat-")
    assert left == ""


# --- in a node image -----------------------------------------------------------------------------

LOOK = """
set -eu
containerd >/tmp/log 2>&1 &
for _ in $(seq 300); do ctr version >/dev/null 2>&1 && break; sleep 0.1; done
ctr --namespace=k8s.io images check | awk '$NF == "true" { print $1 }'
readlink -f /var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/*
for image in "$@"; do
    root=$(mktemp -d)
    ctr --namespace=k8s.io images mount "$image" "$root" >/dev/null
    cd "$root"
    find . -path './plumbline-decoy*'
    cat opt/it 2>/dev/null || true  # it is in the last layer, which one of them lacks
    stat -c '%a %u %N' bin/su
done
"""


@pytest.fixture(scope="module")
def node(shelf: Shelf, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Both in a node image, baked with a proxy in the settings of the user's Docker."""
    base = TRAIN.reference(NODE)
    if shelf.engine.inspect("image", base) is None:
        pytest.skip(f"{base} is not in the engine: `make up` brings it")
    work = tmp_path_factory.mktemp("bake")
    (work / "config.json").write_text(
        '{"proxies": {"default": {"httpProxy": "http://proxy.example:1", "noProxy": "x"}}}'
    )
    target = f"plumbline-test/{uuid.uuid4().hex[:12]}:1"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_CONFIG", str(work))
        bake.bake(shelf.engine, base, [shelf.whole, shelf.early], target, work=work / "work")
    try:
        yield target
    finally:
        shelf.engine.docker("rmi", target)


def test_a_node_has_them_unpacked_outside_of_var(shelf: Shelf, node: str) -> None:
    said = shelf.engine.docker(
        "run", "--rm", "--privileged", "--network=none", f"--label={bake.LABEL}=",
        "--entrypoint=/bin/bash", node, "-c", LOOK, "look", shelf.whole, shelf.early,
    ).splitlines()  # fmt: skip
    ready = [line for line in said if line in (shelf.whole, shelf.early)]
    assert sorted(ready) == sorted((shelf.whole, shelf.early))
    assert [line for line in said if DECOY in line] == [
        f"./{DECOY}", f"./{DECOY}/opaque", f"./{DECOY}/opaque/new",
    ]  # fmt: skip
    assert sum(IDENTITY[1].decode() in line for line in said) == 1
    assert sum("4755 0 'bin/su'" in line for line in said) == 2
    kept = [line for line in said if line.startswith("/kind/store/")]
    assert len(kept) >= 2
    assert not [line for line in said if line.startswith("/var/")]


def test_no_proxy_stays_in_it_and_it_is_known_by_its_content(shelf: Shelf, node: str) -> None:
    document = shelf.engine.inspect("image", node) or {}
    assert {"HTTP_PROXY=", "NO_PROXY="} <= set(document["Config"]["Env"])
    assert "proxy.example" not in str(document["Config"])
    content = bake.digest(shelf.engine, TRAIN.reference(NODE), [shelf.early, shelf.whole])
    assert bake.content_of(document) == content
    name = f"plumbline-test-{uuid.uuid4().hex[:8]}"
    shelf.engine.docker("create", "--name", name, f"--label=x={os.getpid()}", node)
    try:
        assert bake.content_of(shelf.engine.inspect("container", name)) == content
    finally:
        shelf.engine.docker("rm", name)
