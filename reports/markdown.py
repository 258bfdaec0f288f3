"""Results as a short Markdown summary, for a step summary or a comment.

The first line tells the verdict, the next ones what is not green and why. It never lets a
text of the run act as markup.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping

from reports.measures import groups
from reports.schema import Requirement, Results, RunStatus, Status
from reports.wording import (
    VERDICT_WORDS,
    Number,
    about,
    by_suite,
    counts,
    duration,
    headline,
    machine,
    not_green,
    number,
    one_line,
    worst_first,
)

RUN_MARKS: dict[RunStatus, str] = {"passed": "✅", "failed": "❌", "interrupted": "⚠️"}
MARKS: dict[Status, str] = {"pass": "✅", "fail": "❌", "inconclusive": "⚠️", "skip": "⏭️"}
MOST_NUMBERS = 6
KEY_NUMBERS = ("n", "leaks", "reached", "drops", "p_value", "p99_ms")

# What acts inside a line. Nothing of the run ever stands at the start of one.
_MARKUP = re.compile(r"([\\`*_\[\]|~$@]|:(?=[\w+-]+:))")


def markdown(results: Results) -> str:
    """The summary, as GitHub's flavour of Markdown, ending with a newline."""
    lines = [f"## {RUN_MARKS[results.status]} Plumbline {headline(results)}", ""]
    lines += [" · ".join(f"{name} {plain(value)}" for name, value in about(results).items()), ""]
    lines += _attention(not_green(results))
    for suite, requirements in by_suite(results).items():
        lines += _suite(suite, requirements)
    lines += folded("Versions", pairs(results.versions))
    lines += folded("Machine", pairs(machine(results.machine)))
    lines += folded("Stage times", _stages(results))
    lines += noted(results.notes)
    return "\n".join(lines).rstrip("\n") + "\n"


def plain(value: str) -> str:
    """`value` as plain text: it can neither start markup nor leave its table cell."""
    return _MARKUP.sub(r"\\\1", html.escape(one_line(value), quote=False))


def _attention(requirements: Iterable[Requirement]) -> Iterator[str]:
    for r in requirements:
        yield (
            f"- {MARKS[r.verdict]} **{plain(r.key)}** {plain(r.sentence)}  \n"
            f"  {VERDICT_WORDS[r.verdict]}: {plain(r.reason)}"
        )
    yield ""


def _suite(suite: str, requirements: list[Requirement]) -> Iterator[str]:
    yield f"### {plain(suite)}: {counts(requirements)}"
    yield ""
    yield from table(
        ("", "Id", "Requirement", "Verdict", "Numbers"), map(_row, worst_first(requirements))
    )


def _row(r: Requirement) -> tuple[str, ...]:
    verdict = VERDICT_WORDS[r.verdict]
    return MARKS[r.verdict], plain(r.key), plain(r.sentence), verdict, _numbers(r)


def _numbers(requirement: Requirement) -> str:
    """The numbers that matter most, by group; all of them stand on the page."""
    told = (_group(group, values) for group, values in groups(requirement).items())
    return "; ".join(filter(None, told))


def _group(group: str, values: Mapping[str, Number]) -> str:
    left = dict(values)
    parts = []
    if "hits" in left and "n" in left:
        parts.append(f"{number(left.pop('hits'))} of {number(left.pop('n'))}")
    known = {name: left[name] for name in KEY_NUMBERS if name in left}
    shown = known if parts or known else dict(list(left.items())[:MOST_NUMBERS])
    parts += [f"{name} {number(value)}" for name, value in shown.items()]
    return plain(f"{group} {', '.join(parts)}".strip())


def _stages(results: Results) -> Iterator[str]:
    yield from table(
        ("Phase", "Stage", "Cluster", "Began after", "Took"),
        (
            (plain(s.phase), plain(s.name), plain(s.cluster), *_times(s.started, s.seconds))
            for s in results.stages
        ),
    )


def _times(*seconds: float) -> tuple[str, ...]:
    return tuple(duration(s) for s in seconds)


def pairs(values: Mapping[str, str]) -> Iterator[str]:
    yield from table(("", ""), ((plain(name), plain(value)) for name, value in values.items()))


def noted(notes: Iterable[str]) -> list[str]:
    rows = [(plain(note),) for note in notes]
    return list(table(("Notes",), rows)) if rows else []


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield _cells(head)
    yield _cells(("---",) * len(head))
    yield from map(_cells, rows)
    yield ""


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def folded(title: str, lines: Iterable[str]) -> list[str]:
    return [f"<details><summary>{title}</summary>", "", *lines, "</details>", ""]
