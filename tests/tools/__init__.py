"""Go programs that the tests run, each a module of its own here, pinned in its go.mod.

Their sources are fetched by `python -m tests.tools`, before the tests: those run where there may
be no network but the lab's.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from clusters.home import Home
from clusters.images import golang
from clusters.process import environment

HERE = Path(__file__).parent


def actionlint(*words: str) -> subprocess.CompletedProcess[str]:
    """Run actionlint, built if need be; its shell checker is the user's, if any."""
    env = {**golang.Toolchain(Home.of_user()).env, "GOFLAGS": "-mod=readonly"}
    return subprocess.run(
        ["go", "tool", "actionlint", *words],
        cwd=HERE / "actionlint",
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
