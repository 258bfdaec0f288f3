"""What is drawn from histories: who called whom, splits, loads; and what costs only a picture."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reports import of_run, traffic
from reports.pictures import splits
from reports.render.html import html
from reports.schema import Results
from reports.traffic import Call
from tests import samples
from tests.test_reports_forms import FOREIGN, HOSTILE, Page

FRONTEND = "cluster.local/ns/default/sa/frontend"
REASON = "api-service-canary answered 200 of 1200 (16.7%, declared 10.0%): too_many"


def line(n: int, **changed: object) -> str:
    backend = "api-service" if n % 6 else "api-service-canary"
    fields: dict[str, object] = {
        "stream": "json", "seq": n, "caller": "pod", "cluster": "aws-cluster",
        "identity": FRONTEND, "sent": 100 + n / 100, "received": 100 + n / 100 + 0.004,
        "url": "http://web.plumbline-x.svc.cluster.local/", "status": 200, "service": backend,
    }  # fmt: skip
    return json.dumps(fields | changed)


def run(folder: Path, *lines: str, **changed: object) -> Results:
    (folder / "CS1.jsonl").write_text("\n".join(lines) + '\n{"window": {}}\n')
    fields = {"history": "CS1.jsonl", "reason": REASON, "numbers": {"pressure": 0.9}}
    entry = samples.requirement("fail", **fields).model_copy(update=changed)
    return samples.results((entry,)).model_copy(update={"stages": ()})


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return run(tmp_path, *map(line, range(1200)))


def test_a_history_is_read_by_stream_and_by_call(results: Results, tmp_path: Path) -> None:
    whole = traffic.read([("canary_split", "CS1", "CS1.jsonl")], tmp_path)
    (stream,) = whole.loads
    assert (stream.label, len(stream.requests)) == ("CS1 json", 1200)
    assert stream.latencies_ms[0] == pytest.approx(4.0)
    host = "web.plumbline-x.svc.cluster.local"
    assert whole.calls == {
        Call("aws-cluster", FRONTEND, host, "api-service", "canary_split"): {"200": 1000},
        Call("aws-cluster", FRONTEND, host, "api-service-canary", "canary_split"): {"200": 200},
    }
    (split,) = splits(of_run.report(results, tmp_path).entries, whole)
    assert (split.backend, split.n, split.declared) == ("api-service-canary", 1200, 0.1)


def test_the_page_draws_the_lab_the_walk_the_load_and_the_pressure(
    results: Results, tmp_path: Path
) -> None:
    drawn = of_run.report(results, tmp_path)
    assert [section.title for section in drawn.sections][:5] == [
        "The lab",
        "CS1: the walk to a decision",
        "Latency of loads",
        "CS1 json: requests a second",
        "Pressure on the machine",
    ]
    page = html(drawn)
    assert page.count("<svg") == 5
    assert "default/frontend of aws-cluster to web.plumbline-x.svc.cluster.local: 1,200" in page
    style = page.partition("<style>")[2].partition("</style>")[0]
    assert f"{drawn.entries[0].took}" == "12 s", "that long its requests were sent"
    assert "--line-5" in style


def test_the_calls_of_the_practices_are_in_pictures_of_their_own(tmp_path: Path) -> None:
    practised = {
        "id": "SD1",
        "suite": "multi_cloud",
        "source": "Best Practices/Multi-Cloud/Service discovery",
        "verdict": "pass",
    }
    own = run(tmp_path, line(1), line(2)).requirements[0]
    titles = {}
    for verdict in ("pass", "fail"):
        both = (
            own.model_copy(update={"verdict": "pass"}),
            own.model_copy(update={**practised, "verdict": verdict}),
        )
        drawn = of_run.report(samples.results(both), tmp_path)
        titles[verdict] = [s.title for s in drawn.sections if s.title.startswith("The lab")]
    assert titles["pass"] == ["The lab", "The lab: multi_cloud"]
    assert titles["fail"] == ["The lab", f"The lab: {own.suite}"]


def test_where_a_first_request_went_wrong_the_line_is_red(tmp_path: Path) -> None:
    url = "http://web.plumbline-x.svc.cluster.local/"
    reason = f"3 of 9 were not served; the first: GET {url} as {FRONTEND}, json 3: 404"
    drawn = of_run.report(run(tmp_path, line(1), line(2), reason=reason), tmp_path)
    assert '<path class="broken"' in html(drawn)
    fine = run(tmp_path, line(1), line(2), reason=reason, verdict="pass")
    assert '<path class="broken"' not in html(of_run.report(fine, tmp_path))


@pytest.mark.parametrize(
    "broken", ["", "{", "[]", '{"sent": 1}', '{"sent": "x", "stream": 1}', "\x00\xff"]
)
def test_a_history_that_cannot_be_read_costs_its_picture_alone(broken: str, tmp_path: Path) -> None:
    drawn = of_run.report(run(tmp_path, broken), tmp_path)
    assert "The lab" not in [section.title for section in drawn.sections]
    assert drawn.headline == "Failed: 1 failed"


@pytest.mark.parametrize("path", ["../CS1.jsonl", "/etc/hostname", "absent.jsonl"])
def test_no_path_of_the_results_leads_out_of_their_folder(path: str, tmp_path: Path) -> None:
    (tmp_path / "CS1.jsonl").write_text(line(1))
    (tmp_path / "run").mkdir()
    assert traffic.read([("canary_split", "CS1", path)], tmp_path / "run").calls == {}


def test_hostile_texts_are_only_text_in_the_pictures_too(tmp_path: Path) -> None:
    texts = dict.fromkeys(("stream", "cluster", "identity", "service", "status"), HOSTILE)
    texts["url"] = f"http://x.{HOSTILE}.svc.cluster.local/"
    lines = [line(n, **texts) for n in range(1100)]
    page = Page(html(of_run.report(run(tmp_path, *lines), tmp_path)))
    assert page.tags.count("svg") >= 3
    assert not FOREIGN & set(page.tags)
    assert page.tags.count("script") == 1
