"""A registry that fails, and what a person is told: a real Docker and a real crane ask it.

Each failure ends in a sentence of its own, in bounded time. What passes by itself passes.
"""

from __future__ import annotations

import io
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from rich.console import Console
from tenacity import wait_none

from clusters import versions
from clusters.engine import Engine
from clusters.errors import RegistryError
from clusters.home import Home
from clusters.images import pull
from clusters.images.archive import Archive
from clusters.images.mirror import Mirror
from clusters.images.mirrors import parse_mirrors
from clusters.models import Image
from clusters.process import run
from clusters.progress import Progress
from clusters.talking import Patience
from clusters.versions import PublishedImage
from tests.failing import Failing, certificate, registry
from tests.sites import address_of, crane_program, running_engine
from tests.sites import registry as real_registry

HASTY = Patience(first=2, more=5, tries=2)
NEVER = 600.0  # seconds


@pytest.fixture(scope="module")
def docker() -> Engine:
    return running_engine()


@pytest.fixture(scope="module")
def crane() -> Path:
    return crane_program()


@pytest.fixture(scope="module")
def good(docker: Engine, crane: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a registry that has an image `one/<this run's>:1`, and its engine."""
    layer = tmp_path_factory.mktemp("layer") / "layer.tar"
    with Archive(layer) as archive:
        archive.text("/text", uuid.uuid4().hex)
    with real_registry() as container:
        address = address_of(container)
        run([crane, "append", "--new_layer", layer, "--new_tag", f"{address}/one/image:1"])
        yield address


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pull, "WAIT", wait_none())


@pytest.fixture
def gateway(docker: Engine) -> str:
    """An address of this machine that is not loopback, where Docker asks for TLS."""
    form = "{{(index .IPAM.Config 0).Gateway}}"
    return docker.docker("network", "inspect", "bridge", "--format", form).strip()


def pulled(docker: Engine, tmp_path: Path, address: str, patience: Patience = HASTY) -> Image:
    """An image from this registry, which is taken away again."""
    image = PublishedImage(reference=f"{address}/one/image:1")
    train = versions.load("2026-08").model_copy(update={"images": {"one": image}})
    progress = Progress(tmp_path / "estimates", Console(file=io.StringIO()))
    (found,) = pull.ensure(
        Home(tmp_path),
        docker,
        train,
        ["one"],
        parse_mirrors(""),
        progress=progress,
        patience=patience,
    )
    docker.docker("rmi", found.reference)
    return found


def refusal(docker: Engine, tmp_path: Path, address: str) -> RegistryError:
    with pytest.raises(RegistryError) as caught:
        pulled(docker, tmp_path, address)
    assert caught.value.expected == f"{address} to answer `docker pull {address}/one/image:1`"
    assert "`MIRROR=" in caught.value.look
    assert "`IMAGES=forge`" in caught.value.look
    return caught.value


# --- each failure ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failing", "reason", "words", "tries"),
    [
        (Failing(), "missing", "manifest unknown|: not found", 1),
        (Failing(at="", status=401, code="UNAUTHORIZED"), "denied", "no basic auth", 1),
        (Failing(status=403, code="DENIED"), "denied", "denied|403 Forbidden", 1),
        (Failing(status=429, code="TOOMANYREQUESTS"), "limit", "toomanyrequests|429 Too Many", 2),
        (Failing(status=503, code="UNAVAILABLE"), "trouble", "503 Service Unavailable", 2),
        (Failing(delay=NEVER), "slow", "no answer within 2 s", 2),
        (Failing(at="", delay=NEVER), "slow", "no answer within 2 s", 2),
    ],
    ids=["tag", "login", "denied", "limit", "trouble", "never a manifest", "never"],
)
def test_a_failure_has_a_sentence_and_the_registrys_own_words(  # noqa: PLR0917
    docker: Engine, tmp_path: Path, failing: Failing, reason: str, words: str, tries: int
) -> None:
    with registry(replace(failing, asked=[])) as bad:
        error = refusal(docker, tmp_path, bad.address)
    assert error.reason == reason, error.seen
    assert re.search(rf"In its own words:\n.*({words})", error.seen)
    assert (f"({tries} tries in " in error.seen) is (tries > 1)
    assert bad.asked


def test_layers_that_stop_coming_are_given_up(docker: Engine, good: str, tmp_path: Path) -> None:
    with registry(Failing(at="/blobs/", delay=NEVER, behind=good)) as bad:
        error = refusal(docker, tmp_path, bad.address)
    assert error.reason == "slow"
    assert "no answer within 5 s" in error.seen


@pytest.mark.parametrize("address", ["127.0.0.1:1", "registry.invalid"])
def test_where_nobody_is_the_way_is_barred(docker: Engine, tmp_path: Path, address: str) -> None:
    error = refusal(docker, tmp_path, address)
    assert error.reason == "unreachable"
    assert "Docker's daemon has a proxy of its own" in error.look


# --- what passes by itself -------------------------------------------------------------------


@pytest.mark.parametrize(
    "failing",
    [
        Failing(status=503, code="UNAVAILABLE", times=1),
        Failing(status=429, code="TOOMANYREQUESTS", times=1),
        Failing(status=200, delay=5, times=1),
    ],
    ids=["trouble", "limit", "5 s"],
)
def test_what_passes_is_waited_for(
    docker: Engine, crane: Path, good: str, tmp_path: Path, failing: Failing
) -> None:
    began = time.monotonic()
    with registry(replace(failing, behind=good, asked=[])) as bad:
        image = pulled(docker, tmp_path, bad.address, Patience())
    assert image.digest == run([crane, "digest", f"{good}/one/image:1"]).strip()
    assert sum("/manifests/" in path for path in bad.asked) > 1 or failing.delay
    assert time.monotonic() - began >= failing.delay


def test_what_goes_on_is_not_given_up_for_being_slow(
    docker: Engine, crane: Path, good: str, tmp_path: Path
) -> None:
    """Docker tells of what has come of a layer, though the layer takes longer than we wait."""
    layer, name = tmp_path / "layer.tar", f"{good}/one/image:1"
    with Archive(layer) as archive:
        archive.text("/text", "".join(uuid.uuid4().hex for _ in range(4096)))
    run([crane, "append", "--new_layer", layer, "--new_tag", name])
    began, patience = time.monotonic(), Patience(first=20, more=4, tries=1)
    with registry(Failing(at="/never/", behind=good, pause=0.6)) as slow:
        image = pulled(docker, tmp_path, slow.address, patience)
    assert image.digest == run([crane, "digest", name]).strip()
    assert time.monotonic() - began > patience.more


# --- certificates ------------------------------------------------------------------------------


def test_an_authority_that_is_unknown_is_named_as_that(
    docker: Engine, crane: Path, gateway: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To Docker and to crane; $SSL_CERT_FILE makes it known to crane and to this process."""
    authority, tls = certificate(gateway, tmp_path)
    with registry(Failing(), gateway, tls) as bad:
        error = refusal(docker, tmp_path, bad.address)
        assert error.reason == "authority"
        assert f"/etc/docker/certs.d/{bad.address}/ca.crt" in error.look
        site = Mirror(bad.address, crane)
        with pytest.raises(RegistryError, match="x509") as caught:
            site.digest("quay.io/one/image:1")
        assert caught.value.reason == "authority"
        assert caught.value.expected.startswith(f"{bad.address} to answer `crane digest")
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        assert site.digest("quay.io/one/image:1") == "", "it is asked, and has none"
        assert httpx.get(f"https://{bad.address}/v2/").status_code == 200


def test_one_without_tls_is_told_so(docker: Engine, gateway: str, tmp_path: Path) -> None:
    with registry(Failing(), gateway) as bad:
        error = refusal(docker, tmp_path, bad.address)
    assert error.reason == "plain", error.seen
    assert "`insecure-registries`" in error.look


# --- copying from one registry to another ------------------------------------------------------


def test_of_two_registries_the_one_that_fails_is_named(
    crane: Path, good: str, tmp_path: Path
) -> None:
    with registry(Failing(at="", status=401, code="UNAUTHORIZED")) as bad:
        for site, published in ((bad.address, good), (good, bad.address)):
            with pytest.raises(RegistryError, match=f"^expected: {bad.address} to") as caught:
                Mirror(site, crane).copy(f"{published}/one/image:1", "")
            assert caught.value.reason == "denied"
            assert f"`docker login {bad.address}`" in caught.value.look
