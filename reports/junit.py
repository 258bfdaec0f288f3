"""Results as JUnit XML, for what reads that: CI systems and their test tabs.

One testsuite per suite, one testcase per requirement. It never turns a red run green: a run
that is red for a reason no testcase shows gets a testcase of its own that says so.
"""

# junitparser is typed in part only: its calls are let through here, and here alone.
# mypy: untyped-calls-exclude="junitparser"

from __future__ import annotations

from collections.abc import Mapping

from junitparser import Error, Failure, JUnitXml, Property, Skipped, TestCase, TestSuite
from junitparser.junitparser import Properties

from reports.schema import Requirement, Results
from reports.wording import by_suite, headline, one_line, printable

RUN_SUITE = "run"


def junit(results: Results) -> bytes:
    """The document, UTF-8 with its declaration.

    Numbers are properties `number.<name>` of their testcase, versions `version.<name>` of
    every testsuite. An inconclusive requirement is an error of type `inconclusive`.
    """
    document = JUnitXml("plumbline")
    for name, requirements in by_suite(results).items():
        document.append(_suite(name, results, [_case(r) for r in requirements]))
    if results.status == "interrupted" or _red_unseen(results):
        document.append(_suite(RUN_SUITE, results, [_run_case(results)]))
    document.update_statistics()
    return b'<?xml version="1.0" encoding="utf-8"?>\n' + serialised(document)


def serialised(document: JUnitXml) -> bytes:
    text: bytes = document.tostring()
    # The parser's library may or may not write a declaration of its own.
    return text.partition(b"?>")[2].lstrip() if text.startswith(b"<?xml") else text


def _suite(name: str, results: Results, cases: list[TestCase]) -> TestSuite:
    suite = TestSuite(one_line(name))
    suite.timestamp = results.began.isoformat()
    suite.append(properties(_run_properties(results)))
    suite.add_testcases(cases)
    return suite


def _case(requirement: Requirement) -> TestCase:
    name = one_line(f"{requirement.key} {requirement.sentence}")
    case = TestCase(name, one_line(requirement.suite), max(requirement.seconds, 0.0))
    case.append(properties(_case_properties(requirement)))
    if (result := _result(requirement)) is not None:
        case.append(result)
    return case


def _result(requirement: Requirement) -> Failure | Error | Skipped | None:
    reason = one_line(requirement.reason)
    match requirement.verdict:
        case "fail":
            result: Failure | Error | Skipped = Failure(reason, "fail")
        case "inconclusive":
            result = Error(reason, "inconclusive")
        case "skip":
            result = Skipped(reason, "skip")
        case "pass":
            return None
    result.text = printable(requirement.reason)
    return result


def _red_unseen(results: Results) -> bool:
    red = results.count("fail") + results.count("inconclusive")
    return results.exit_status != 0 and not red


def _run_case(results: Results) -> TestCase:
    case = TestCase("the run comes to its end and every requirement passes", RUN_SUITE, 0.0)
    case.append(Error(headline(results), results.status))
    return case


def _case_properties(requirement: Requirement) -> dict[str, str]:
    facts = {
        "requirement": requirement.key,
        "source": requirement.source,
        "test": requirement.test,
        "history": requirement.history,
        "evidence": requirement.evidence,
    }
    numbers = {f"number.{name}": _exact(value) for name, value in requirement.numbers.items()}
    return {name: value for name, value in facts.items() if value} | numbers


def _run_properties(results: Results) -> dict[str, str]:
    facts = {
        "run": results.run,
        "status": results.status,
        "train": results.train,
        "profile": results.profile,
        "manifests": results.manifests,
    }
    return facts | {f"version.{name}": value for name, value in results.versions.items()}


def _exact(value: float | str | bool) -> str:
    # For machines: no grouping, no rounding, booleans as in JSON.
    return str(value).lower() if isinstance(value, bool) else str(value)


def properties(values: Mapping[str, str]) -> Properties:
    properties = Properties()
    for name, value in values.items():
        properties.add_property(Property(one_line(name), one_line(value)))
    return properties
