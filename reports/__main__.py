"""The command line of the reports: render a run's forms, show it, print the schema.

It reads results.json and writes only beside it (and the step summary, where one is asked
for). It judges nothing: `show` ends with the status that the run itself came to.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from reports import cells, gathering, merged_forms
from reports.compare import compare
from reports.merged import merged
from reports.publish import LATEST, append, append_step_summary, render
from reports.reading import Unreadable, read
from reports.schema import Results
from reports.terminal import show, show_comparison

BAD_INPUT = 2
OUT = Path(__file__).parent / "out"

_EXAMPLES = """\
examples:
  python -m reports show                        the latest run, in the terminal
  python -m reports show reports/out/RUN        another run
  python -m reports render reports/out/RUN      make its JUnit, Markdown and HTML again
  python -m reports compare OLD NEW             what newly fails, what newly passes
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
    asked = _parser().parse_args(arguments)
    try:
        if asked.command == "render":
            return _render(asked.directory)
        if asked.command == "show":
            return _show(asked.directory)
        if asked.command == "compare":
            return _compare(asked.base, asked.new)
        if asked.command == "merge":
            return _merge(asked)
        return _schema()
    except (Unreadable, OSError) as error:
        print(f"python -m reports {asked.command}: {error}", file=sys.stderr)
        return BAD_INPUT


def _render(directory: Path) -> int:
    results = read(directory)
    written = [*render(results, directory), append_step_summary(results, os.environ)]
    for path in filter(None, written):
        print(path)
    return 0


def _show(directory: Path) -> int:
    results = read(directory)
    show(results, directory)
    return results.exit_status


def _compare(base: Path, new: Path) -> int:
    found = compare(*(read(path.parent if path.is_file() else path) for path in (base, new)))
    show_comparison(found)
    return 1 if found.regressed else 0


def _merge(asked: argparse.Namespace) -> int:
    plan = cells.from_workflow(asked.plan) if asked.plan else ()
    matrix = gathering.carry(gathering.gather(asked.directory, plan), asked.out)
    found = merged(matrix, asked.out, asked.base)
    merged_forms.publish(found, asked.out)
    merged_forms.show(found, asked.out)
    append(merged_forms.markdown(found), os.environ)
    if os.environ.get("GITHUB_ACTIONS"):
        print(*merged_forms.errors_of(found), sep="\n")
    return found.exit_status


def _schema() -> int:
    print(json.dumps(Results.model_json_schema(), indent=2))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reports",
        description="Reports of a run, made from its results.json (docs/results.md).",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    text = "write junit.xml, summary.md and report.html beside DIR/results.json"
    rendering = commands.add_parser(
        "render",
        help=text,
        description=f"{text[0].upper()}{text[1:]}, and append the summary to the file that "
        "GITHUB_STEP_SUMMARY names, if it is set.",
    )
    rendering.add_argument("directory", metavar="DIR", type=Path, help="folder of a run")
    text = "print a run's verdict and requirements; end with the run's status"
    showing = commands.add_parser("show", help=text, description=text.capitalize() + ".")
    showing.add_argument(
        "directory",
        metavar="DIR",
        type=Path,
        nargs="?",
        default=OUT / LATEST,
        help="folder of a run; without it reports/out/latest",
    )
    text = "print what differs between two runs; end with 1 if anything regressed"
    comparing = commands.add_parser("compare", help=text, description=text.capitalize() + ".")
    for name in ("base", "new"):
        comparing.add_argument(
            name, metavar=name.upper(), type=Path, help="a run's folder, or its results.json"
        )
    _options_of_merge(commands)
    text = "print the JSON Schema of results.json"
    commands.add_parser("schema", help=text, description=f"P{text[1:]}.")
    return parser


def _options_of_merge(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "write index.html, merged.md and matrix.json of the cells whose folders are given"
    merging = commands.add_parser("merge", help=text, description=text.capitalize() + ".")
    folders = "a cell's folder, a folder of such, or a matrix's own"
    merging.add_argument("directory", metavar="DIR", type=Path, nargs="+", help=folders)
    merging.add_argument("--base", metavar="DIR", type=Path, help="an earlier merged report")
    planned = "what `python -m suites matrix --json` printed: a cell without a folder has failed"
    merging.add_argument("--plan", metavar="FILE", type=Path, help=planned)
    merging.add_argument(
        "--out", metavar="DIR", type=Path, default=OUT / "merged", help="reports/out/merged"
    )


if __name__ == "__main__":
    sys.exit(main())
