"""What goes into the clients' ConfigMap: small, the same each time, and enough."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

from fixtures.traffic.pod import bundle

FILES = bundle()

IMPORTS = """
import httpx, sys
print(httpx.__file__)
print("h2" in sys.modules)
httpx.AsyncClient(http1=False, http2=True, verify=False)
import httpcore._async.http2
print(sys.modules["h2"].__file__)
"""

LIMIT = 900 * 1024
"""A ConfigMap holds 1 MiB at most."""


def test_it_holds_the_programs_and_fits_a_config_map() -> None:
    assert sorted(FILES) == [
        "changes.py",
        "connection.py",
        "datagram.py",
        "datagram_echo.py",
        "distributed.py",
        "grpc_calls.py",
        "handshake.py",
        "health.py",
        "httpx.zip",
        "kernel.py",
        "knocking.py",
        "line.py",
        "locustfile.py",
        "monitor.py",
        "origin.py",
        "prober.py",
        "rate.py",
        "raw.py",
        "recorder.py",
        "sealed.py",
        "sending.py",
        "speaking.py",
        "wire.py",
        "ws.py",
    ]
    assert sum(map(len, FILES.values())) < LIMIT


def test_it_is_the_same_each_time() -> None:
    assert bundle() == FILES


def test_it_holds_sources_and_licences_only() -> None:
    with zipfile.ZipFile(io.BytesIO(FILES["httpx.zip"])) as archive:
        names = archive.namelist()
    assert names == sorted(names)
    assert all(name.endswith(".py") or "LICENSE" in name for name in names)
    assert not any(name.startswith(("/", "..")) for name in names)


def test_httpx_is_imported_from_the_zip_alone(tmp_path: Path) -> None:
    packed = tmp_path / "httpx.zip"
    packed.write_bytes(FILES["httpx.zip"])
    done = subprocess.run(
        [sys.executable, "-S", "-s", "-c", IMPORTS],
        env={"PYTHONPATH": str(packed)},
        capture_output=True,
        text=True,
        check=True,
    )
    httpx, early, h2 = done.stdout.splitlines()
    assert Path(httpx) == packed / "httpx" / "__init__.py"
    assert early == "False", "who speaks no HTTP/2 does not wait for h2"
    assert Path(h2) == packed / "h2" / "__init__.py"
