"""The guest's PyPI and Go module proxy: folders of files, served under the names of those.

A simple index (PEP 503) of the wheels in requirements.lock for the guest's Python, and the zip
files of the modules that charts are read from.
Run as a program it serves them; it serves nothing else.
"""

from __future__ import annotations

import contextlib
import html
import http.server
import re
import ssl
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

from clusters import download
from clusters.components import charts
from clusters.errors import DownloadError
from clusters.home import Home
from clusters.images import golang, modules
from clusters.images.recipe import digest_of
from clusters.process import run
from clusters.versions import Train
from tests.guest import network

PYTHON = "3.13"  # of the guest's suite
WHEELS_TIMEOUT = 1200
MARKERS = {
    "python_version": PYTHON, "python_full_version": f"{PYTHON}.0", "sys_platform": "linux",
    "platform_system": "Linux", "platform_machine": "x86_64", "os_name": "posix",
    "implementation_name": "cpython", "platform_python_implementation": "CPython", "extra": "",
}  # fmt: skip


def wanted(lock: str) -> str:
    """The lock's lines, hashes included, of what the guest's Python needs.

    pip asks the Python it runs in, and not the one it fetches for, what a marker says.
    """
    kept = []
    for block in re.split(r"\n(?=\S)", lock.strip()):
        head = block.split(" \\\n", 1)[0].strip()
        if head.startswith("#"):
            continue
        marker = Requirement(head).marker
        if marker is None or marker.evaluate(MARKERS):
            kept.append(block.replace(head, head.partition(";")[0].strip(), 1))
    return "\n".join(kept) + "\n"


def index(files: Iterable[str]) -> dict[str, str]:
    """The page of each project that has one of these files, by its normalized name."""
    links: dict[str, list[str]] = {}
    for name in sorted(files):
        parse = parse_wheel_filename if name.endswith(".whl") else parse_sdist_filename
        url = f"https://{network.WHEELS}/{quote(name)}"
        links.setdefault(canonicalize_name(parse(name)[0]), []).append(
            f'<a href="{html.escape(url)}">{html.escape(name)}</a>'
        )
    return {
        project: "<!DOCTYPE html>\n<title>Links</title>\n" + "<br>\n".join(those) + "\n"
        for project, those in links.items()
    }


def ensure(home: Home, lock: Path) -> Path:
    """The folder of what the three names serve, filled for this lock.

    Raises:
        CommandError: pip could not bring a file.
    """
    lines = wanted(lock.read_text())
    folder = home.folder("guest", "files")
    stamp = folder / ".digest"
    if not stamp.exists() or stamp.read_text() != digest_of([lines]):
        wheels = home.folder("guest", "files", network.WHEELS)
        requirements = folder / "requirements.txt"
        requirements.write_text(lines)
        run(
            [
                sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes",
                "--python-version", PYTHON, "--implementation", "cp", "--only-binary=:all:",
                *(f"--platform=manylinux_2_{minor}_x86_64" for minor in range(41, 16, -1)),
                "--platform=manylinux2014_x86_64", "--platform=linux_x86_64",
                "--dest", wheels, "--requirement", requirements,
            ],
            timeout=WHEELS_TIMEOUT, log=home.logs / "guest-wheels.log",
        )  # fmt: skip
        for project, page in index(path.name for path in wheels.iterdir()).items():
            (
                home.folder("guest", "files", network.INDEX, "simple", project) / "index.html"
            ).write_text(page)
        stamp.write_text(digest_of([lines]))
    return folder


def ensure_modules(home: Home, train: Train) -> None:
    """The zip of each module whose charts a bring-up reads, as a module proxy has it.

    Raises:
        DownloadError: no proxy has one.
    """
    for name in charts.CHARTED:
        module = modules.main_module(golang.component(name, train))
        target = home.root / "guest" / "files" / network.MODULES / f"{module.file}.zip"
        target.parent.mkdir(parents=True, exist_ok=True)
        kept = home.root / "go" / "mod" / "cache" / "download" / f"{module.file}.zip"
        sources = [f"{proxy}/{module.file}.zip" for proxy, _ in modules.proxies()]
        for source in [kept.as_uri(), *sources]:
            if not target.exists():
                with contextlib.suppress(DownloadError):
                    download.fetch(source, target)
        if not target.exists():
            raise DownloadError(f"{module.path} {module.version}", seen=", ".join(sources))


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of the folder that has the name of the host that was asked."""

    protocol_version = "HTTP/1.1"

    def translate_path(self, path: str) -> str:
        host = (self.headers.get("Host") or "").partition(":")[0]
        if host not in network.NAMES[network.FILES]:
            host = "nowhere"
        root, self.directory = Path(self.directory), f"{self.directory}/{host}"
        try:
            return super().translate_path(path)
        finally:
            self.directory = str(root)


def serve(folder: Path, certificate: Path, key: Path) -> None:
    """Serve until ended."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    class Bound(Handler):
        def __init__(self, *args: object, **more: object) -> None:
            super().__init__(*args, directory=str(folder), **more)  # type: ignore[arg-type]

    with http.server.ThreadingHTTPServer((network.FILES, 443), Bound) as server:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        server.serve_forever()


if __name__ == "__main__":
    serve(*map(Path, sys.argv[1:4]))
