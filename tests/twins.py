"""Forbidden twins: words that mean what another word of the glossary means already.

The docs must have none of them. In the code, those of today may only become fewer:
`tests/twins.json` has how many there are, and `python -m tests.twins` lowers it to what is left.
It never raises a number.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
ALLOWED = ROOT / "tests" / "twins.json"
OWN = ("tests/twins.py", "tests/twins.json", "tests/test_glossary.py", "docs/glossary.md")
# Their words are those of the code.
GENERATED = ("docs/bench.md", "docs/requirements.md", "docs/settings.md")
CODE = ("clusters", "fixtures", "suites", "reports", "tests")
KINDS = {".py", ".toml", ".yaml", ".j2", ".jinja"}


@dataclass(frozen=True)
class Twin:
    """A word, what to say instead, and the expression that finds it.

    A word of letters is also found as a part of a name: `caller` in `caller_of` and `CallerId`.
    """

    word: str
    say: str
    expression: str = ""
    prose: bool = True  # whether the docs are searched for it too

    def count(self, text: str) -> int:
        return len(re.findall(self.expression or _as_part(self.word), text))


def _as_part(word: str) -> str:
    letter = f"[{word[0].upper()}{word[0]}]"
    return rf"(?<![A-Za-z]){letter}{word[1:]}s?(?![a-z])"


TWINS = (
    Twin(
        "mesh",
        "service mesh, or ClusterMesh",
        r"(?<![Ss]ervice )(?<!service_)(?<![A-Za-z-])[Mm]esh(?!ID|Config|[a-z-]|\.(?!py\b)\w)",
    ),
    Twin("caller", "client pod"),
    Twin("station", "probe source"),
    Twin("question", "probe"),
    Twin("demand", "expectation"),
    Twin("episode", "outage"),
    Twin("kept connection", "keep-alive connection", r"(?i:\bkept connection)|\bKEPT\b|_kept\b"),
    Twin("lane", "scheduling scope"),
    Twin("post", "monitor process", r"(?<![A-Za-z.-])(?:[Pp]osts?|Post)(?![A-Za-z_-])"),
    Twin("watcher", "monitor"),
    Twin("sight", "coverage"),
    Twin("pace", "adaptive rate"),
    Twin("vitals", "client health"),
    Twin("beat", "heartbeat"),
    Twin("last words", "summary record", r"(?i)\blast[ _]words?\b"),
    Twin("maker", "fault injection"),
    Twin("forge", "image builder", r"(?<!IMAGES=)(?<![A-Za-z])[Ff]org(?:e[sd]?|ing)(?![a-z])"),
    Twin("drawing", "sampling"),
    Twin("both", "combine", r"\bboth\(", prose=False),
    Twin("twin", "positive control", r"(?<![\w.])twin\b"),
    *(
        Twin(word, "the noun that it is", rf"(?m)^\s*{word}(?:: [^=\n]+)? = ", prose=False)
        for word in ("told", "found", "asked", "made", "given", "seen")
    ),
)


def key(twin: Twin) -> str:
    """A word's name in the file of counts; a variable's is told from an argument's."""
    return f"{twin.word} = " if twin.say.startswith("the noun") else twin.word


def prose(text: str) -> str:
    """Markdown without code, addresses of links, and comments: those quote what is elsewhere."""
    text = re.sub(r"(?ms)^```.*?^```", "", text)
    text = re.sub(r"(?s)<!--.*?-->", "", text)
    text = re.sub(r"`[^`\n]*`", "", text)
    return re.sub(r"\]\([^)]*\)", "]", text)


def documents() -> Iterator[tuple[str, str]]:
    """Path and prose of each document that is ours to word."""
    for path in sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]):
        if (name := path.relative_to(ROOT).as_posix()) not in OWN + GENERATED:
            yield name, prose(path.read_text(encoding="utf-8"))


def sources() -> Iterator[tuple[str, str]]:
    """Path and text of each file of code; the path is a part of the text."""
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            ours = path.suffix in KINDS and name not in OWN and "/out/" not in name
            ours = ours and path.name != "values.yaml"  # its words are those of the kinds
            if ours and path.is_file():
                yield name, f"{name}\n{path.read_text(encoding='utf-8')}"


def places(twin: Twin, files: Iterable[tuple[str, str]]) -> Counter[str]:
    """How often a word is in each file that has it."""
    return Counter({name: number for name, text in files if (number := twin.count(text))})


def allowed() -> dict[str, int]:
    counts: dict[str, int] = json.loads(ALLOWED.read_text(encoding="utf-8"))
    return counts


def lowered(counts: dict[str, int], files: Iterable[tuple[str, str]]) -> dict[str, int]:
    """The counts, each lowered to what is left; a word that is gone has none."""
    texts = list(files)
    left = {key(twin): places(twin, texts).total() for twin in TWINS}
    lower = {word: min(number, left.get(word, 0)) for word, number in counts.items()}
    return {word: number for word, number in lower.items() if number}


def main() -> int:
    """Lower the counts to those of today."""
    counts = lowered(allowed(), sources())
    ALLOWED.write_text(json.dumps(counts, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
