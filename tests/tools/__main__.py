"""Fetch and build what the tests run, where there is a Go: the tests need no network then."""

from __future__ import annotations

import sys

from clusters.images import golang
from tests.tools import actionlint

if golang.is_installed():
    done = actionlint("-version")
    if done.returncode:
        print(f"expected: actionlint built\nseen:     {done.stderr.strip()}", file=sys.stderr)
    sys.exit(done.returncode)
