"""Python packages for an image, by pip, from a lock file that gives every one its hash.

Installs into a folder for the image's Python; never into this machine's.
"""

from __future__ import annotations

import sys
from pathlib import Path

from clusters.process import run

PYTHON = "3.11"  # bookworm's
PLATFORMS = ("manylinux_2_36_x86_64", "manylinux_2_35_x86_64", "manylinux_2_34_x86_64",
             "manylinux_2_31_x86_64", "manylinux_2_28_x86_64", "manylinux2014_x86_64",
             "manylinux_2_17_x86_64", "manylinux_2_12_x86_64", "manylinux2010_x86_64",
             "manylinux_2_5_x86_64", "manylinux1_x86_64")  # fmt: skip
TIMEOUT = 600  # seconds


def install(lock: Path, target: Path, log: Path) -> None:
    """Install what the lock file names into a folder.

    Raises:
        CommandError: a package is not to be had, or its hash is another.
    """
    platforms = [word for platform in PLATFORMS for word in ("--platform", platform)]
    run(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes",
            "--only-binary=:all:", "--implementation=cp", f"--python-version={PYTHON}", *platforms,
            "--no-compile", "--target", target, "--requirement", lock,
        ],
        timeout=TIMEOUT,
        log=log,
        scratch=True,
    )  # fmt: skip
