"""Root filesystems from Debian packages, by mmdebstrap, kept as tar archives by content.

Needs root on Debian. Never touches the machine's own packages.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clusters.images.recipe import digest_of
from clusters.process import run

SUITE = "bookworm"
TIMEOUT = 900  # seconds


def digest(packages: Sequence[str], customize: Sequence[str]) -> str:
    """What a root filesystem is made of, but for the packages' versions."""
    return digest_of([SUITE, *sorted(packages), "", *customize])


def build(
    packages: Sequence[str],
    customize: Sequence[str],
    target: Path,
    log: Path,
    *,
    suite: str = SUITE,
) -> None:
    """Make a tar archive of a minimal Debian with these packages.

    Args:
        customize: shell lines run in the new root after the packages are in.

    Raises:
        CommandError: mmdebstrap failed; the error repeats the end of its output.
    """
    hooks = [f"--customize-hook=chroot \"$1\" sh -euc '{_quoted(line)}'" for line in customize]
    draft = target.with_suffix(".draft.tar")
    run(
        [
            "mmdebstrap", "--variant=minbase", f"--include={','.join(packages)}",
            "--dpkgopt=force-unsafe-io",  # a root that is half made is thrown away anyhow
            "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*",
            *hooks, suite, draft,
        ],
        timeout=TIMEOUT,
        log=log,
    )  # fmt: skip
    draft.replace(target)


def _quoted(line: str) -> str:
    return line.replace("'", "'\\''")
