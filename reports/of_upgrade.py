"""The report of an upgrade, or of a watch during which nothing was upgraded.

Streams, shares, faults made on purpose, phases and compared requirements all become entries
of one kind. What a fault spoilt on purpose is excused, and so is all that is red of an upgrade
that passed.
"""

from __future__ import annotations

from collections.abc import Iterator

from reports import upgrade_wording as words
from reports import wording
from reports.compare import Row
from reports.model import Entry, Files, Report, grids
from reports.schema import Status
from reports.upgrade_schema import Stream, Upgrade
from reports.upgrade_sections import outage_table, sections
from reports.wording import duration, number, percent, plural

FILES = Files("upgrade.json", "upgrade.md", "upgrade.html", "junit-upgrade.xml", "latest")


def report(upgrade: Upgrade) -> Report:
    """The report, whose links are relative to the folder of the upgrade."""
    entries = tuple(_entries(upgrade))
    red = [each for each in wording.not_green(entries) if not each.excused]
    streams = [each for each in entries if each.listed]
    facts = {"run": upgrade.run, "status": upgrade.status, "from": upgrade.base, "to": upgrade.to}
    stopped = "It was stopped before its end. What stands here is what it had found by then."
    return Report(
        name="Plumbline",
        kind="upgrade",
        files=FILES,
        run=upgrade.run,
        status=upgrade.status,
        word=wording.run_word(upgrade.status, (each.verdict for each in red)),
        subject=words.change(upgrade),
        counts=f"{wording.counts(streams)} of {plural(len(streams), 'stream')}"
        if streams
        else "no stream was watched",
        lead=matters(upgrade, red),
        facts=_facts(upgrade),
        entries=entries,
        remarks=(stopped,) if upgrade.status == "interrupted" else (),
        bar=wording.tally(streams),
        grids=grids(entries),
        sections=tuple(sections(upgrade)),
        notes=upgrade.notes,
        ran={
            "Versions": words.version_changes(upgrade),
            "Machine": wording.machine(upgrade.machine),
        },
        promise="the upgrade comes to its end and all that it watched holds",
        properties={name: value for name, value in facts.items() if value},
        began=upgrade.began.isoformat(),
    )


def matters(upgrade: Upgrade, red: list[Entry]) -> str:
    """The one sentence that matters most: the worst outage, what else is red, or that all held."""
    worst = words.worst_outage(upgrade)
    if worst and worst.serious:
        return str(worst)
    if red:
        return f"{red[0].key}: {red[0].reason}"
    if worst:
        return str(worst)
    if not upgrade.streams:
        return "Nothing was watched."
    blind = duration(max(stream.blind for stream in upgrade.streams))
    return f"Every request was answered as it must be; no stream was blind for over {blind}."


def _entries(upgrade: Upgrade) -> Iterator[Entry]:
    good = upgrade.status == "passed"
    spoilt = {fault.stream for fault in upgrade.faults}
    for stream in upgrade.streams:
        yield _stream(stream, excused=good or stream.key in spoilt)
    for share in upgrade.shares:
        key = f"{share.cluster}/{share.service} during {share.phase}"
        yield Entry(key, share.verdict, share.reason, sort="share", listed=False, excused=good)
    for fault in upgrade.faults:
        fields = (fault.name, fault.verdict, fault.reason, fault.sentence)
        yield Entry(*fields, sort="fault", listed=False)
    for phase in upgrade.phases:
        ending = f"{phase.outcome} after {duration(phase.seconds)}"
        yield Entry(
            words.phase_title(phase),
            "pass" if phase.outcome == "done" else "fail",
            f"{ending}: {phase.note}" if phase.note else ending,
            sort="phase",
            seconds=phase.seconds,
            listed=False,
        )
    for row in upgrade.comparison.rows if upgrade.comparison else ():
        yield compared_entry(row)


def compared_entry(row: Row) -> Entry:
    """A requirement of the suites before and after: what was red before is none of the change."""
    lost, same = row.change in ("regression", "gone"), row.change == "still red"
    verdict: Status = "fail" if lost else "skip" if same else "pass"
    reason = f"{row.change}: {row.reason}"
    return Entry(
        row.key, verdict, reason, row.sentence, sort="compared", listed=False, excused=same
    )


def _stream(stream: Stream, *, excused: bool) -> Entry:
    spoilt = words.bad_requests(stream)
    lasted = {
        "shut": words.time_in(stream, words.SHUT),
        "wrong": words.time_in(stream, words.WRONG),
    }
    properties = {"stream": stream.key, "number.n": str(stream.n), "history": stream.history}
    properties |= {f"count.{kind}": str(n) for kind, n in stream.counts.items()}
    gaps = ", ".join(f"{low:.1f} to {high:.1f} s" for low, high in stream.gaps)
    return Entry(
        key=stream.key,
        name=stream.name,
        variant=stream.cluster,
        sort="stream",
        suite=stream.suite,
        sentence=stream.sentence,
        verdict=stream.verdict,
        reason=stream.reason,
        note=f"{spoilt} of {number(stream.n)}" if spoilt else "",
        brief=plural(stream.n, "request"),
        took="\n".join(f"{name} {time}" for name, time in lasted.items() if time),
        excused=excused,
        numbers={"": _numbers(stream)},
        facts={"Not watched": f"{gaps}, as its client was replaced"} if gaps else {},
        links={"History": stream.history} if stream.history else {},
        tables=(outage_table(stream.episodes),) if stream.episodes else (),
        properties={name: value for name, value in properties.items() if value},
    )


def _numbers(stream: Stream) -> dict[str, wording.Number]:
    return {
        "demand": stream.demand,
        "connections": stream.connections,
        "per second": stream.rate,
        "requests": stream.n,
        "watched": percent(stream.watched),
        "blind for": duration(stream.blind),
    }


def _facts(upgrade: Upgrade) -> dict[str, str]:
    facts = {
        "Run": upgrade.run,
        "From": upgrade.base,
        "To": upgrade.to,
        "Only": upgrade.only,
        "Began": wording.moment(upgrade.began),
        "Took": duration((upgrade.ended - upgrade.began).total_seconds()),
        "Watched": plural(sum(stream.n for stream in upgrade.streams), "request"),
    }
    return {name: value for name, value in facts.items() if value}
