"""Least privilege: in a namespace of nothing by default, who reaches what is what is declared."""

from __future__ import annotations

import pytest

from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.least_privilege.declared import CELLS
from suites.least_privilege.matrix import are_as_declared
from suites.least_privilege.subject import Guarded

ZERO_TRUST = "Best Practices/Security/Zero trust"


@pytest.mark.nightly
@requirement("ZT1", source=ZERO_TRUST)
def test_who_reaches_what_is_what_is_declared(judge: Judge, guarded: Guarded) -> None:
    """Of every client, service and port those that both layers declare are served, and the others
    refused by their layer."""
    crossed = guarded.cross()
    judge(crossed.history, are_as_declared(CELLS, crossed))
