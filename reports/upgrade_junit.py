"""An upgrade as JUnit XML: a testcase per stream, share, fault, phase and compared requirement.

It never turns a red upgrade green, nor a green one red: a stream that a fault spoilt on
purpose is skipped, and a red that no testcase shows gets a testcase of its own.
"""

# junitparser is typed in part only: its calls are let through here, and here alone.
# mypy: untyped-calls-exclude="junitparser"

from __future__ import annotations

from collections.abc import Iterator

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from reports.junit import properties, serialised
from reports.upgrade_schema import Outcome, Stream, Upgrade
from reports.upgrade_wording import headline, titled
from reports.wording import one_line, printable

RUN_SUITE = "upgrade"


def junit(upgrade: Upgrade) -> bytes:
    """The document, UTF-8 with its declaration."""
    suites: dict[str, list[TestCase]] = {}
    red = False
    for suite, case in _cases(upgrade):
        suites.setdefault(suite, []).append(case)
        red = red or any(isinstance(result, Failure | Error) for result in case.result)
    if upgrade.status == "interrupted" or (upgrade.exit_status and not red):
        suites.setdefault(RUN_SUITE, []).append(_run_case(upgrade))
    document = JUnitXml("plumbline-upgrade")
    for name, cases in suites.items():
        document.append(_suite(name, upgrade, cases))
    document.update_statistics()
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + serialised(document)


def _cases(upgrade: Upgrade) -> Iterator[tuple[str, TestCase]]:
    spoilt = {fault.stream for fault in upgrade.faults}
    for stream in upgrade.streams:
        meant = stream.key in spoilt or not upgrade.exit_status
        yield f"stream {stream.suite}", _stream(stream, meant)
    for share in upgrade.shares:
        name = f"{share.cluster}/{share.service} during {share.phase}"
        yield "share", _case("share", name, _excused(upgrade, share.verdict), share.reason)
    for fault in upgrade.faults:
        name = f"{fault.name} {fault.sentence}"
        yield "fault", _case("fault", name, fault.verdict, fault.reason)
    for phase in upgrade.phases:
        verdict: Outcome = "pass" if phase.outcome == "done" else "fail"
        reason = f"{phase.outcome}: {phase.note}"
        yield "phase", _case("phase", titled(phase), verdict, reason, phase.seconds)
    for row in upgrade.comparison.rows if upgrade.comparison else ():
        lost = row.change in {"regression", "gone"}
        asked = "fail" if lost else "skip" if row.change == "still red" else "pass"
        reason = f"{row.change}: {row.reason}"
        yield "compared", _case("compared", f"{row.key} {row.sentence}", asked, reason)


def _stream(stream: Stream, meant: bool) -> TestCase:
    verdict = "skip" if meant and stream.verdict != "pass" else stream.verdict
    suite = f"stream {stream.suite}"
    case = _case(suite, f"{stream.key} {stream.sentence}", verdict, stream.reason)
    counts = {f"count.{kind}": str(n) for kind, n in stream.counts.items()}
    facts = {"stream": stream.key, "number.n": str(stream.n), "history": stream.history}
    case.append(properties({name: value for name, value in (facts | counts).items() if value}))
    return case


def _excused(upgrade: Upgrade, verdict: Outcome) -> str:
    return verdict if upgrade.exit_status or verdict == "pass" else "skip"


def _case(suite: str, name: str, verdict: str, reason: str, seconds: float = 0.0) -> TestCase:
    case = TestCase(one_line(name), one_line(suite), max(seconds, 0.0))
    if verdict == "pass":
        return case
    made = {"fail": Failure, "skip": Skipped}.get(verdict, Error)(one_line(reason), verdict)
    made.text = printable(reason)
    case.append(made)
    return case


def _suite(name: str, upgrade: Upgrade, cases: list[TestCase]) -> TestSuite:
    suite = TestSuite(one_line(name))
    suite.timestamp = upgrade.began.isoformat()
    facts = {"run": upgrade.run, "status": upgrade.status, "from": upgrade.base, "to": upgrade.to}
    suite.append(properties({key: value for key, value in facts.items() if value}))
    suite.add_testcases(cases)
    return suite


def _run_case(upgrade: Upgrade) -> TestCase:
    case = TestCase("the upgrade comes to its end and all that it watched holds", RUN_SUITE, 0.0)
    case.append(Error(one_line(headline(upgrade)), upgrade.status))
    return case
