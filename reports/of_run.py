"""The report of a run: from its results, and from nothing else."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from clusters.models import Image
from reports import loads, pictures, practices, traffic, wording
from reports.charts import cluster_colours, share_chart, stage_chart
from reports.measures import Latency, Share, figures, groups, latencies, shares
from reports.model import Cell, Columns, Entry, Figure, Files, Report, Table, grids, make_table
from reports.reasons import parts
from reports.schema import Requirement, Results, Stage, Written
from reports.wording import Number, duration, interval, number, percent, plural

FILES = Files("results.json", "summary.md", "report.html", "junit.xml", "latest")
MOST_NUMBERS = 6
KEY_NUMBERS = ("n", "leaks", "reached", "drops", "p_value", "p99_ms")


def report(results: Results, folder: Path | None = None) -> Report:
    """The report, whose links are relative to the folder of the results.

    Args:
        folder: that folder, if its histories are there to draw from.
    """
    histories = [
        (each.suite, each.key, each.history) for each in results.requirements if each.history
    ]
    requests = traffic.read(histories, folder) if folder else traffic.Traffic()
    measured = _seconds_sent(requests)
    entries = tuple(entry(each, measured.get(each.key, 0.0)) for each in results.requirements)
    verdicts = [each.verdict for each in entries]
    red = results.count("fail") + results.count("inconclusive")
    skipped = f", {results.count('skip')} skipped" if results.count("skip") else ""
    stopped = (
        "The run was stopped before its end. What stands here is what it had found by then; "
        "requirements it did not reach are missing."
    )
    return Report(
        name="Plumbline",
        kind="run",
        files=FILES,
        run=results.run,
        status=results.status,
        word=wording.run_word(results.status, verdicts),
        counts=wording.counts(entries),
        facts=_facts(results),
        entries=entries,
        closing=f"{results.count('pass')} passed, {red} failed{skipped}",
        remarks=(stopped,) if results.status == "interrupted" else (),
        bar=wording.tally(entries),
        grids=grids(entries),
        sections=(*pictures.of_traffic(results, entries, requests), *_sections(results)),
        notes=results.notes,
        ran={"Versions": results.versions, "Machine": wording.machine(results.machine)},
        promise="the run comes to its end and every requirement passes",
        properties=_properties(results),
        began=results.began.isoformat(),
    )


def _seconds_sent(requests: traffic.Traffic) -> dict[str, float]:
    """For how long each requirement's requests were sent, whoever sent them, in seconds."""
    seconds: dict[str, float] = {}
    for stream in requests.streams:
        lasted = stream.requests[-1].sent - stream.requests[0].sent
        seconds[stream.key] = max(seconds.get(stream.key, 0.0), lasted)
    return seconds


def entry(requirement: Requirement, measured: float = 0.0) -> Entry:
    """A requirement as it is properties; `measured`: the seconds for which its requests were sent.

    A fixture may have sent them before the test began, which then took no time of its own.
    """
    streams = {full.rpartition(".")[0] for full in requirement.numbers}
    streams |= {stream.partition(".")[0] for stream in streams}
    facts = {"Source": requirement.source, "Test": requirement.test}
    links = {"History": requirement.history, "Evidence": requirement.evidence}
    properties = {
        "requirement": requirement.key,
        **{name.lower(): v for name, v in (facts | links).items()},
    }
    exact = {f"number.{name}": _exact(value) for name, value in requirement.numbers.items()}
    return Entry(
        key=requirement.key,
        name=requirement.id,
        variant=requirement.variant,
        suite=requirement.suite,
        group=practices.title(requirement.source),
        sentence=requirement.sentence,
        verdict=requirement.verdict,
        reason=requirement.reason,
        brief=brief(requirement),
        took=duration(max(requirement.seconds, measured)),
        excused=requirement.explained,
        seconds=requirement.seconds,
        measured=measured,
        parts=tuple(parts(requirement.reason, streams)),
        again=_again(requirement),
        numbers=groups(requirement),
        facts={name: value for name, value in facts.items() if value},
        links={name: value for name, value in links.items() if value},
        properties={name: value for name, value in properties.items() if value} | exact,
    )


def _again(requirement: Requirement) -> str:
    """The command that asks it again; what is none of pytest's tests names its own."""
    by_pytest = "::" in requirement.test
    return (
        f".venv/bin/python -m suites run -- -k {shlex.quote(requirement.id)}"
        if by_pytest
        else requirement.test
    )


def brief(requirement: Requirement) -> str:
    """The numbers that matter most, by group; all of them stand on the page."""
    texts = (_group(group, values) for group, values in groups(requirement).items())
    return " · ".join(figures(requirement)) or "; ".join(filter(None, texts))


def _group(group: str, values: Mapping[str, Number]) -> str:
    left = dict(values)
    parts = []
    if "hits" in left and "n" in left:
        parts.append(f"{number(left.pop('hits'))} of {number(left.pop('n'))}")
    known = {name: left[name] for name in KEY_NUMBERS if name in left}
    shown = known if parts or known else dict(list(left.items())[:MOST_NUMBERS])
    parts += [f"{name} {number(value)}" for name, value in shown.items()]
    return f"{group} {', '.join(parts)}".strip()


def _exact(value: Number) -> str:
    # For machines: no grouping, no rounding, booleans as in JSON.
    return str(value).lower() if isinstance(value, bool) else str(value)


def _facts(results: Results) -> dict[str, str]:
    return {
        "Run": results.run,
        "Train": results.train,
        "Profile": results.profile,
        "Manifests": results.manifests,
        "Began": wording.moment(results.began),
        "Took": duration((results.ended - results.began).total_seconds()),
    }


def _properties(results: Results) -> dict[str, str]:
    names = ("run", "status", "train", "profile", "manifests")
    facts = {name: str(getattr(results, name)) for name in names}
    return facts | {f"version.{name}": value for name, value in results.versions.items()}


def _sections(results: Results) -> Iterable[Table | Figure]:
    yield from loads.sections(results.loads)
    if measured := shares(results.requirements):
        label = "Measured shares with their intervals against the declared weights"
        draw = partial(_draw_wide, partial(share_chart, measured))
        yield Figure("Shares against their weights", label, draw, table=_shares(measured))
    yield from _explained(results.requirements)
    if times := latencies(results.requirements):
        columns: Columns[Latency] = {
            "Requirement": lambda each: _link(each.requirement),
            "Of": lambda each: each.of,
            "p50": lambda each: _time(each.p50),
            "p99": lambda each: _time(each.p99),
        }
        yield make_table("Latency", times, columns, ("p50", "p99"), page="folded")
    if results.stages:
        took = duration((results.ended - results.began).total_seconds())
        legend = tuple(
            (cluster or "no one cluster", colour, "")
            for cluster, colour in cluster_colours(s.cluster for s in results.stages).items()
        )
        draw = partial(_draw_wide, partial(stage_chart, results.stages))
        label = "When each stage began and how long it took"
        table = stages(results.stages, summary="folded")
        yield Figure("Where the time went", label, draw, "", legend, took, table)
    if results.written:
        yield _written(results.written)
    if results.images:
        yield _images(results.images)


def _explained(requirements: Collection[Requirement]) -> Iterable[Table]:
    """What was not asked as no cluster offers what it needs, and what is known to fail."""
    asked_of: Columns[Requirement] = {"Requirement": _link, "Sentence": lambda each: each.sentence}
    needs: Columns[Requirement] = {
        "Needs": lambda each: each.needs,
        "Why it is not offered": lambda each: each.reason,
    }
    known: Columns[Requirement] = {
        "What is known": lambda each: each.deviation,
        "What was seen": lambda each: each.reason,
    }
    if lacking := [each for each in requirements if each.needs]:
        title = "Not asked here, and so not proven"
        yield make_table(title, lacking, {**asked_of, **needs}, summary="folded")
    if deviating := [each for each in requirements if each.deviation]:
        yield make_table("Known deviations", deviating, {**asked_of, **known}, summary="folded")


def _draw_wide(draw: Callable[[], str], narrow: bool) -> str:
    return "" if narrow else draw()


def stages(times: Iterable[Stage], **more: Any) -> Table:
    """When each stage began and how long it took."""
    columns: Columns[Stage] = {
        "Phase": lambda stage: stage.phase,
        "Stage": lambda stage: stage.name,
        "Cluster": lambda stage: stage.cluster,
        "Began after": lambda stage: duration(stage.started),
        "Took": lambda stage: duration(stage.seconds),
    }
    return make_table("Where the time went", times, columns, ("Began after", "Took"), **more)


def _shares(measured: Iterable[Share]) -> Table:
    columns: Columns[Share] = {
        "Requirement": lambda share: _link(share.requirement),
        "Of": lambda share: share.of,
        "Declared": lambda share: "" if share.declared is None else percent(share.declared),
        "Measured": lambda share: "" if share.measured is None else percent(share.measured, 2),
        "Interval": lambda share: interval(share.low, share.high),
    }
    return make_table("", measured, columns, ("Declared", "Measured", "Interval"))


def _link(requirement: Requirement) -> Cell:
    return Cell(requirement.key, entry=requirement.key)


def _time(seconds: float | None) -> str:
    return "" if seconds is None else duration(seconds)


def _written(written: Collection[Written]) -> Table:
    columns: Columns[Written] = {
        "Cluster": lambda each: each.cluster,
        "Namespace": lambda each: each.namespace or "(the whole cluster)",
        "Kind": lambda each: each.kind,
        "Verb": lambda each: each.verb,
        "Objects": lambda each: number(each.objects),
        "Times": lambda each: number(each.times),
    }
    places = len({(each.cluster, each.namespace) for each in written})
    title = f"What was written to the clusters, in {plural(places, 'place')}"
    return make_table(title, written, columns, ("Objects", "Times"), page="folded")


def _images(images: Collection[Image]) -> Table:
    columns: Columns[Image] = {
        "Image": lambda image: image.reference,
        "Digest": lambda image: Cell(image.digest, "code"),
        "Source": lambda image: image.source,
    }
    title = f"{plural(len(images), 'image')} with their digests"
    return make_table(title, images, columns, page="folded")
