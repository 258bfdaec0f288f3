"""A site's registry for tests: a real one in a container, and images of this run's own.

Built under names of this run's own, so that no image of the lab is touched and no layer is
there already: a pull must bring all of it.
"""

from __future__ import annotations

import io
import os
import uuid
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from rich.console import Console
from tenacity import retry, retry_if_exception, stop_after_attempt

os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"  # testcontainers reads it when imported

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from clusters import engine, tools, versions
from clusters.engine import Engine
from clusters.home import Home
from clusters.images import pull
from clusters.images.builder import Builder
from clusters.images.mirror import Mirror, fill
from clusters.images.mirrors import parse_mirrors
from clusters.images.recipe import Config, Recipe
from clusters.models import Image
from clusters.progress import Progress
from clusters.talking import Patience
from clusters.versions import PublishedImage, Train

TRAIN = versions.load("2026-08")
PORT = 5000
DEADLINE = 20  # seconds, for the registry to be ready
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


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

    def train(self, at: str = "registry.example", **digests: str) -> Train:
        """A train of this run's images, for some of them with a digest pinned."""
        images = {
            name: PublishedImage(
                reference=f"{at}/{self.folder}/{name}:1", digest=digests.get(name, "")
            )
            for name in ("one", "two")
        }
        return TRAIN.model_copy(update={"images": images})

    def at(self, address: str) -> Mirror:
        return Mirror(address, self.crane, self.engine)

    def pull(self, name: str, mirror: str = "", train: Train | None = None) -> Image:
        """One image, from this registry if no other is said."""
        (found,) = pull.ensure(
            self.home, self.engine, train or self.train(), [name],
            parse_mirrors(mirror or self.registry), progress=self.progress,
            patience=Patience(tries=1),
        )  # fmt: skip
        return found

    def build(self, name: str, text: str) -> None:
        """An image of one small file, labelled as the image builder labels all of its own."""
        config = Config(user="1:1", entrypoint=("/text",))
        image = Recipe(name=name, summary="x", text={"/text": self.folder + text}, config=config)
        Builder(self.home, self.engine, self.train(), self.progress)._build_all([image])

    def fill(self, address: str = "") -> tuple[str, ...]:
        push = partial(self.at(address or self.registry).push, self.home.folder("work"))
        return fill([self.train()], self.progress, push)

    def held(self, name: str) -> dict[str, Any] | None:
        return self.engine.inspect("image", self.train().reference(name))

    def forget(self) -> None:
        """Take this run's images from the engine, and nothing else."""
        ours = f"reference=*/{self.folder}/*"
        images = self.engine.docker("images", "--quiet", "--no-trunc", "--filter", ours).split()
        if images:
            self.engine.docker("rmi", "--force", *set(images))

    def digest(self, name: str, at: str = "") -> str:
        """As the registry itself tells it."""
        url = f"http://{at or self.registry}/v2/{self.folder}/{name}/manifests/1"
        answer = httpx.head(url, headers={"Accept": MANIFEST}).raise_for_status()
        return answer.headers["Docker-Content-Digest"]


def running_engine() -> Engine:
    """The engine that is there; in CI there must be one."""
    running = engine.of_user()
    if running is None:
        missing = "no container engine answers: `make test` brings one"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    return running


def crane_program() -> Path:
    home = Home.of_user()
    progress = Progress(home.root / "estimates.json", Console(file=io.StringIO()))
    return tools.ensure("crane", home, TRAIN, progress)


class Registry(DockerContainer):
    """Started anew where Docker chose a port that a program of this machine had taken."""

    @retry(
        retry=retry_if_exception(lambda error: "address already in use" in str(error)),
        stop=stop_after_attempt(5),
        reraise=True,
    )
    def start(self) -> Self:
        if self._container:
            self._container.remove(force=True, v=True)
        return super().start()


def registry() -> Registry:
    """For this machine alone, as it asks nobody who they are."""
    ready = LogMessageWaitStrategy("listening on").with_poll_interval(0.05)
    container = Registry(TRAIN.reference("registry"))
    container.ports[f"{PORT}/tcp"] = ("127.0.0.1",)  # type: ignore[assignment]
    return container.waiting_for(ready.with_startup_timeout(DEADLINE))


def address_of(container: DockerContainer) -> str:
    return f"127.0.0.1:{container.get_exposed_port(PORT)}"
