"""Pulling: from where an image is published or from a mirror, and never another than is pinned."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from tenacity import wait_none

from clusters import versions
from clusters.errors import CommandError, DigestError, RegistryError
from clusters.home import Home
from clusters.images import builder, pull
from clusters.images.mirrors import Mirrors, parse_mirrors
from clusters.images.ours import Record
from clusters.models import Image
from clusters.progress import Progress
from clusters.versions import PublishedImage, Train
from tests.engines import TableEngine, Thing

REAL = versions.load("2026-08")
ECHO = REAL.reference("echo")
REPOSITORY = ECHO.rpartition(":")[0]
GOOD, BAD = (f"sha256:{letter * 64}" for letter in "ab")
MIRROR = "mirror.site:5000"
COPY = parse_mirrors(MIRROR).source(ECHO)
COPIED = COPY.rpartition(":")[0]


def train(**pins: str) -> Train:
    """The real one with these digests pinned and no other."""
    images = {
        name: PublishedImage(reference=image.reference, digest=pins.get(name, ""))
        for name, image in REAL.images.items()
    }
    return REAL.model_copy(update={"images": images})


def image(
    *digests: str, name: str = ECHO, built: bool = False, at: str = "sha256:id"
) -> dict[tuple[str, str], Thing]:
    """An image, as an engine holds it under these repository digests."""
    labels = {builder.LABEL: "0"} if built else None
    return {("image", name): {"Id": at, "RepoDigests": list(digests), "Config": {"Labels": labels}}}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(pull, "WAIT", wait_none())
    return Home(tmp_path)


def ensure(home: Home, engine: TableEngine, mirror: str = "", **pins: str) -> Image:
    """The echo image."""
    sites, progress = parse_mirrors(mirror), Progress(home.root / "e", Console(file=io.StringIO()))
    (image_,) = pull.ensure(home, engine, train(**pins), ["echo"], sites, progress=progress)
    return image_


# --- where it is published -------------------------------------------------------------------


def test_what_is_held_is_not_pulled_again(home: Home) -> None:
    engine = TableEngine(things=image(f"{REPOSITORY}@{GOOD}"))
    image_ = ensure(home, engine)
    assert (image_.reference, image_.digest, image_.source) == (ECHO, GOOD, "pull")
    assert ensure(home, engine, echo=GOOD).digest == GOOD
    assert engine.calls == []


def test_what_is_missing_is_pulled_and_its_digest_recorded(home: Home) -> None:
    engine = TableEngine(then={"pull": image(f"{REPOSITORY}@{GOOD}")})
    assert ensure(home, engine).digest == GOOD
    assert engine.calls == [f"pull {ECHO}", f"tag {ECHO} {ECHO}"]


@pytest.mark.parametrize("digests", [[], [f"{REPOSITORY}@{BAD}"]])
def test_an_image_built_here_is_not_taken_for_the_published(home: Home, digests: list[str]) -> None:
    """Docker's containerd store gives also an image that was never in a registry a digest."""
    engine = TableEngine(
        things=image(*digests, built=True), then={"pull": image(f"{REPOSITORY}@{GOOD}")}
    )
    assert ensure(home, engine).digest == GOOD
    assert engine.calls[0] == f"pull {ECHO}"


def test_a_pinned_image_is_asked_for_by_its_digest(home: Home) -> None:
    engine = TableEngine(
        things=image(f"{REPOSITORY}@{BAD}"), then={"pull": image(f"{REPOSITORY}@{GOOD}")}
    )
    assert ensure(home, engine, echo=GOOD).digest == GOOD
    assert engine.calls == [f"pull {REPOSITORY}@{GOOD}", f"tag {REPOSITORY}@{GOOD} {ECHO}"]


@pytest.mark.parametrize("built", [True, False])
def test_another_digest_than_the_pinned_is_refused(home: Home, built: bool) -> None:
    """A built one too: where the image is published there is none."""
    engine = TableEngine(then={"pull": image(f"{REPOSITORY}@{BAD}", built=built)})
    with pytest.raises(DigestError, match="as clusters/versions pins it") as caught:
        ensure(home, engine, echo=GOOD)
    assert caught.value.seen == f"{BAD} from {ECHO}"


def test_docker_hubs_name_is_left_out_by_docker(home: Home) -> None:
    reference = REAL.reference("envoy")
    assert reference.startswith("docker.io/")
    short = reference.removeprefix("docker.io/").rpartition(":")[0]
    engine = TableEngine(things=image(f"another@{BAD}", f"{short}@{GOOD}", name=reference))
    progress = Progress(home.root / "e", Console(file=io.StringIO()))
    (image_,) = pull.ensure(home, engine, train(), ["envoy"], Mirrors(), progress=progress)
    assert (image_.digest, engine.calls) == (GOOD, [])


def test_images_come_in_the_order_asked_for_and_it_is_told_how_far(home: Home) -> None:
    both, told = ["locust", "echo"], io.StringIO()
    progress = Progress(home.root / "e", Console(file=told, width=200))
    images = pull.ensure(home, TableEngine(), train(), both, Mirrors(), progress=progress)
    assert [each.reference for each in images] == [REAL.reference(name) for name in both]
    assert f"pulling {ECHO}, 2 of 2" in told.getvalue()


# --- a mirror ----------------------------------------------------------------------------------


def test_a_mirror_is_pulled_from_and_the_published_name_given(home: Home) -> None:
    engine = TableEngine(then={"tag": image(f"{COPIED}@{GOOD}")})
    image_ = ensure(home, engine, MIRROR)
    assert engine.calls == [f"pull {COPY}", f"tag {COPY} {ECHO}"]
    assert (image_.reference, image_.digest) == (ECHO, GOOD)


def test_a_mirrors_copy_with_the_pinned_digest_is_the_published_image(home: Home) -> None:
    engine = TableEngine(then={"tag": image(f"{COPIED}@{GOOD}")})
    image_ = ensure(home, engine, MIRROR, echo=GOOD)
    assert engine.calls[0] == f"pull {COPY}", "by tag: its copy may have another digest"
    assert pull.names_of_copies(train(echo=GOOD), [image_]) == ()


def test_a_mirrors_copy_from_the_image_builder_is_taken_and_told_of(home: Home) -> None:
    engine = TableEngine(then={"tag": image(f"{COPIED}@{BAD}", built=True)})
    image_ = ensure(home, engine, MIRROR, echo=GOOD)
    assert image_ == Image(reference=ECHO, digest=BAD, source="pull")
    assert pull.names_of_copies(train(echo=GOOD), [image_]) == (ECHO,)
    assert pull.names_of_copies(train(), [image_]) == ()
    engine.calls.clear()
    assert ensure(home, engine, MIRROR, echo=GOOD) == image_
    assert engine.calls == []


def test_a_mirrors_copy_of_something_else_is_refused(home: Home) -> None:
    engine = TableEngine(then={"tag": image(f"{COPIED}@{BAD}")})
    with pytest.raises(DigestError, match="or a copy that was built") as caught:
        ensure(home, engine, MIRROR, echo=GOOD)
    assert caught.value.seen == f"{BAD} from {COPY}"


def test_a_built_copy_does_not_stand_for_a_registry_that_no_mirror_is_named_for(
    home: Home,
) -> None:
    engine = TableEngine(
        things=image(f"{COPIED}@{BAD}", built=True), then={"pull": image(f"{REPOSITORY}@{GOOD}")}
    )
    assert ensure(home, engine, "quay.io=mirror.site:5000/quay", echo=GOOD).digest == GOOD
    assert engine.calls[0] == f"pull {REPOSITORY}@{GOOD}"


# --- what comes amiss ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "tries", "reason"),
    [
        ("manifest unknown", 1, "missing"),
        ("unauthorized: authentication required", 1, "denied"),
        ("x509: certificate signed by unknown authority", 1, "authority"),
        ("lookup x: no such host", 1, "unreachable"),
        ("it rained", 1, "other"),
        ("toomanyrequests: later", 3, "limit"),
        ("no answer within 30 s", 3, "slow"),
        ("received unexpected HTTP status: 503 Service Unavailable", 3, "trouble"),
    ],
)
def test_a_refusal_is_an_error_and_only_what_may_pass_is_tried_again(
    home: Home, said: str, tries: int, reason: str
) -> None:
    engine = TableEngine(refused=("pull",), says={"pull": said})
    with pytest.raises(RegistryError, match=said) as caught:
        ensure(home, engine)
    assert engine.calls == [f"pull {ECHO}"] * tries
    assert caught.value.reason == reason
    assert caught.value.expected == f"registry.k8s.io to answer `docker pull {ECHO}`"


def test_another_try_is_told_of(home: Home) -> None:
    engine = TableEngine(refused=("pull",), says={"pull": "no answer within 30 s"})
    output = io.StringIO()
    progress = Progress(home.root / "e", Console(file=output, width=200))
    with pytest.raises(RegistryError):
        pull.ensure(home, engine, train(), ["echo"], Mirrors(), progress=progress)
    said = f"registry.k8s.io: it is slow or does not answer; {ECHO} is tried again"
    assert output.getvalue().count(said) == 2


def test_a_mirror_that_refuses_is_named_and_not_the_registry(home: Home) -> None:
    engine = TableEngine(refused=("pull",), says={"pull": "unauthorized"})
    with pytest.raises(RegistryError, match=f"^expected: {MIRROR} to answer") as caught:
        ensure(home, engine, MIRROR)
    assert f"`docker login {MIRROR}`" in caught.value.look


def test_an_engine_that_is_away_is_not_blamed_on_a_registry(home: Home) -> None:
    said = "Cannot connect to the Docker daemon at unix:///x"
    with pytest.raises(CommandError, match="daemon at unix"):
        ensure(home, TableEngine(refused=("pull",), says={"pull": said}))


# --- what is ours afterwards -------------------------------------------------------------------


def record(home: Home, engine: TableEngine) -> dict[str, str]:
    return Record.of(home, engine).names


def test_what_a_pull_brought_is_written_down(home: Home) -> None:
    engine = TableEngine(
        then={"pull": image(name=COPY), "tag": image(f"{COPIED}@{GOOD}")}, says={"info": "A:B\n"}
    )
    ensure(home, engine, MIRROR)
    assert record(home, engine) == {ECHO: "sha256:id", COPY: "sha256:id"}
    assert record(home, TableEngine(says={"info": "another"})) == {}


@pytest.mark.parametrize("held", [ECHO, f"{REPOSITORY}@{GOOD}"])
def test_what_the_user_had_is_not(home: Home, held: str) -> None:
    """Neither under the name with another digest, nor by the digest without the name."""
    engine = TableEngine(
        things=image(f"{REPOSITORY}@{BAD}", name=held),
        then={"pull": image(f"{REPOSITORY}@{GOOD}")},
    )
    ensure(home, engine, echo=GOOD)
    assert engine.calls[0] == f"pull {REPOSITORY}@{GOOD}"
    assert record(home, engine) == {}


def test_what_we_had_stays_ours_when_it_is_pulled_anew(home: Home) -> None:
    engine = TableEngine(then={"pull": image(f"{REPOSITORY}@{BAD}")})
    ensure(home, engine)
    engine.then["pull"] = image(f"{REPOSITORY}@{GOOD}", at="sha256:new")
    ensure(home, engine, echo=GOOD)
    assert record(home, engine) == {ECHO: "sha256:new"}


def test_what_was_built_here_is_ours_too(home: Home) -> None:
    engine = TableEngine(things=image(built=True), then={"pull": image(f"{REPOSITORY}@{GOOD}")})
    ensure(home, engine)
    assert record(home, engine) == {ECHO: "sha256:id"}
