"""The published images, pulled by the engine from where they are published or from a mirror.

Checks digests where the train pins them. It never pushes and never logs in: credentials
are the user's Docker's.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_exponential,
)

from clusters.engine import Engine
from clusters.errors import CommandError, DigestError
from clusters.home import Home
from clusters.images import builder, refusals
from clusters.images.mirrors import Mirrors
from clusters.images.ours import Record
from clusters.models import Image
from clusters.progress import Progress
from clusters.talking import Patience
from clusters.versions import Train

WAIT = wait_exponential(multiplier=1, max=8)  # seconds between two tries


def ensure(  # noqa: PLR0913 - what, from where, into what, and how long to wait for it
    home: Home,
    engine: Engine,
    train: Train,
    names: Sequence[str],
    mirrors: Mirrors,
    *,
    progress: Progress,
    patience: Patience = Patience(),  # noqa: B008 - it is frozen
) -> tuple[Image, ...]:
    """Pull those images that the engine does not hold, and name them as they are published.

    One after another: Docker fetches layers side by side, and layers that wait for another
    image's would look like a registry that has fallen silent.

    Raises:
        RegistryError: a registry does not give an image; the error says why and what to do.
        DigestError: an image has another digest than the train pins.
    """
    images = []
    for number, name in enumerate(names, 1):
        published, pinned = train.reference(name), train.images[name].digest
        each = _Pull(engine, published, pinned, mirrors.source(published))
        if not each.is_held():
            progress.say(f"pulling {each.source}, {number} of {len(names)}")
            each.bring(Record.of(home, engine), progress, patience)
        images.append(each.describe())
    return tuple(images)


def names_of_copies(train: Train, images: Iterable[Image]) -> tuple[str, ...]:
    """Those that are a mirror's own, built elsewhere, and not the published ones pinned here."""
    pins = {train.reference(name): image.digest for name, image in train.images.items()}
    return tuple(
        image.reference
        for image in images
        if image.source == "pull" and pins.get(image.reference, "") not in ("", image.digest)
    )


def is_from_builder(engine: Engine, reference: str) -> bool:
    """Whether an image builder made it, ours or that of the site whose mirror it came from."""
    held = engine.inspect("image", reference) or {}
    return builder.LABEL in (held.get("Config", {}).get("Labels") or {})


@dataclass(frozen=True)
class _Pull:
    """One image: its published name, the digest pinned for it or none, where it is pulled from."""

    engine: Engine
    published: str
    pinned: str
    source: str

    @property
    def wanted(self) -> str:
        """What Docker is asked for.

        A mirror may have what an image builder made: its copy has the tag, and its own digest.
        Docker 20 does not find what it holds by tag and digest in one name.
        """
        by_digest = self.pinned and not self.is_mirrored
        return f"{self.source.rpartition(':')[0]}@{self.pinned}" if by_digest else self.source

    @property
    def is_mirrored(self) -> bool:
        return self.source != self.published

    def is_held(self) -> bool:
        """Whether what the engine has under this name is what a pull would bring."""
        held = self.engine.inspect("image", self.published)
        if self.pinned and self.pinned in _digests(held):
            return True
        if is_from_builder(
            self.engine, self.published
        ):  # here, and no registry has it, or elsewhere
            return self.is_mirrored and bool(_digests(held, self.source))
        return not self.pinned and bool(_digests(held))

    def bring(self, record: Record, progress: Progress, patience: Patience) -> None:
        """Pull it and give it its published name; write down what was not there before."""
        known = record.names
        before = [n for n in (self.wanted, self.published) if self.engine.inspect("image", n)]
        theirs = [n for n in before if n not in known and not is_from_builder(self.engine, n)]
        _pull(self.engine, self.wanted, progress, patience)
        self.engine.docker("tag", self.wanted, self.published)
        if not theirs:
            record.add({self.published, self.source})

    def describe(self) -> Image:
        """What is there now, if it may stand for the published image.

        Raises:
            DigestError: it may not.
        """
        held = self.engine.inspect("image", self.published)
        if self.pinned and self.pinned in _digests(held):
            return Image(reference=self.published, digest=self.pinned, source="pull")
        digest = next(iter(_digests(held, self.source)), "")
        if self.pinned and not (self.is_mirrored and is_from_builder(self.engine, self.published)):
            raise DigestError(
                f"{self.published} with digest {self.pinned}, as clusters/versions pins it, "
                "or a copy that was built for a mirror",
                seen=f"{digest or 'no digest'} from {self.source}",
                look=f"docker image inspect {self.published}; make mirror fills a mirror",
            )
        return Image(reference=self.published, digest=digest, source="pull")


def _pull(engine: Engine, wanted: str, progress: Progress, patience: Patience) -> None:
    """Pull; what can pass by itself is told of and tried again.

    Raises:
        RegistryError: in the end there was no image.
        CommandError: Docker itself does not answer.
    """
    began = time.monotonic()
    trying = Retrying(
        stop=stop_after_attempt(patience.tries),
        wait=WAIT,
        retry=retry_if_exception(_passes),
        before_sleep=lambda state: progress.say(_again(wanted, state)),
        reraise=True,
    )
    try:
        trying(engine.pull, wanted, patience)
    except CommandError as error:
        if refusals.is_of_engine(error.seen):
            raise
        raise refusals.refusal(
            f"docker pull {wanted}",
            refusals.registry_of(wanted),
            error.seen,
            tries=trying.statistics["attempt_number"],
            seconds=time.monotonic() - began,
        ) from None


def _again(wanted: str, state: RetryCallState) -> str:
    error = state.outcome.exception() if state.outcome else None
    why = refusals.reason(error.seen).sentence if isinstance(error, CommandError) else ""
    return f"{refusals.registry_of(wanted)}: {why}; {wanted} is tried again"


def _passes(error: BaseException) -> bool:
    return isinstance(error, CommandError) and refusals.reason(error.seen).passes


def _digests(image: dict[str, Any] | None, reference: str = "") -> tuple[str, ...]:
    """The digests under which registries have an image; of one repository, if one is given."""
    entries = (str(each).partition("@") for each in (image or {}).get("RepoDigests") or ())
    name = reference.rpartition(":")[0].removeprefix("docker.io/").removeprefix("library/")
    return tuple(digest for entry, _, digest in entries if name in ("", entry))
