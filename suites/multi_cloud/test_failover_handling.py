"""Multi-cloud, failover: whom clients prefer while all are healthy, and who answers otherwise."""

from __future__ import annotations

from functools import partial

from fixtures.checks import every
from fixtures.history import History
from fixtures.plugin.judge import Judge
from fixtures.plugin.requirements import requirement
from suites.multi_cloud.served import at_home, served_across
from suites.multi_cloud.subject import ACROSS, COUNT, PREFER, Everywhere, call_name

FAILOVER = "Best Practices/Multi-Cloud/Failover handling"


@requirement("FO4", source=FAILOVER)
def test_nothing_leaves_a_healthy_cluster(
    judge: Judge, everywhere: Everywhere, preferred: History
) -> None:
    """While the pods of its own cluster are healthy not one request leaves it, with failover on."""
    own = at_home(everywhere, partial(call_name, PREFER), ACROSS, COUNT)
    judge(preferred, every(*own, served_across(everywhere)))
