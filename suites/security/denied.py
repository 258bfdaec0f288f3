"""What must be answered to requests that a policy denies, beside those that it lets through.

Sources: Istio, "Authorization Policy" and "Security best practices", "Understand path
normalization"; what it logs of a denial: "Ensure proxies enforce policies correctly" (security
problems). Envoy's own 400 is for what it takes for no path at all. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from fixtures.checks import RBAC_BODY
from fixtures.history.certificates import Handshake
from fixtures.history.verdict import Verdict, failed, inconclusive, passed

BY_NONE = "none"
"""What the log has in place of a policy where none of them allows a request."""


def are_denied(
    shown: Mapping[str, Handshake], arrived: Collection[str], served: Collection[str]
) -> Verdict:
    """All requests but those that are to be served are denied by RBAC, or refused as none.

    Args:
        shown: by the request's name, what was answered.
        arrived: the names of those that the workload has in its log.
    """
    denied = [name for name in shown if name not in served]
    through = [name for name in denied if name in arrived or _status(shown[name]) == "200"]
    if through:
        return failed(f"let through: {', '.join(through)}")
    for name in served:
        if name not in arrived or _status(shown[name]) != "200":
            return failed(f"{name} was not served: {_told(shown[name])}")
    odd = [name for name in denied if not _is_denied(shown[name])]
    if odd:
        return inconclusive(f"neither denied nor let through: {odd[0]}: {_told(shown[odd[0]])}")
    return passed(f"{len(denied)} were denied, and {', '.join(served)} served")


def are_logged(logged: Mapping[str, str], wanted: Mapping[str, str]) -> Verdict:
    """The log names for each denied request the policy that denied it.

    Args:
        logged: by the request's name, its line in the log of the workload's proxy.
        wanted: by the request's name, that of the policy, or `BY_NONE`.
    """
    for name, policy in wanted.items():
        if name not in logged:
            return inconclusive(f"the proxy has {name} not in its log")
        said = denier(logged[name])
        if said != policy:
            return failed(f"{name} was denied by {policy}, and the log says {said or 'nothing'}")
    return passed(f"the log names the policies of {len(wanted)} denials")


def denier(line: str) -> str:
    """The policy that a line of a proxy's log says denied its request; empty if it says none."""
    said = re.search(r"rbac_access_denied_matched_policy\[(?:ns\[.*?\]-policy\[(.*?)\]|none)", line)
    return (said[1] or BY_NONE) if said else ""


def _is_denied(handshake: Handshake) -> bool:
    by_rbac = _status(handshake) == "403" and handshake.answer.rstrip().endswith(RBAC_BODY)
    return by_rbac or _status(handshake) == "400"


def _status(handshake: Handshake) -> str:
    return handshake.answer.partition(" ")[2][:3]


def _told(handshake: Handshake) -> str:
    return handshake.error or repr(handshake.answer[:60]) or "no answer"
