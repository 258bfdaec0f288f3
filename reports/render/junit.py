"""A report as JUnit XML, for what reads that: CI systems and their test tabs.

One testsuite per suite, one testcase per entry. It never turns a red report green, nor a green
one red: what is excused is skipped, and a red that no testcase shows gets one of its own.
"""

# junitparser is typed in part only: its calls are let through here, and here alone.
# mypy: untyped-calls-exclude="junitparser"

from __future__ import annotations

from collections.abc import Mapping

from junitparser import Error, Failure, JUnitXml, Property, Skipped, TestCase, TestSuite
from junitparser.junitparser import Properties

from reports.model import Entry, Report
from reports.wording import one_line, printable

_DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>\n'
_RESULTS = {"fail": Failure, "inconclusive": Error, "skip": Skipped}


def junit(report: Report) -> bytes:
    """The document, UTF-8 with its declaration.

    An inconclusive entry is an error of type `inconclusive`. Numbers are properties
    `number.<name>` of their testcase, versions `version.<name>` of every testsuite.
    """
    suites: dict[str, list[TestCase]] = {}
    for entry in report.entries:
        suites.setdefault(_suite_of(entry), []).append(_case(entry))
    shown = any(each.verdict in ("fail", "inconclusive") for each in report.red)
    if report.status == "interrupted" or (report.exit_status and not shown):
        suites.setdefault(report.kind, []).append(_whole(report))
    document = JUnitXml("plumbline" if report.kind == "run" else f"plumbline-{report.kind}")
    for name, cases in suites.items():
        document.append(_suite(name, report, cases))
    document.update_statistics()
    text: bytes = document.tostring()
    # The parser's library may or may not write a declaration of its own.
    return _DECLARATION + (text.partition(b"?>")[2].lstrip() if text[:5] == b"<?xml" else text)


def _suite_of(entry: Entry) -> str:
    return f"{entry.sort} {entry.suite}".strip() if entry.sort else entry.suite


def _suite(name: str, report: Report, cases: list[TestCase]) -> TestSuite:
    suite = TestSuite(one_line(name))
    suite.timestamp = report.began
    suite.append(_properties(report.properties))
    suite.add_testcases(cases)
    return suite


def _case(entry: Entry) -> TestCase:
    name = one_line(f"{entry.key} {entry.sentence}")
    case = TestCase(name, one_line(_suite_of(entry)), max(entry.seconds, 0.0))
    if entry.properties:
        case.append(_properties(entry.properties))
    if entry.verdict != "pass":
        verdict = "skip" if entry.excused else entry.verdict
        result = _RESULTS[verdict](one_line(entry.reason), verdict)
        result.text = printable(entry.reason)
        case.append(result)
    return case


def _whole(report: Report) -> TestCase:
    case = TestCase(report.promise, report.kind, 0.0)
    case.append(Error(one_line(report.headline), report.status))
    return case


def _properties(values: Mapping[str, str]) -> Properties:
    properties = Properties()
    for name, value in values.items():
        properties.add_property(Property(one_line(name), one_line(value)))
    return properties
