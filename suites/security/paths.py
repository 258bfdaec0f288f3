"""What must be answered to paths that lead to what is denied, however they are written.

Sources: Istio, "Security best practices", "Understand path normalization"; Envoy's own 400 is for
what it takes for no path at all. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fixtures.checks import RBAC_BODY
from fixtures.history.certificates import Handshake
from fixtures.history.verdict import Verdict, failed, inconclusive, passed


def are_denied(shown: Mapping[str, Handshake], arrived: Collection[str], public: str) -> Verdict:
    """All paths but the public one are denied by RBAC, or refused as none; that one is served.

    Args:
        shown: by path, what was answered.
        arrived: the paths whose request the workload has in its log.
    """
    denied = [path for path in shown if path != public]
    through = [path for path in denied if path in arrived or _status(shown[path]) == "200"]
    if through:
        return failed(f"let through: {', '.join(through)}")
    if public not in arrived or _status(shown[public]) != "200":
        return failed(f"{public} was not served: {_told(shown[public])}")
    odd = [path for path in denied if not _is_denied(shown[path])]
    if odd:
        return inconclusive(f"neither denied nor let through: {odd[0]}: {_told(shown[odd[0]])}")
    return passed(f"{len(denied)} paths were denied, and {public} was served")


def _is_denied(handshake: Handshake) -> bool:
    by_rbac = _status(handshake) == "403" and handshake.answer.rstrip().endswith(RBAC_BODY)
    return by_rbac or _status(handshake) == "400"


def _status(handshake: Handshake) -> str:
    return handshake.answer.partition(" ")[2][:3]


def _told(handshake: Handshake) -> str:
    return handshake.error or repr(handshake.answer[:60]) or "no answer"
