"""Pulling: from where an image is published or from a mirror, and never another than is pinned."""

from __future__ import annotations

import pytest

from clusters import versions
from clusters.errors import CommandError, DoctorError
from clusters.images.pull import DigestError, checked, ensure, mirrored
from clusters.versions import PublishedImage, Train
from tests.engines import TableEngine, Thing

TRAIN = versions.load("2026-08")
ECHO = TRAIN.reference("echo")
REPOSITORY = ECHO.rpartition(":")[0]
GOOD, BAD = (f"sha256:{letter * 64}" for letter in "ab")
MIRROR = "mirror.site:5000"


def pinned(digest: str) -> Train:
    images = {**TRAIN.images, "echo": PublishedImage(reference=ECHO, digest=digest)}
    return TRAIN.model_copy(update={"images": images})


def image(*digests: str) -> dict[tuple[str, str], Thing]:
    """The echo image, as an engine holds it under these repository digests."""
    return {("image", ECHO): {"Id": "sha256:id", "RepoDigests": list(digests)}}


@pytest.mark.parametrize(
    ("reference", "mirror", "expected"),
    [
        ("quay.io/cilium/cilium:v1", "", "quay.io/cilium/cilium:v1"),
        ("quay.io/cilium/cilium:v1", "m:5000", "m:5000/cilium/cilium:v1"),
        ("docker.io/kindest/node:v1", "m.site/all/", "m.site/all/kindest/node:v1"),
        ("registry.k8s.io/pause:3", "127.0.0.1:5000", "127.0.0.1:5000/pause:3"),
    ],
)
def test_a_mirror_takes_the_registrys_place(reference: str, mirror: str, expected: str) -> None:
    assert mirrored(reference, mirror) == expected


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("registry.example:5000", "registry.example:5000"),
        ("registry.example", "registry.example"),
        ("m:5000/all/ours/", "m:5000/all/ours"),
        ("127.0.0.1:5000", "127.0.0.1:5000"),
        ("[::1]:5000", "[::1]:5000"),
        ("localhost", "localhost"),
    ],
)
def test_a_registrys_address_is_taken(said: str, address: str) -> None:
    assert checked(said) == address


@pytest.mark.parametrize("said", ["", "https://m:5000", "mirror", "m:5000 n:5000", "/m:5000", "a:"])
def test_what_docker_would_take_for_something_else_is_refused(said: str) -> None:
    with pytest.raises(DoctorError, match=r"without https://\n.*\nlook: +MIRROR=registry"):
        checked(said)


def test_what_is_held_is_not_pulled_again() -> None:
    engine = TableEngine(things=image(f"{REPOSITORY}@{GOOD}"))
    (found,) = ensure(engine, TRAIN, ["echo"], "")
    assert (found.reference, found.digest, found.source) == (ECHO, GOOD, "pull")
    assert engine.calls == []


def test_what_is_missing_is_pulled_and_its_digest_recorded() -> None:
    engine = TableEngine(then={"pull": image(f"{REPOSITORY}@{GOOD}")})
    (found,) = ensure(engine, TRAIN, ["echo"], "")
    assert engine.calls == [f"pull --quiet {ECHO}", f"tag {ECHO} {ECHO}"]
    assert found.digest == GOOD


def test_a_forged_image_of_the_name_is_not_taken_for_the_published() -> None:
    engine = TableEngine(things=image(), then={"pull": image(f"{REPOSITORY}@{GOOD}")})
    ensure(engine, TRAIN, ["echo"], "")
    assert engine.calls[0] == f"pull --quiet {ECHO}"


def test_a_pinned_image_is_asked_for_by_its_digest() -> None:
    engine = TableEngine(
        things=image(f"{REPOSITORY}@{BAD}"), then={"pull": image(f"{REPOSITORY}@{GOOD}")}
    )
    (found,) = ensure(engine, pinned(GOOD), ["echo"], "")
    assert engine.calls == [f"pull --quiet {ECHO}@{GOOD}", f"tag {ECHO}@{GOOD} {ECHO}"]
    assert found.digest == GOOD


def test_another_digest_than_the_pinned_is_refused() -> None:
    engine = TableEngine(then={"pull": image(f"{REPOSITORY}@{BAD}")})
    with pytest.raises(DigestError, match=r"as versions/2026-08\.toml pins it") as caught:
        ensure(engine, pinned(GOOD), ["echo"], "")
    assert caught.value.seen == BAD


def test_a_mirror_is_pulled_from_and_the_published_name_given() -> None:
    copy = mirrored(ECHO, MIRROR)
    engine = TableEngine(then={"tag": image(f"{copy.rpartition(':')[0]}@{GOOD}")})
    (found,) = ensure(engine, TRAIN, ["echo"], MIRROR)
    assert engine.calls == [f"pull --quiet {copy}", f"tag {copy} {ECHO}"]
    assert (found.reference, found.digest) == (ECHO, GOOD)


def test_docker_hubs_name_is_left_out_by_docker() -> None:
    reference = TRAIN.reference("envoy")
    assert reference.startswith("docker.io/")
    short = reference.removeprefix("docker.io/").rpartition(":")[0]
    engine = TableEngine(things={("image", reference): {"RepoDigests": [f"{short}@{GOOD}"]}})
    (found,) = ensure(engine, TRAIN, ["envoy"], "")
    assert (found.digest, engine.calls) == (GOOD, [])


def test_images_come_in_the_order_asked_for_and_a_failure_is_an_error() -> None:
    both = ["locust", "echo"]
    engine = TableEngine()
    assert [i.reference for i in ensure(engine, TRAIN, both, "")] == [
        TRAIN.reference(name) for name in both
    ]
    with pytest.raises(CommandError, match="pull"):
        ensure(TableEngine(refused=("pull",)), TRAIN, both, "")
