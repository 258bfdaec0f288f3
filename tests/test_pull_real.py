"""Pulling from a site's registry: a real one in a container, filled as `make mirror` fills it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clusters.errors import CommandError, DigestError, RegistryError
from clusters.home import Home
from clusters.images import ours, pull, source
from clusters.images.archive import Archive
from clusters.images.mirror import Mirror, fill
from clusters.process import run
from clusters.versions import PublishedImage
from tests.sites import TRAIN, Site, address_of, crane_program, registry, running_engine

NOTHING_THERE = "127.0.0.1:1"  # a port that nobody listens on
ELSEWHERE = "quay.io=127.0.0.1:1"  # a mirror, but of another registry
USER, PASSWORD = "site", "U*U"  # and its bcrypt, as crypt_blowfish's own tests have it
HTPASSWD = f"{USER}:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n"
UNKNOWN = f"sha256:{'0' * 64}"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The registry started and filled, in the engine that is there."""
    running, home = running_engine(), Home(tmp_path_factory.mktemp("home"))
    with registry() as container:
        site = Site(running, address_of(container), crane_program(), home)
        try:
            site.build("one", "1")
            site.build("two", "2")
            assert site.fill() == tuple(map(site.train().reference, ("one", "two")))
            yield site
        finally:
            site.forget()


@pytest.fixture
def site(filled: Site) -> Site:
    """The engine has none of the images, as a colleague's has not."""
    filled.forget()
    assert filled.held("one") is None
    return filled


# --- pulling -------------------------------------------------------------------------------


def test_an_image_comes_under_its_published_name_with_the_registrys_digest(site: Site) -> None:
    image = site.pull("one")
    assert image.reference == f"registry.example/{site.folder}/one:1"
    assert (image.digest, image.source) == (site.digest("one"), "pull")
    assert site.held("one")
    assert site.held("two") is None


def test_a_built_image_stays_one(site: Site) -> None:
    site.pull("one")
    assert pull.is_from_builder(site.engine, site.train().reference("one"))
    config = (site.held("one") or {})["Config"]
    assert (config["User"], config["Entrypoint"]) == ("1:1", ["/text"])


def test_the_user_says_only_where_it_is(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAGES=auto and $MIRROR, as `make e2e MIRROR=` sets them."""
    monkeypatch.setenv("IMAGES", "auto")
    monkeypatch.setenv("MIRROR", f"{site.registry}/")
    images, why = source.ensure_images(
        site.home, site.engine, site.train(), site.progress, ("two", "one"),
        mirrors=source.mirrors_of_user(),
    )  # fmt: skip
    assert [image.digest for image in images] == [site.digest("two"), site.digest("one")]
    assert why == f"pull, because MIRROR={site.registry}"


def test_a_registry_may_have_a_mirror_of_its_own(site: Site) -> None:
    """As a cache has a prefix for each registry that it fetches from."""
    image = site.pull("one", f"docker.io=127.0.0.1:1/hub,registry.example={site.registry}")
    assert (image.reference, image.digest) == (site.train().reference("one"), site.digest("one"))


def test_the_pinned_digest_is_taken(site: Site) -> None:
    pinned = site.digest("one")
    image = site.pull("one", train=site.train(one=pinned))
    assert (image.digest, pull.names_of_copies(site.train(one=pinned), [image])) == (pinned, ())


def test_a_mirrors_built_copy_of_a_pinned_image_is_taken_and_told_of(site: Site) -> None:
    train = site.train(one=UNKNOWN)
    image = site.pull("one", train=train)
    assert image.digest == site.digest("one")
    assert pull.names_of_copies(train, [image]) == (train.reference("one"),)


def test_where_it_is_published_only_the_pinned_digest_will_do(site: Site) -> None:
    """Also not that of an image which the registry has, but under another name."""
    at = site.registry
    for wrong in (UNKNOWN, site.digest("two")):
        with pytest.raises(RegistryError, match=f"/one@{wrong}") as caught:
            site.pull("one", ELSEWHERE, train=site.train(at, one=wrong))
        assert caught.value.reason == "missing"
    pinned = site.digest("one")
    image = site.pull("one", ELSEWHERE, train=site.train(at, one=pinned))
    assert (image.reference, image.digest) == (f"{at}/{site.folder}/one:1", pinned)


def test_another_image_than_the_pinned_is_refused(site: Site) -> None:
    """One that no image builder made: what a mirror has under the name may be anything."""
    site.pull("one")
    plain, address = site.train().reference("one"), f"{site.registry}/plain"
    with Archive(site.home.root / "plain.tar") as archive:
        archive.text("/text", site.folder)
    site.engine.docker("import", site.home.root / "plain.tar", plain)
    push = site.at(address).push
    assert push(site.home.folder("work"), plain)
    site.forget()
    with pytest.raises(DigestError, match=f"with digest {UNKNOWN}"):
        site.pull("one", address, train=site.train(one=UNKNOWN))


# --- filling -------------------------------------------------------------------------------


def test_what_the_registry_has_is_not_pushed_again(site: Site) -> None:
    site.pull("one")
    site.pull("two")
    assert site.fill() == ()


def test_what_is_built_anew_is_pushed_and_alone(site: Site) -> None:
    site.pull("one")
    before = site.digest("one"), site.digest("two")
    site.build("two", "anew")
    assert site.fill() == (site.train().reference("two"),)
    assert site.digest("one") == before[0]
    assert site.digest("two") != before[1]


def test_a_registry_may_keep_its_mirrors_below_a_prefix(site: Site) -> None:
    site.pull("one")
    site.pull("two")
    below = f"{site.registry}/mirrors/all"
    assert len(site.fill(below)) == 2
    site.forget()
    assert site.pull("one", below).reference == site.train().reference("one")
    assert pull.is_from_builder(site.engine, site.train().reference("one"))


def test_what_the_engine_does_not_hold_cannot_be_pushed(site: Site) -> None:
    with pytest.raises(CommandError, match=f"{site.folder}/one:1"):
        site.fill(f"{site.registry}/empty")


def test_a_registry_that_does_not_answer_is_named(site: Site) -> None:
    with pytest.raises(RegistryError, match=f"^expected: {NOTHING_THERE} to answer") as caught:
        site.fill(NOTHING_THERE)
    assert caught.value.reason == "unreachable"
    assert "connection refused" in caught.value.seen


def test_published_images_are_copied_as_they_are_and_no_engine_is_asked(site: Site) -> None:
    """An index too, with platforms that are not this machine's."""
    index = f"{site.registry}/{site.folder}/two:1"
    run([site.crane, "index", "append", "-m", index, "-m", f"{site.registry}/{site.folder}/one:1",
         "-t", index])  # fmt: skip
    published, below = site.train(site.registry), f"{site.registry}/copies"
    copies = Mirror(below, site.crane)
    wanted = tuple(map(published.reference, ("one", "two")))
    assert fill([published, published], site.progress, copies.copy) == wanted
    for name, reference in zip(("one", "two"), wanted, strict=True):
        digest = run([site.crane, "digest", reference]).strip()
        assert copies.digest(reference) == digest
        pinned = site.train(site.registry, **{name: digest})
        assert site.pull(name, below, pinned).digest == digest
    assert fill([published], site.progress, copies.copy) == ()


def test_a_pinned_image_is_copied_by_its_digest(site: Site) -> None:
    copies, published = Mirror(f"{site.registry}/pinned", site.crane), site.train(site.registry)
    reference, digest = published.reference("one"), site.digest("one")
    assert copies.copy(reference, digest)
    assert copies.digest(reference) == digest
    with pytest.raises(RegistryError, match=f"crane copy .*@{UNKNOWN}") as caught:
        copies.copy(reference, UNKNOWN)
    assert caught.value.reason == "missing"


# --- taking away -----------------------------------------------------------------------------


def test_what_was_pulled_goes_and_what_was_there_before_stays(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but the record is asked for: the lab's own built and baked images stay."""
    site.pull("two")
    monkeypatch.setattr(ours, "_names_with_label", lambda *_: [])
    home = Home(site.home.folder("another"))
    before = replace(site, home=home)
    before.pull("one")
    before.pull("two")
    assert set(ours.names(home, site.engine)) == {
        site.train().reference("one"), f"{site.registry}/{site.folder}/one:1",
    }  # fmt: skip
    assert "of images in the user's Docker; make down IMAGES=1" in ours.room_note(home, site.engine)
    ours.remove(home, site.engine)
    assert ours.room_note(home, site.engine) == ""
    assert site.held("one") is None
    assert site.held("two")


def test_what_the_user_had_by_its_digest_alone_stays_theirs(site: Site) -> None:
    """The name that we give it would take the digest's away with it."""
    repository = f"{site.registry}/{site.folder}/plain"
    layer = site.home.root / "layer.tar"
    with Archive(layer) as archive:
        archive.text("/text", site.folder)
    run([site.crane, "append", "--new_layer", layer, "--new_tag", f"{repository}:1"])
    digest = run([site.crane, "digest", f"{repository}:1"]).strip()
    images = {"plain": PublishedImage(reference=f"{repository}:1", digest=digest)}
    train = TRAIN.model_copy(update={"images": images})
    for name, theirs in (("theirs", True), ("ours", False)):
        if theirs:
            site.engine.docker("pull", f"{repository}@{digest}")
        home = Home(site.home.folder(name))
        assert replace(site, home=home).pull("plain", ELSEWHERE, train).digest == digest
        assert (ours.Record.of(home, site.engine).names == {}) is theirs
        site.forget()


# --- who may -------------------------------------------------------------------------------


@pytest.fixture
def closed() -> Iterator[str]:
    """A registry that asks for a name and a password."""
    settings = {"": "htpasswd", "_HTPASSWD_REALM": "site", "_HTPASSWD_PATH": "/etc/htpasswd"}
    container = registry().with_envs(**{f"REGISTRY_AUTH{k}": v for k, v in settings.items()})
    with container.with_copy_into_container(HTPASSWD.encode(), "/etc/htpasswd") as running:
        yield address_of(running)


def test_the_users_docker_login_opens_the_registry(
    site: Site, closed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For filling and for pulling alike; without it the registry is named."""
    site.pull("one")
    site.pull("two")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(RegistryError, match=f"docker login {closed}") as caught:
        site.fill(closed)
    assert "UNAUTHORIZED" in caught.value.seen
    secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {closed: {"auth": secret}}}))
    assert len(site.fill(closed)) == 2
    site.forget()
    assert site.pull("one", closed).digest
