"""Fetching a file: whole and checked, or an error that says why, and nothing left behind."""

from __future__ import annotations

import hashlib
import io
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from clusters import download
from clusters.errors import DownloadError
from clusters.progress import Progress
from tests.served import Served, self_signed, serving

CONTENT = b"a program" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever proxy the machine has, loopback is asked directly."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def vendor() -> Iterator[Served]:
    with serving({"/kind": CONTENT, "/moved": b"->/kind"}) as served:
        yield served


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "file"


@pytest.mark.parametrize("path", ["/kind", "/moved"])
def test_a_file_is_brought(vendor: Served, target: Path, path: str) -> None:
    download.fetch(vendor.url + path, target, sha256=SHA256)
    assert target.read_bytes() == CONTENT


def test_another_file_than_the_one_pinned_is_deleted(vendor: Served, target: Path) -> None:
    with pytest.raises(DownloadError, match=f"SHA-256 is {SHA256}, and must be 0000") as caught:
        download.fetch(vendor.url + "/kind", target, sha256="0" * 64)
    assert not target.exists()
    assert not caught.value.absent


def test_what_is_not_there_is_told_from_what_failed(vendor: Served, target: Path) -> None:
    with pytest.raises(DownloadError, match="answered 404") as caught:
        download.fetch(vendor.url + "/helm", target)
    assert caught.value.absent
    assert vendor.asked == ["/helm"], "one try"


def test_nobody_there_is_an_error_at_once(target: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/kind"
        with pytest.raises(DownloadError, match="refused") as caught:
            download.fetch(url, target)
    assert not caught.value.absent
    assert not target.exists()


def test_a_host_that_says_nothing_is_given_up(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TIMEOUT", httpx.Timeout(0.2))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/kind"
        with pytest.raises(DownloadError, match="timed out"):
            download.fetch(url, target)


def test_a_file_that_ends_early_is_refused(target: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/kind"

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nhalf")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(DownloadError, match=r"incomplete|without sending complete"):
            download.fetch(url, target)
        thread.join()
    assert not target.exists()


def test_a_proxy_of_the_environment_is_asked(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving({"http://vendor.example/kind": CONTENT}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        download.fetch("http://vendor.example/kind", target, sha256=SHA256)
    assert proxy.asked == ["http://vendor.example/kind"]


@pytest.mark.parametrize("proxy", ["nonsense://x", "socks5://127.0.0.1:1"])
def test_a_proxy_that_cannot_be_used_is_an_error_of_ours(
    vendor: Served, target: Path, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(DownloadError):
        download.fetch(vendor.url + "/kind", target)


def test_tls_by_an_authority_of_the_site(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path / "site.pem")
    with serving({"/kind": CONTENT}, certificate) as site:
        with pytest.raises(DownloadError, match="CERTIFICATE_VERIFY_FAILED"):
            download.fetch(site.url + "/kind", target)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        download.fetch(site.url + "/kind", target, sha256=SHA256)
    assert target.read_bytes() == CONTENT


def test_a_folder_can_be_the_source(tmp_path: Path, target: Path) -> None:
    (tmp_path / "a b").write_bytes(CONTENT)
    download.fetch((tmp_path / "a b").as_uri(), target, sha256=SHA256)
    assert target.read_bytes() == CONTENT
    with pytest.raises(DownloadError, match="no such file") as caught:
        download.fetch((tmp_path / "none").as_uri(), target)
    assert caught.value.absent


def test_who_waits_is_told(
    vendor: Served, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "TELL_EVERY", -1)
    said = io.StringIO()
    progress = Progress(tmp_path / "estimates.json", Console(file=said))
    download.fetch(vendor.url + "/kind", target, progress=progress, name="kind")
    assert "kind: 0 of 0 MB" in said.getvalue()


def test_a_password_in_a_url_is_not_told() -> None:
    assert (
        download.without_password("https://u:secret@proxy.example/a?b")
        == "https://proxy.example/a?b"
    )
