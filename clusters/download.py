"""Fetches one file over HTTP: streamed, checked by its SHA-256, by the proxies in the environment.

One try, and few seconds to connect: who asks has another way to go. It never unpacks or runs
what it brought, and puts it nowhere but where it was told.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import httpx

from clusters.errors import DownloadError
from clusters.progress import Progress

TIMEOUT = httpx.Timeout(30, connect=5)  # seconds; 30 of silence
TELL_EVERY = 5  # seconds
ABSENT = (404, 410)


def fetch(
    url: str, target: Path, *, sha256: str = "", progress: Progress | None = None, name: str = ""
) -> None:
    """Bring what a URL names, http, https or file, into a file.

    Args:
        sha256: what it must be, in hexadecimal; empty if who asks checks it otherwise.
        progress: told every few seconds how much is there, by `name`.

    Raises:
        DownloadError: it could not be had, or is not what it must be; the file is then gone.
    """
    try:
        if url.startswith("file:"):
            shutil.copyfile(url2pathname(urlsplit(url).path), target)
        else:
            _stream(url, target, progress, name)
        with target.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise _error(url, f"no such file: {error.filename}", absent=True) from None
    # ImportError: a SOCKS proxy without the package for it. ValueError: a malformed proxy.
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ImportError, ValueError) as error:
        target.unlink(missing_ok=True)
        raise _error(url, str(error) or type(error).__name__) from None
    if sha256 not in ("", digest):
        target.unlink()
        raise _error(url, f"its SHA-256 is {digest}, and must be {sha256}")


def _stream(url: str, target: Path, progress: Progress | None, name: str) -> None:
    context = httpx.create_ssl_context()  # certifi's authorities, or those of SSL_CERT_FILE
    context.load_default_certs()  # and the machine's, where a site puts its own
    # The bytes as they are published, not packed for the journey: the checksum is of those.
    headers = {"Accept-Encoding": "identity"}
    with (
        httpx.Client(verify=context, timeout=TIMEOUT, follow_redirects=True) as client,
        client.stream("GET", url, headers=headers) as response,
        target.open("wb") as file,
    ):
        if response.status_code != httpx.codes.OK:
            status = response.status_code
            raise _error(url, f"answered {status}", absent=status in ABSENT)
        size = int(response.headers.get("Content-Length", 0))
        last = time.monotonic()
        for chunk in response.iter_raw():
            file.write(chunk)
            if progress and time.monotonic() - last > TELL_EVERY:
                last = time.monotonic()
                of = f" of {size / 1e6:.0f}" if size else ""
                progress.say(f"{name}: {file.tell() / 1e6:.0f}{of} MB")


def without_password(url: str) -> str:
    """The URL without the user and password that it may carry."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def _error(url: str, seen: str, *, absent: bool = False) -> DownloadError:
    return DownloadError(
        without_password(url), seen=f"{without_password(url)}: {seen}", absent=absent
    )
