"""An OCI runtime for machines whose bounding set lacks CAP_SYS_RESOURCE.

Takes that capability out of what Docker asks for, then becomes runc. Docker starts it once
for each step of a container's life, so it imports nothing but the standard library.
Format: OCI runtime specification, config.md, `process.capabilities`.
"""

from __future__ import annotations

import json
import os
import sys

MISSING = "CAP_SYS_RESOURCE"


def value_of(flag: str, argv: list[str]) -> str | None:
    """The value of a flag, given as `--flag value` or `--flag=value`."""
    for position, word in enumerate(argv):
        if word == flag and position + 1 < len(argv):
            return argv[position + 1]
        if word.startswith(f"{flag}="):
            return word.partition("=")[2]
    return None


def without_capability(process: dict[str, object]) -> dict[str, object]:
    """The process of a specification, its capability sets without the missing one."""
    sets = process.get("capabilities")
    if not isinstance(sets, dict):
        return process
    kept = {name: [cap for cap in caps if cap != MISSING] for name, caps in sets.items()}
    return {**process, "capabilities": kept}


def rewrite(path: str, *, bundle: bool) -> None:
    """Rewrite a bundle's config.json, or the process file of an exec, in place."""
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - pathlib doubles the start-up time of this program
        document = json.load(file)
    if bundle:
        document["process"] = without_capability(document["process"])
    else:
        document = without_capability(document)
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
        json.dump(document, file)


def main(argv: list[str]) -> None:
    """Mend what this call hands to runc, and become runc."""
    if "create" in argv or "run" in argv:
        rewrite(os.path.join(value_of("--bundle", argv) or ".", "config.json"), bundle=True)  # noqa: PTH118
    elif "exec" in argv and (process := value_of("--process", argv)):
        rewrite(process, bundle=False)
    os.execvp("runc", ["runc", *argv])  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
