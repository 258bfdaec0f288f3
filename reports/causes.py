"""Causes: what is red, grouped by what it has in common.

The same requirement that fails alike in several clusters is one finding; findings of one
manifest, or that say the same, are one cause. It only sorts what was judged: whether that truly
is the cause is for a reader to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from reports import reasons
from reports.model import Entry
from reports.schema import Status
from reports.wording import VERDICT_WORDS, plural


@dataclass(frozen=True)
class Finding:
    """One thing that is red, in one or several clusters or cells: the entries it is told of."""

    entries: tuple[Entry, ...]

    @property
    def first(self) -> Entry:
        return self.entries[0]

    @property
    def verdict(self) -> Status:
        return self.first.verdict

    @property
    def title(self) -> str:
        """What came of what: `CS1[aws-cluster] failed`, `CS1 failed in A, B`."""
        return f"{self.name} {VERDICT_WORDS[self.verdict]}{self.where}"

    @property
    def name(self) -> str:
        first = self.first
        several = len(self.entries) > 1 or first.row == first.key
        return f"{first.sort} {first.row if several else first.key}".lstrip()

    @property
    def where(self) -> str:
        first = self.first
        variants = ", ".join(each.variant for each in self.entries if each.variant)
        named = len(self.entries) > 1 or first.row == first.key
        return f" in {variants}" if variants and named else ""

    @property
    def why(self) -> str:
        return f"{self.first.sentence} {self.first.reason}".lstrip()


@dataclass(frozen=True)
class Cause:
    """Findings that have something in common, and what that is in words."""

    title: str
    common: str
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> Status:
        return self.findings[0].verdict

    @property
    def shared(self) -> bool:
        """Whether all of several say the same, which is then told once."""
        variants = {entry.variant for entry in self.entries}
        said = {reasons.pattern_of(each.first.reason, variants) for each in self.findings}
        return len(said) == 1 < len(self.findings)

    @property
    def entries(self) -> list[Entry]:
        return [entry for finding in self.findings for entry in finding.entries]


def findings(red: Iterable[Entry]) -> list[Finding]:
    """What is red, in the given order: one for all variants in which it is so alike."""
    entries = list(red)
    variants = {each.variant for each in entries}
    groups: dict[tuple[str, ...], list[Entry]] = {}
    for entry in entries:
        same = () if entry.row == entry.key else (reasons.pattern_of(entry.reason, variants),)
        groups.setdefault((entry.sort, entry.row, entry.verdict, *same), []).append(entry)
    return [Finding(tuple(members)) for members in groups.values()]


def causes(every: Sequence[Finding], variants: Sequence[str]) -> list[Cause]:
    """The findings by what they have in common, in the order of their first.

    Args:
        variants: every cluster that was asked, to say where it is only some.
    """
    groups: dict[tuple[str, str], list[Finding]] = {}
    for each in every:
        groups.setdefault(_common(each), []).append(each)
    return [
        Cause(
            # Of one alone its reason follows anyway.
            title if len(own) > 1 else _of(own[0].first),
            _summary(own, variants),
            tuple(own),
        )
        for (_, title), own in groups.items()
    ]


def _of(entry: Entry) -> str:
    """The manifest that asks it, or the suite, or what it is."""
    return entry.facts.get("Source", "") or entry.suite or entry.sort or entry.row


def _common(finding: Finding) -> tuple[str, str]:
    """What a finding shares with others: its manifest if it failed, what it says if nothing did."""
    first = finding.first
    verdict = VERDICT_WORDS[first.verdict]
    if first.verdict != "fail":
        said = reasons.triple(first.reason)
        text = said.expected if said else _lack(first.reason)
        return first.verdict, f"{verdict}: {text}" if len(text) < 160 else verdict
    return first.verdict, _of(first)


def _lack(reason: str) -> str:
    """The cause that an inconclusive reason gives, without the figures of one stream."""
    starved = "not sent in time by a starved generator"
    if starved in reason:
        return f"requests were {starved}"
    return reason.partition("; ")[0]


def _summary(own: Sequence[Finding], variants: Sequence[str]) -> str:
    entries = [entry for finding in own for entry in finding.entries]
    rows = dict.fromkeys(entry.row for entry in entries)
    words = [plural(len(rows), entries[0].sort or "requirement")]
    places = list(dict.fromkeys(entry.variant for entry in entries if entry.variant))
    if places and len(variants) > 1:
        words.append(f"only in {places[0]}" if len(places) == 1 else f"in {', '.join(places)}")
    clients = {who for entry in entries for who in reasons.clients(entry.parts)}
    if len(clients) == 1:
        words.append(f"all sent as {clients.pop()}")
    return "; ".join(words)
