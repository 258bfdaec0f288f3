"""Comparison: what differs is named, what does not is not, and only a loss is a regression."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import __main__ as command
from reports.compare import Comparison, compare
from reports.schema import Results, Status
from tests import samples

VERDICTS = st.sampled_from(["pass", "fail", "inconclusive", "skip"])


def run(name: str = "run", /, **verdicts: Status) -> Results:
    requirements = tuple(samples.requirement(v, id=key, variant="") for key, v in verdicts.items())
    return samples.results(requirements).model_copy(update={"run": name})


def changes(comparison: Comparison) -> dict[str, str]:
    return {row.key: row.change for row in comparison.rows}


def test_every_change_has_its_name() -> None:
    base = run(A="pass", B="pass", C="fail", D="fail", E="pass")
    new = run(A="pass", B="inconclusive", C="pass", D="skip", F="pass")
    assert changes(compare(base, new)) == {
        "A": "still green",
        "B": "regression",
        "C": "fix",
        "D": "still red",
        "E": "gone",
        "F": "new",
    }


@pytest.mark.parametrize(
    ("base", "new", "regressed"),
    [
        (run(A="pass"), run(A="pass"), False),
        (run(A="pass"), run(A="fail"), True),
        (run(A="pass"), run(A="skip"), True),
        (run(A="pass", B="pass"), run(A="pass"), True),
        (run(A="pass"), run(A="pass", B="fail"), False),
        (run(A="skip"), run(A="fail"), True),
        (run(A="skip"), run(A="inconclusive"), True),
        (run(A="skip"), run(A="skip"), False),
        (run(A="fail"), run(A="fail"), False),
        (run(A="fail"), run(A="pass"), False),
    ],
)
def test_only_what_was_not_red_and_now_is_is_a_regression(
    base: Results, new: Results, regressed: bool
) -> None:
    assert compare(base, new).regressed is regressed


@given(st.dictionaries(st.sampled_from("ABCDE"), VERDICTS))
def test_a_run_beside_itself_shows_nothing(verdicts: dict[str, Status]) -> None:
    same = compare(run(**verdicts), run(**verdicts))
    assert not same.regressed
    assert set(changes(same).values()) <= {"still green", "still red"}
    assert not same.shifts
    assert not same.warnings


@pytest.mark.parametrize(
    ("base", "new", "n", "shifts"),
    [
        (10.0, 24.9, 1_000, 0),
        (10.0, 25.0, 1_000, 1),
        (25.0, 10.0, 1_000, 1),
        (10.0, 25.0, 999, 0),
        (2.0, 6.9, 1_000, 0),
        (2.0, 7.0, 1_000, 1),
        (100.0, 249.0, 1_000, 0),
        (10.0, 25.0, "many", 0),
    ],
)
@pytest.mark.parametrize("group", ["", "allowed."])
def test_only_a_loads_median_is_compared_and_beyond_the_noise_of_two_runs(
    group: str, base: float, new: float, n: int | str, shifts: int
) -> None:
    runs = [
        samples.results(
            (samples.requirement(id="A", numbers={f"{group}p50_ms": value, f"{group}n": n}),)
        )
        for value in (base, new)
    ]
    assert len(compare(*runs).shifts) == shifts


def test_what_makes_two_runs_unlike_is_told() -> None:
    base = run(A="pass")
    other = {"machine": base.machine.model_copy(update={"cores": 64}), "manifests": "mine"}
    versions = {**base.versions, "istio": "1.32.0"}
    new = base.model_copy(update={**other, "versions": versions, "status": "interrupted"})
    warnings = compare(base, new).warnings
    assert len(warnings) == 4
    assert "istio 1.31.0 became 1.32.0" in warnings


def test_the_command_is_red_on_a_regression_and_tells_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, results in (("base", run("old", A="pass")), ("new", run("young", A="fail"))):
        results.save(tmp_path / name / "results.json")
    arguments = ["compare", str(tmp_path / "base"), str(tmp_path / "new")]
    assert command.main(arguments) == 1
    output = capsys.readouterr().out
    assert "regression" in output
    assert "1 regression" in output
    assert command.main([*arguments[:2], arguments[1]]) == 0
    assert command.main(["compare", str(tmp_path / "base" / "results.json"), arguments[1]]) == 0
    assert command.main(["compare", str(tmp_path / "none"), arguments[1]]) == 2
