"""The forms of a merged report: the page, Markdown, the terminal, annotations of a workflow.

None lets a text of a run act as markup or as a command. They decide nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

from clusters.files import write
from reports import cells, wording
from reports.compare import Comparison
from reports.html import environment
from reports.markdown import MARKS, folded, plain, table
from reports.merged import STATUS_WORDS, Line, Merged, Seen, Shown, counted, told
from reports.schema import Requirement
from reports.wording import VERDICT_WORDS, one_line
from reports.workflow import annotation

PAGE = "index.html"
SUMMARY = "merged.md"
CELL_MARKS: dict[Shown, str] = {
    "passed": "✅",
    "failed": "❌",
    "inconclusive": MARKS["inconclusive"],
    "interrupted": "⚠️",
    "running": "▶️",
    "waiting": "⏳",
}
_STYLES: dict[Shown, str] = {"passed": "green", "failed": "bold red"}


def publish(found: Merged, folder: Path) -> None:
    """Write matrix.json, merged.md and index.html into the folder.

    Raises:
        OSError: it cannot be written.
    """
    found.matrix.save(folder / cells.FILE)
    write(folder / SUMMARY, markdown(found).encode())
    write(folder / PAGE, html(found).encode())


def html(found: Merged) -> str:
    """The page; its links are relative to it, and it needs nothing else."""
    page = environment().get_template("merged.html.j2")
    return page.render(found=found, wording=wording, words=STATUS_WORDS, counted=counted, told=told)


# --- Markdown --------------------------------------------------------------------------------


def markdown(found: Merged) -> str:
    """The summary, as GitHub's flavour of Markdown, ending with a newline."""
    mark = "✅" if not found.exit_status else "❌"
    lines = [f"## {mark} Plumbline matrix {found.word}: {found.headline}", ""]
    lines += [" · ".join(f"{name} {plain(value)}" for name, value in found.about.items()), ""]
    lines += table(
        ("", "Cell", "Passed", "Failed", "Inconclusive", "Took", "Since then"),
        map(_cell, found.cells),
    )
    lines += [f"- {plain(line)}" for line in troubles(found)]
    lines.append("")
    lines += _changes(found)
    lines += folded("Every requirement, by cell", _lines(found, list(found.lines)))
    return "\n".join(lines).rstrip("\n") + "\n"


def _cell(seen: Seen) -> tuple[str, ...]:
    counts = (str(seen.counts.get(v, 0)) for v in ("pass", "fail", "inconclusive"))
    since = counted(seen.change) if seen.change else ""
    name = f"{seen.letter} {plain(seen.cell.name)}"
    took = wording.duration(seen.state.seconds)
    return CELL_MARKS[seen.status], name, *counts, took, since


def _changes(found: Merged) -> Iterator[str]:
    for seen in found.changed:
        yield f"### {plain(seen.cell.name)}, since {plain(found.base)}"
        yield ""
        for row in told(seen.change) if seen.change else ():
            yield f"- {row.change} **{plain(row.key)}** {plain(row.sentence)}: {plain(row.reason)}"
        yield ""


def _lines(found: Merged, lines: list[Line]) -> Iterator[str]:
    names = [seen.cell.name for seen in found.cells]
    head = ("Requirement", *(seen.letter for seen in found.cells))
    yield from table(head, ((plain(line.key), *_marks(line, names)) for line in lines))


def _marks(line: Line, names: list[str]) -> Iterator[str]:
    for name in names:
        yield MARKS[line.asked[name].verdict] if name in line.asked else ""


# --- a workflow's annotations, and the terminal ----------------------------------------------


def troubles(found: Merged) -> list[str]:
    """Everything red in one line each: requirements, streams, and cells that cannot be read."""
    lines = [f"{seen.cell.name}: {seen.report.problem}" for seen in _unread(found)]
    lines += [f"{title}: {reason}" for title, reason in _red(found)]
    return [one_line(line) for line in lines]


def errors_of(found: Merged) -> Iterator[str]:
    """GitHub's workflow commands, one error for each thing that is red."""
    for seen in _unread(found):
        yield annotation(f"{seen.cell.name}: no results", seen.report.problem)
    for title, reason in _red(found):
        yield annotation(title, reason)
    for seen in found.cells:
        for row in seen.change.of("gone") if seen.change else ():
            yield annotation(f"{row.key} is no longer asked", f"{seen.cell.name}: {row.sentence}")


def _unread(found: Merged) -> list[Seen]:
    return [seen for seen in found.cells if seen.report.problem]


def _red(found: Merged) -> Iterator[tuple[str, str]]:
    for line in found.red:
        worst = wording.worst_first(line.asked[name] for name in line.red)[0]
        yield _title(worst, ", ".join(line.red)), f"{line.sentence} {worst.reason}"
    for seen in found.upgrades:
        for stream in seen.red_streams:
            yield _title(stream, seen.cell.name), f"{stream.sentence}: {stream.reason}"


def _title(asked: Requirement, where: str) -> str:
    return f"{asked.key} {VERDICT_WORDS[asked.verdict]} in {where}"


def show(found: Merged, folder: Path, console: Console | None = None) -> None:
    """Print the cells, then everything red, then where the page is."""
    out = console or Console()
    out.print(Text(f"{found.word}: {found.headline}", "bold red" if found.exit_status else "green"))
    for seen in found.cells:
        counts = wording.counts((*seen.report.requirements, *seen.report.streams))
        words = [STATUS_WORDS[seen.status], seen.cell.name]
        words += [counts] if seen.counts else []
        words += [since] if seen.change and (since := _since(found, seen.change)) else []
        out.print(Text(one_line(" · ".join(words)), _STYLES.get(seen.status, "yellow")))
    for line in troubles(found):
        out.print(Text(f"  {line}", "dim"))
    out.print(Text(f"page: {folder / PAGE}", "dim"), soft_wrap=True)


def _since(found: Merged, change: Comparison) -> str:
    differs = counted(change)
    return f"since {found.base}: {differs}" if differs else ""
