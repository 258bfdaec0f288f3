"""docs/settings.md: every variable of the environment, and the options of every command.

Made from `clusters.settings` and from the parsers themselves, so that it cannot say anything
else than they do; `python -m suites.settings_page` writes it. It decides and checks nothing.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, get_args

from clusters import __main__ as clusters
from clusters.files import write
from clusters.settings import INNER, OTHERS, OURS, ROOT, Settings
from fixtures.plugin.options import pytest_addoption
from reports import __main__ as reports
from suites import __main__ as suites

PAGE = ROOT / "docs" / "settings.md"
COMMAND = "python -m suites.settings_page"
ABOUT = f"""# Settings and options

Written by `{COMMAND}`; do not edit it. A command's option goes before the
variable that says the same, and `make TARGET VARIABLE=value` sets a variable.
"""
ELSEWHERE = """
Not read here: the variables of proxies (`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) are
for what fetches from elsewhere, and are kept from all that talks to the clusters; so is
`KUBECONFIG`. `PLUMBLINE_LOAD` is for a program in a pod.
"""
MADE = re.compile(r"^([a-z0-9-]+):(?!.*export).*? ## (.*)$", re.MULTILINE)


def page() -> str:
    """The whole page, as Markdown."""
    return "\n".join(
        [
            ABOUT,
            "## Environment\n",
            *_variables(OURS),
            f"\n### {OTHERS.capitalize()}\n",
            *_variables(OTHERS),
            f"\n### {INNER.capitalize()}\n",
            *_variables(INNER),
            ELSEWHERE,
            "## make\n",
            *_table(("target", "what it does"), _targets()),
            *(
                line
                for module in (suites, clusters, reports)
                for line in _commands(module.parser())
            ),
            "\n## pytest\n",
            "In `suites/`, beside pytest's own.\n",
            *_table(("option", "meaning"), _pytest()),
            "",
        ]
    )


def _variables(whose: str) -> Iterator[str]:
    rows = (
        (f"`{field.validation_alias}`", _type(field.annotation), _default(field.default),
         field.description or "")
        for field in Settings.declared(whose)
    )  # fmt: skip
    return _table(("variable", "type", "default", "meaning"), rows)


def _type(annotation: Any) -> str:
    names = {str: "text", bool: "yes or no", Path: "path"}
    kinds = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    return ", ".join(names[kind] for kind in kinds if kind is not type(None))


def _default(value: object) -> str:
    if value in (None, "", False):
        return ""
    return f"`{value.relative_to(ROOT) if isinstance(value, Path) else value}`"


def _targets() -> Iterator[tuple[str, str]]:
    for name, text in MADE.findall((ROOT / "Makefile").read_text(encoding="utf-8")):
        yield f"`make {name}`", text


def _commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    """A section for a program, with a table for each command that has options."""
    yield f"\n## {parser.prog}"
    (commands,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    plain = []
    for name, command in commands.choices.items():
        rows = list(_options(command))
        if not rows:
            plain.append((f"`{name}`", command.description or ""))
            continue
        yield f"\n### {name}\n"
        yield f"{_sentence(command.description or '')}\n"
        yield from _table(("option", "meaning"), rows)
    if plain:
        yield "\n### without options\n"
        yield from _table(("command", "what it does"), plain)


def _options(command: argparse.ArgumentParser) -> Iterator[tuple[str, str]]:
    for action in command._actions:
        if action.help == argparse.SUPPRESS or isinstance(action, argparse._HelpAction):
            continue
        name = action.option_strings[-1] if action.option_strings else ""
        value = "" if action.nargs == 0 else str(action.metavar or action.dest.upper())
        yield f"`{' '.join(filter(None, (name, value)))}`", action.help or ""


def _pytest() -> Iterator[tuple[str, str]]:
    """The options of our plugin, as it adds them."""
    added: list[tuple[str, str]] = []

    class Group:
        def addoption(self, name: str, **given: Any) -> None:
            value = given.get("metavar", name.removeprefix("--").upper())
            shown = name if "action" in given else f"{name} {value}"
            added.append((f"`{shown}`", given["help"]))

        def getgroup(self, *_: str) -> Group:
            return self

    pytest_addoption(Group())  # type: ignore[arg-type]
    yield from added


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].removesuffix(".") + "."


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"


if __name__ == "__main__":
    write(PAGE, page())
