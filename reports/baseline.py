"""Baselines: one accepted run per release train, committed as it is, byte for byte.

Accepting is a person's act: it needs their name, their reason and a run that passed in full.
It commits exactly one file and leaves everything else, staged or not, as it was.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from clusters.errors import BaselineError
from clusters.files import write
from reports.reading import FILE, read
from reports.schema import Results

BASELINES = Path(__file__).parent / "baselines"
BASELINE = "baseline"
"""In place of a base: the baseline of the new run's own train."""

LEAST_ASKED = 0.9
"""Of a baseline's requirements, the share that the run in its place asks: a few may have gone."""

_TRAIN = re.compile(r"[0-9A-Za-z][\w.-]*")


class Accepted(NamedTuple):
    """A baseline as it was committed."""

    path: Path
    commit: str


def accept(place: Path, reason: str, folder: Path) -> Accepted:
    """Commit a run's results as the baseline of its train.

    Raises:
        ResultsError: there are no results of a run.
        BaselineError: no reason, a run that may not be one, no name of whoever accepts, or a
            tree that is not git's, has changed the file or refuses the commit.
        PlaceError: the file cannot be written.
    """
    why = " ".join(reason.split())
    if not why:
        raise BaselineError(
            "a reason", seen="none", look="Say why this run is accepted: --reason TEXT."
        )
    source = place if place.is_file() else place / FILE
    results = read(source)
    _check(results, source)
    path = folder.resolve() / f"{results.train}.json"
    who = _who(path.parent)
    _refuse_changes(path)
    content = source.read_bytes()
    old = path.read_bytes() if path.exists() else None
    _refuse_part(results, path)
    if content == old:
        raise BaselineError(
            f"another run than the baseline of {results.train}",
            seen=f"{results.run} again",
            look="There is nothing to accept.",
        )
    write(path, content)
    try:
        # A file that git does not know cannot be named in a commit of paths.
        _git(path.parent, "add", "--", path.name)
        _git(
            path.parent,
            "commit",
            "--quiet",
            *_message(results, who, why),
            "--only",
            "--",
            path.name,
        )
    except BaseException:
        _undo(path, old)
        raise
    return Accepted(path, _git(path.parent, "rev-parse", "--short", "HEAD"))


def base_of(base: str, new: Results, folder: Path) -> Path:
    """The base that is meant: a folder, a file, a train's name, or the new run's own train's.

    Raises:
        BaselineError: a train is meant that has no baseline.
    """
    train = new.train if base == BASELINE else base
    named = _TRAIN.fullmatch(train)
    if base != BASELINE and (Path(base).exists() or not named):
        return Path(base)
    path = folder / f"{train}.json"
    if not named or not path.is_file():
        known = ", ".join(sorted(each.stem for each in folder.glob("*.json"))) or "none"
        raise BaselineError(
            f"a run's folder or a train with a baseline, {path}",
            seen=f"no such file; baselines: {known}",
            look="Accept a run of that train first: make accept RUN=dir WHY='…'.",
        )
    return path


def _check(results: Results, source: Path) -> None:
    values = {"status": results.status, "profile": results.profile, "manifests": results.manifests}
    must = {"status": "passed", "profile": "full", "manifests": "reference"}
    wrong = ", ".join(f"{name} {values[name]}" for name in must if values[name] != must[name])
    if wrong:
        raise BaselineError(
            "a run that passed, with profile full and manifests reference",
            seen=f"{wrong} in {source}",
            look="Run `make e2e` until it is green, and accept that run.",
        )
    if not _TRAIN.fullmatch(results.train):
        raise BaselineError(
            "a train whose name can be a file's",
            seen=repr(results.train),
            look="Correct what wrote the file.",
        )


def _refuse_part(results: Results, path: Path) -> None:
    """What a baseline does not ask can never regress beside it."""
    if not path.exists():
        return
    known = {requirement.key for requirement in read(path).requirements}
    common = known & {requirement.key for requirement in results.requirements}
    if len(common) < LEAST_ASKED * len(known):
        raise BaselineError(
            f"a run that asked what the baseline of {results.train} asks",
            seen=f"{len(common)} of its {len(known)} requirements",
            look="run all suites: make e2e, without -k or -m",
        )


def _who(folder: Path) -> str:
    if _status(folder, "rev-parse", "--is-inside-work-tree").stdout.strip() != "true":
        raise BaselineError(
            "a git checkout", seen=f"none around {folder}", look="Accept in a clone of Plumbline."
        )
    identity = [
        _status(folder, "config", f"user.{key}").stdout.strip() for key in ("name", "email")
    ]
    if not all(identity):
        raise BaselineError(
            "git's user.name and user.email",
            seen=f"{identity[0] or 'no name'} and {identity[1] or 'no email'}",
            look="Set them: git config user.name NAME; git config user.email EMAIL.",
        )
    return f"{identity[0]} <{identity[1]}>"


def _refuse_changes(path: Path) -> None:
    changes = _git(path.parent, "status", "--porcelain", "--ignored", "--", path.name)
    if changes:
        raise BaselineError(
            f"{path} as it was committed",
            seen=f"uncommitted changes ({changes[:2].strip()})",
            look=f"Commit or discard them first: git status {path}.",
        )


def _message(results: Results, who: str, why: str) -> tuple[str, ...]:
    title = f"Baseline {results.train}: run {' '.join(results.run.split())}"
    return "--message", title, "--message", f"Accepted by {who}: {why}"


def _undo(path: Path, old: bytes | None) -> None:
    _status(path.parent, "reset", "--quiet", "--", path.name)
    if old is None:
        path.unlink(missing_ok=True)
    else:
        write(path, old)


def _git(folder: Path, *arguments: str) -> str:
    ended = _status(folder, *arguments)
    if ended.returncode:
        said = " ".join((ended.stderr or ended.stdout).split())
        raise BaselineError(
            f"git {arguments[0]} to succeed",
            seen=f"status {ended.returncode}: {said}",
            look=f"Nothing was committed. Try it by hand: git -C {folder} {arguments[0]}.",
        )
    return ended.stdout.strip()


def _status(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            check=False,
            encoding="utf-8",
        )
    except FileNotFoundError as error:
        raise BaselineError("git", seen="no such program", look="Install git.") from error
