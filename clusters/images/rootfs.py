"""Root filesystems from Debian packages, by mmdebstrap, kept as tar archives by content.

Needs root on Debian. Never touches the machine's own packages.

A minimal Debian takes more of a processor than what an image adds to it. So it is made once,
with apt's lists in it, and the images' roots are that one with their packages installed.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from clusters.images.recipe import digest_of
from clusters.process import run

SUITE = "bookworm"
TIMEOUT = 900  # seconds
DPKG = (
    "--dpkgopt=force-unsafe-io",  # a root that is half made is thrown away anyhow
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
)
BASE = (
    *DPKG, "--variant=minbase", "--include=ca-certificates", "--skip=cleanup/apt",
    # /bin is a link from the start: else a package comes in that moves it, and all of Perl with it.
    "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
)  # fmt: skip


def digest(packages: Sequence[str], customize: Sequence[str]) -> str:
    """What a root filesystem on the base is made of, but for the packages' versions."""
    return digest_of([SUITE, *BASE, "", *sorted(packages), "", *customize])


def base_digest() -> str:
    """What the base is made of, but for the packages' versions."""
    return digest_of([SUITE, *BASE])


def build_base(target: Path, log: Path) -> None:
    """Make the base: a tar archive of a minimal Debian that `build` adds packages to.

    Raises:
        CommandError: mmdebstrap failed; the error repeats the end of its output.
    """
    _make(BASE, SUITE, target, log)


def build(  # noqa: PLR0913 - what goes in, what comes out, and where
    packages: Sequence[str],
    customize: Sequence[str],
    target: Path,
    log: Path,
    *,
    suite: str = SUITE,
    base: Path | None = None,
) -> None:
    """Make a tar archive of a minimal Debian with these packages.

    Args:
        customize: shell lines run in the new root after the packages are in.
        base: what `build_base` made, of the same suite; without it a Debian of its own is made.

    Raises:
        CommandError: mmdebstrap failed; the error repeats the end of its output.
    """
    start: tuple[str, ...] = (*DPKG, "--variant=minbase")
    if base is not None:
        unpack = f'tar --extract --file {shlex.quote(str(base))} --directory "$1"'
        start = ("--variant=custom", "--skip=update", f"--setup-hook={unpack}")
    hooks = [f'--customize-hook=chroot "$1" sh -euc {shlex.quote(line)}' for line in customize]
    _make([*start, f"--include={','.join(packages)}", *hooks], suite, target, log)


def _make(words: Sequence[str], suite: str, target: Path, log: Path) -> None:
    draft = target.with_suffix(".draft.tar")
    run(["mmdebstrap", *words, suite, draft], timeout=TIMEOUT, log=log, scratch=True)
    draft.replace(target)
