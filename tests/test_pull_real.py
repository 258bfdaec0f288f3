"""Pulling from a site's registry: a real one in a container, filled as `make mirror` fills it.

What is pushed and pulled is forged here under names of this run's own, so that no image of
the lab is touched and no layer is there already: a pull must bring all of it.
"""

from __future__ import annotations

import base64
import io
import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"  # testcontainers reads it when imported

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from clusters import engine, tools, versions
from clusters.engine import Engine
from clusters.errors import CommandError
from clusters.home import Home
from clusters.images import pull, source
from clusters.images.forge import Forge
from clusters.images.mirror import Mirror, MirrorError, fill
from clusters.images.recipe import Config, Recipe
from clusters.progress import Progress
from clusters.versions import PublishedImage, Train

TRAIN = versions.load("2026-08")
PORT = 5000
DEADLINE = 20  # seconds, for the registry to be ready
NOTHING_THERE = "127.0.0.1:1"  # a port that nobody listens on
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
USER, PASSWORD = "site", "U*U"  # and its bcrypt, as crypt_blowfish's own tests have it
HTPASSWD = f"{USER}:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n"
UNKNOWN = f"sha256:{'0' * 64}"


@dataclass(frozen=True)
class Site:
    """An engine, a registry beside it, and two images of this run's own in both."""

    engine: Engine
    registry: str
    crane: Path
    home: Home
    folder: str = field(default_factory=lambda: f"plumbline-{uuid.uuid4().hex[:12]}")

    @property
    def progress(self) -> Progress:
        return Progress(self.home.root / "estimates.json", Console(file=io.StringIO()))

    def train(self, **digests: str) -> Train:
        """A train of this run's images, for some of them with a digest pinned."""
        images = {
            name: PublishedImage(
                reference=f"registry.example/{self.folder}/{name}:1", digest=digests.get(name, "")
            )
            for name in ("one", "two", "never-pushed")
        }
        return TRAIN.model_copy(update={"images": images})

    def at(self, address: str) -> Mirror:
        return Mirror(address, self.engine, self.crane)

    def forge(self, name: str, text: str) -> None:
        """An image of one small file, labelled as the forge labels all of its own."""
        config = Config(user="1:1", entrypoint=("/text",))
        image = Recipe(name=name, summary="x", text={"/text": self.folder + text}, config=config)
        Forge(self.home, self.engine, self.train(), self.progress)._build_all([image])

    def fill(self, address: str = "") -> tuple[str, ...]:
        mirror, work = self.at(address or self.registry), self.home.folder("work")
        return fill(mirror, self.train(), ("one", "two"), self.progress, work)

    def held(self, name: str) -> dict[str, Any] | None:
        return self.engine.inspect("image", self.train().reference(name))

    def forget(self) -> None:
        """Take this run's images from the engine, and nothing else."""
        ours = f"reference=*/{self.folder}/*"
        found = self.engine.docker("images", "--quiet", "--no-trunc", "--filter", ours).split()
        if found:
            self.engine.docker("rmi", "--force", *set(found))

    def digest(self, name: str) -> str:
        """As the registry itself tells it."""
        url = f"http://{self.registry}/v2/{self.folder}/{name}/manifests/1"
        answer = httpx.head(url, headers={"Accept": MANIFEST}).raise_for_status()
        return answer.headers["Docker-Content-Digest"]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The registry started and filled, in the engine that is there; in CI there must be one."""
    running = engine.of_user()
    if running is None:
        missing = "no container engine answers: `make test` brings one"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    home = Home(tmp_path_factory.mktemp("home"))
    progress = Progress(home.root / "estimates.json", Console(file=io.StringIO()))
    crane = tools.ensure("crane", Home.of_user(), TRAIN, progress)
    with registry() as container:
        site = Site(running, address_of(container), crane, home)
        try:
            site.forge("one", "1")
            site.forge("two", "2")
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


def registry() -> DockerContainer:
    """For this machine alone, as it asks nobody who they are."""
    ready = LogMessageWaitStrategy("listening on").with_poll_interval(0.05)
    container = DockerContainer(TRAIN.reference("registry"))
    container.ports[f"{PORT}/tcp"] = ("127.0.0.1",)  # type: ignore[assignment]
    return container.waiting_for(ready.with_startup_timeout(DEADLINE))


def address_of(container: DockerContainer) -> str:
    return f"127.0.0.1:{container.get_exposed_port(PORT)}"


# --- pulling -------------------------------------------------------------------------------


def test_an_image_comes_under_its_published_name_with_the_registrys_digest(site: Site) -> None:
    (found,) = pull.ensure(site.engine, site.train(), ["one"], site.registry)
    assert found.reference == f"registry.example/{site.folder}/one:1"
    assert (found.digest, found.source) == (site.digest("one"), "pull")
    assert site.held("one")
    assert site.held("two") is None


def test_a_forged_image_stays_one(site: Site) -> None:
    pull.ensure(site.engine, site.train(), ["one"], site.registry)
    assert source.is_forged(site.engine, site.train().reference("one"))
    config = (site.held("one") or {})["Config"]
    assert (config["User"], config["Entrypoint"]) == ("1:1", ["/text"])


def test_the_user_says_only_where_it_is(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """IMAGES=auto and $MIRROR, as `make e2e MIRROR=` sets them."""
    monkeypatch.setenv("IMAGES", "auto")
    monkeypatch.setenv("MIRROR", f"{site.registry}/")
    images, why = source.ensure_images(
        site.home, site.engine, site.train(), site.progress, ("two", "one"),
        mirror=source.mirror_of_user(),
    )  # fmt: skip
    assert [image.digest for image in images] == [site.digest("two"), site.digest("one")]
    assert why == f"pull, because MIRROR={site.registry}"


def test_the_pinned_digest_is_taken(site: Site) -> None:
    pinned = site.digest("one")
    (found,) = pull.ensure(site.engine, site.train(one=pinned), ["one"], site.registry)
    assert found.digest == pinned
    assert site.held("one")


def test_another_digest_than_the_pinned_is_refused(site: Site) -> None:
    """Also that of an image which the registry has, but under another name."""
    for wrong in (UNKNOWN, site.digest("two")):
        with pytest.raises(CommandError, match=f"one@{wrong}"):
            pull.ensure(site.engine, site.train(one=wrong), ["one"], site.registry)
        assert site.held("one") is None


def test_what_is_held_with_another_digest_is_pulled_anew_and_refused(site: Site) -> None:
    pull.ensure(site.engine, site.train(), ["one"], site.registry)
    with pytest.raises(CommandError, match=f"one@{UNKNOWN}"):
        pull.ensure(site.engine, site.train(one=UNKNOWN), ["one"], site.registry)


def test_what_the_mirror_lacks_is_named(site: Site) -> None:
    with pytest.raises(CommandError, match="never-pushed:1") as caught:
        pull.ensure(site.engine, site.train(), ["one", "never-pushed"], site.registry)
    assert "manifest unknown" in caught.value.seen


# --- filling -------------------------------------------------------------------------------


def test_what_the_registry_has_is_not_pushed_again(site: Site) -> None:
    pull.ensure(site.engine, site.train(), ("one", "two"), site.registry)
    assert site.fill() == ()


def test_what_is_forged_anew_is_pushed_and_alone(site: Site) -> None:
    pull.ensure(site.engine, site.train(), ("one", "two"), site.registry)
    before = site.digest("one"), site.digest("two")
    site.forge("two", "anew")
    assert site.fill() == (site.train().reference("two"),)
    assert site.digest("one") == before[0]
    assert site.digest("two") != before[1]


def test_a_registry_may_keep_its_mirrors_below_a_prefix(site: Site) -> None:
    pull.ensure(site.engine, site.train(), ("one", "two"), site.registry)
    below = f"{site.registry}/mirrors/all"
    assert len(site.fill(below)) == 2
    site.forget()
    (found,) = pull.ensure(site.engine, site.train(), ["one"], below)
    assert found.reference == site.train().reference("one")
    assert source.is_forged(site.engine, found.reference)


def test_what_the_engine_does_not_hold_cannot_be_pushed(site: Site) -> None:
    with pytest.raises(CommandError, match=f"{site.folder}/one:1"):
        site.fill(f"{site.registry}/empty")


def test_a_registry_that_does_not_answer_is_named(site: Site) -> None:
    with pytest.raises(MirrorError, match=f"the registry {NOTHING_THERE}") as caught:
        site.fill(NOTHING_THERE)
    assert "connection refused" in caught.value.seen


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
    pull.ensure(site.engine, site.train(), ("one", "two"), site.registry)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with pytest.raises(MirrorError, match=f"docker login {closed}") as caught:
        site.fill(closed)
    assert "UNAUTHORIZED" in caught.value.seen
    secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {closed: {"auth": secret}}}))
    assert len(site.fill(closed)) == 2
    site.forget()
    (found,) = pull.ensure(site.engine, site.train(), ["one"], closed)
    assert found.digest
