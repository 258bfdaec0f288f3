"""What is shown: a page of sections, in the terminal and as Markdown. It computes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import rich.table
from rich.console import Console


@dataclass(frozen=True)
class Table:
    """Cells by row. The first column is set flush left, the others flush right."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        rule = ["---", *("---:" for _ in self.columns[1:])]
        return "\n".join(f"| {' | '.join(row)} |" for row in (self.columns, rule, *self.rows))

    def show(self, console: Console) -> None:
        table = rich.table.Table(box=None, pad_edge=False, header_style="dim")
        for number, name in enumerate(self.columns):
            table.add_column(name, justify="right" if number else "left")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)


@dataclass(frozen=True)
class Claim:
    """A sentence that the figures bear out, or do not."""

    holds: bool
    text: str

    def __str__(self) -> str:
        return f"{'✓' if self.holds else '✗'} {self.text}"


@dataclass(frozen=True)
class Section:
    """A part of the page: what to know of the table, the table, a picture, what follows from it."""

    title: str
    text: str
    table: Table
    claims: Sequence[Claim] = ()
    picture: str = ""  # SVG

    def markdown(self, picture: str) -> str:
        """Its text; `picture` is the file that its picture is in."""
        parts = [f"## {self.title}", self.text, self.table.markdown()]
        if self.picture:
            parts.append(f"![{self.title}]({picture})")
        if self.claims:
            parts.append("\n".join(f"- {claim}" for claim in self.claims))
        return "\n\n".join(parts)

    def show(self, console: Console) -> None:
        console.print(f"\n[bold]{self.title}[/]")
        self.table.show(console)
        for claim in self.claims:
            console.print(str(claim), style="green" if claim.holds else "bold red")


@dataclass(frozen=True)
class Page:
    """All of it; at most one of the sections has a picture."""

    title: str
    text: str
    sections: Sequence[Section]

    @property
    def holds(self) -> bool:
        """Whether every claim does."""
        return all(claim.holds for section in self.sections for claim in section.claims)

    def show(self, console: Console) -> None:
        console.print(self.text, style="dim")
        for section in self.sections:
            section.show(console)

    def write(self, path: Path) -> None:
        """Write it as Markdown, with its picture beside it."""
        picture = path.with_suffix(".svg")
        texts = [section.markdown(picture.name) for section in self.sections]
        path.write_text("\n\n".join((f"# {self.title}", self.text, *texts)) + "\n")
        for section in self.sections:
            if section.picture:
                picture.write_text(section.picture)
