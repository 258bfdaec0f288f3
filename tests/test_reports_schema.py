"""The schema of results.json: what is written is read back, what it refuses, what its doc says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from clusters import models
from clusters.errors import ResultsError
from reports import schema
from reports.reading import FILE, read
from reports.schema import Results
from tests import samples

DOC = Path(__file__).parents[1] / "docs" / "results.md"
MODELS: tuple[type[BaseModel], ...] = (
    schema.Results,
    schema.Requirement,
    models.Image,
    models.Machine,
    schema.Stage,
    schema.Load,
)
NUMBERS = st.one_of(
    st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(), st.booleans()
)


def changed(directory: Path, **fields: object) -> Path:
    """A run's folder whose results.json has some fields otherwise; None takes a field away."""
    written = json.loads(samples.results().model_dump_json()) | fields
    kept = {name: value for name, value in written.items() if value is not None}
    (directory / FILE).write_text(json.dumps(kept))
    return directory


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    results = samples.results()
    results.save(tmp_path / FILE)
    assert read(tmp_path) == results
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@given(reason=st.text(), numbers=st.dictionaries(st.text(), NUMBERS))
def test_texts_and_numbers_survive(
    reason: str, numbers: dict[str, int | float | str | bool]
) -> None:
    results = samples.results((samples.requirement("fail", reason=reason, numbers=numbers),))
    again = Results.model_validate_json(results.model_dump_json())
    assert again == results
    types = [type(value) for value in again.requirements[0].numbers.values()]
    assert types == [type(value) for value in numbers.values()]


def test_another_version_is_refused_before_all_else(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"schema version 1\n.* 2\n.*read it with"):
        read(changed(tmp_path, schema_version=2, run=None, more="than we know"))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"run": None}, "run: Field required"),
        ({"verdict": "pass"}, "verdict: Extra inputs"),
        ({"status": "green"}, "status: Input should be 'passed', 'failed' or 'interrupted'"),
        ({"status": "passed"}, "status passed with 1 failed and 1 inconclusive of 18"),
        ({"status": "passed", "requirements": []}, "0 failed and 0 inconclusive of 0"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, fields: dict[str, object], told: str) -> None:
    with pytest.raises(ResultsError, match=re.escape(told)):
        read(changed(tmp_path, **fields))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"\xff\xfe"])
def test_what_is_no_results_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ResultsError, match=r"expected: .*\nseen: "):
        read(tmp_path)


def test_no_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"No such file.*\n.*make e2e"):
        read(tmp_path / "nothing")


def test_a_skip_that_the_profile_allows_can_pass(tmp_path: Path) -> None:
    requirements = (samples.requirement(), samples.requirement("skip", id="CS2"))
    results = samples.results(requirements, "passed")
    results.save(tmp_path / FILE)
    assert read(tmp_path).exit_status == 0


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_doc_has_every_field_and_no_other(model: type[BaseModel]) -> None:
    assert documented(model.__name__) == list(model.model_fields)


@pytest.mark.parametrize(
    ("model", "field", "values"),
    [
        ("Results", "status", get_args(schema.RunStatus)),
        ("Requirement", "verdict", get_args(schema.Status)),
        ("Results", "schema_version", (str(schema.SCHEMA),)),
    ],
)
def test_the_doc_has_every_value(model: str, field: str, values: tuple[str, ...]) -> None:
    row = next(line for line in section(model) if line.startswith(f"| `{field}` |"))
    kind = row.split("|")[2]
    assert tuple(value.strip(" `") for value in kind.split(",")) == values


def documented(title: str) -> list[str]:
    """The fields in a section's first table."""
    return [match[1] for line in section(title) if (match := re.match(r"\| `(\w+)` \|", line))]


def section(title: str) -> list[str]:
    """The lines from a second-level heading up to the next heading."""
    text = DOC.read_text(encoding="utf-8").partition(f"\n## {title}\n")[2]
    return re.split(r"\n##", text, maxsplit=1)[0].splitlines()


def test_a_mark_before_the_text_is_no_part_of_it(tmp_path: Path) -> None:
    place = changed(tmp_path)
    (place / FILE).write_bytes(b"\xef\xbb\xbf" + (place / FILE).read_bytes())
    assert read(place) == samples.results()


def test_a_requirement_stands_in_a_run_once(tmp_path: Path) -> None:
    twice = [json.loads(samples.requirement().model_dump_json())] * 2
    with pytest.raises(ResultsError, match="CS1 stands there twice"):
        read(changed(tmp_path, requirements=twice))


def test_a_moment_has_its_offset_from_utc(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="began: Input should have timezone info"):
        read(changed(tmp_path, began="2026-11-20T09:14:03"))
