"""The command line of the reports: render a run's forms, show it, print the schema.

It reads results.json, or upgrade.json, and writes only beside it (and the step summary, where
one is asked for); `accept` alone writes a baseline. It judges nothing: `show` ends with the
status that the run itself came to.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from clusters.errors import PlumblineError, ResultsError
from clusters.settings import Settings
from reports import cells, gathering
from reports.baseline import BASELINE, BASELINES, accept, base_of
from reports.compare import compare
from reports.of_matrix import merge
from reports.publish import LATEST, append_step_summary, publish, render, report_of
from reports.reading import read, read_any
from reports.render import workflow
from reports.render.terminal import replace_unencodable, show, show_comparison
from reports.schema import Results

BAD_INPUT = 2
OUT = Path(__file__).parent / "out"

_EXAMPLES = """\
examples:
  python -m reports show                        the latest run, in the terminal
  python -m reports show reports/out/RUN        another run
  python -m reports render reports/out/RUN      make its JUnit, Markdown and HTML again
  python -m reports compare OLD NEW             what newly fails, what newly passes
  python -m reports compare NEW                 the same beside the baseline of its train
  python -m reports accept RUN --reason TEXT    commit a run as the baseline of its train
  python -m reports merge DIR --base LAST       a matrix's cells on one page, beside last night's
  python -m reports schema > results.schema.json

exit status:
  0  done; for `show`: every requirement of the run passed
  1  for `show`: the run failed, was inconclusive or was interrupted;
     for `compare`: something that passed no longer does;
     for `merge`: a cell did not pass, or something that passed is no longer asked
  2  the input cannot be used; what was expected, seen and is to be done is printed
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns its exit status."""
    replace_unencodable()
    options = parser().parse_args(arguments)
    commands: dict[str, Callable[[], int]] = {
        "render": lambda: _render(options.directory),
        "show": lambda: _show(options.directory),
        "annotate": lambda: _annotate(options.directory),
        "compare": lambda: _compare(options.base, options.new),
        "accept": lambda: _accept(options.run, options.reason),
        "merge": lambda: _merge(options),
        "schema": _schema,
    }
    try:
        return commands[options.command]()
    except (PlumblineError, OSError) as error:
        text = error.line if isinstance(error, PlumblineError) else error
        print(f"python -m reports {options.command}: {text}", file=sys.stderr)
        return BAD_INPUT


def _render(directory: Path) -> int:
    results = read_any(directory)
    written = [
        *render(report_of(results, directory), directory),
        append_step_summary(results, os.environ),
    ]
    for path in filter(None, written):
        print(path)
    return 0


def _show(directory: Path) -> int:
    report = report_of(read_any(directory))
    show(report, directory)
    return report.exit_status


def _annotate(directory: Path) -> int:
    """Whether the run was red is its own exit status's to say, not this one's."""
    try:
        lines = workflow.of_report(report_of(read_any(directory)))
    except ResultsError as error:
        lines = [workflow.annotation("no results", error.line)]
    for line in lines:
        print(line)
    return 0


def _compare(base: str, new: Path) -> int:
    young = read(new)
    comparison = compare(read(base_of(base, young, BASELINES)), young)
    show_comparison(comparison)
    return 1 if comparison.regressed else 0


def _accept(run: Path, reason: str) -> int:
    accepted = accept(run, reason, BASELINES)
    print(f"{accepted.path} is committed: {accepted.commit}")
    return 0


def _merge(options: argparse.Namespace) -> int:
    plan = cells.from_workflow(options.plan) if options.plan else ()
    matrix = gathering.carry(gathering.gather(options.directory, plan), options.out)
    whole = merge(matrix, options.out, options.base)
    publish(whole, options.out)
    show(report_of(whole), options.out)
    append_step_summary(whole, os.environ)
    if Settings.of_user().github_actions:
        print(*workflow.of_report(report_of(whole)), sep="\n")
    return whole.exit_status


def _schema() -> int:
    print(json.dumps(Results.model_json_schema(), indent=2))
    return 0


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    root = argparse.ArgumentParser(
        prog="python -m reports",
        description="Reports of a run, made from its results.json (docs/results.md).",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name: str, text: str, more: str = "") -> argparse.ArgumentParser:
        described = f"{text[0].upper()}{text[1:]}{more}."
        return commands.add_parser(name, help=text, description=described)

    a_run = "folder of a run or an upgrade"
    results = "a run's folder, or its results.json"
    rendering = command(
        "render",
        "write the JUnit, Markdown and HTML of DIR/results.json or DIR/upgrade.json beside it",
        ", and append the summary to the file that GITHUB_STEP_SUMMARY names, if it is set",
    )
    rendering.add_argument("directory", metavar="DIR", type=Path, help=a_run)
    for each in (
        command("show", "print a run's verdict and requirements; end with the run's status"),
        command("annotate", "print what is red of a run as a workflow's annotations; end with 0"),
    ):
        at, text = OUT / LATEST, f"{a_run}; without it reports/out/latest"
        each.add_argument("directory", metavar="DIR", type=Path, nargs="?", default=at, help=text)
    comparing = command(
        "compare", "print what differs between two runs; end with 1 if anything regressed"
    )
    text = (
        "a run's folder, its results.json, or a train's name for its baseline; without it, "
        f"or `{BASELINE}`, the baseline of NEW's train"
    )
    comparing.add_argument("base", metavar="BASE", nargs="?", default=BASELINE, help=text)
    comparing.add_argument("new", metavar="NEW", type=Path, help=results)
    accepting = command("accept", "commit a run's results.json as the baseline of its train")
    accepting.add_argument("run", metavar="RUN", type=Path, help=results)
    text = "why it is accepted; the commit tells it"
    accepting.add_argument("--reason", metavar="TEXT", default="", help=text)
    text = "write index.html, merged.md and matrix.json of the cells whose folders are given"
    _options_of_merge(command("merge", text))
    command("schema", "print the JSON Schema of results.json")
    return root


def _options_of_merge(merging: argparse.ArgumentParser) -> None:
    folders = "a cell's folder, a folder of such, or a matrix's own"
    merging.add_argument("directory", metavar="DIR", type=Path, nargs="+", help=folders)
    merging.add_argument("--base", metavar="DIR", type=Path, help="an earlier merged report")
    planned = "what `python -m suites matrix --json` printed: a cell without a folder has failed"
    merging.add_argument("--plan", metavar="FILE", type=Path, help=planned)
    out = OUT / "merged"
    merging.add_argument(
        "--out", metavar="DIR", type=Path, default=out, help="(default: reports/out/merged)"
    )


if __name__ == "__main__":
    sys.exit(main())
