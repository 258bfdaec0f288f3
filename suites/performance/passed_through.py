"""What must be true of TLS that a Gateway passes through: it ends at the backend of its name.

Sources: Gateway API, "TLSRoute" and "TLS Configuration" (mode Passthrough: the session is not
terminated at the Gateway); RFC 6066, 3 (server name). Pure.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from fixtures.history.certificates import Chain, Handshake
from fixtures.history.verdict import Verdict, combine, failed, inconclusive, passed
from fixtures.traffic.sealed import Served

SILENT = "TimeoutError"
CUT_OFF = ("ConnectionResetError", "SSLEOFError", "SSLZeroReturnError", "BrokenPipeError")
"""How Python tells that a peer hung up before it had said anything of TLS."""


def ends_at_its_backend(
    shown: Mapping[str, Sequence[Handshake]], own: Mapping[str, str], names: Mapping[str, str]
) -> Verdict:
    """Each handshake shows the certificate of the name's own backend, which is who answers, and
    was asked for that name.

    Args:
        shown: by backend.
        own: the digests of the backends' certificates.
        names: the server names that they are asked for.
    """
    for backend, some in shown.items():
        for handshake in some:
            if handshake.error.startswith(SILENT):
                return inconclusive(f"{names[backend]}: {handshake.error}")
            if problem := _problem(handshake, backend, own[backend], names[backend]):
                return failed(f"{names[backend]}: {problem}")
    count = sum(map(len, shown.values()))
    return passed(f"{count} handshakes ended at {', '.join(shown)}, each with its own certificate")


def _problem(handshake: Handshake, backend: str, own: str, name: str) -> str:
    if not handshake.chain:
        return f"no certificate was shown: {handshake.error}"
    if Chain.parse(handshake.chain).digest != own:
        subject = Chain.parse(handshake.chain).leaf.subject.rfc4514_string()
        return f"the certificate is not that of {backend} but of {subject or 'nobody'}"
    try:
        answer = json.loads(handshake.answer.rpartition("\r\n\r\n")[2])
    except ValueError:
        return f"no answer: {handshake.answer[:60]!r} {handshake.error}".strip()
    expected = {"service": backend, "server_name": name}
    return "" if answer == expected else f"{answer} answered"


def goes_nowhere(shown: Mapping[str, Handshake], served: Mapping[str, Served]) -> Verdict:
    """Whoever asks for another name, or for none, is cut off, and no backend hears of it.

    Args:
        shown: by the name.
        served: what came to the backends.
    """
    verdicts = [_is_cut_off(name, handshake) for name, handshake in shown.items()]
    verdicts += [_hears_its_own(backend, shown, came) for backend, came in served.items()]
    return combine(verdicts)


def _is_cut_off(name: str, handshake: Handshake) -> Verdict:
    if handshake.chain:
        return failed(f"{name} was shown a certificate")
    if handshake.error.startswith(SILENT):
        return inconclusive(f"nothing is known of {name}: {handshake.error}")
    if not handshake.error.startswith(CUT_OFF):
        return failed(f"{name} was not cut off: {handshake.error or 'nothing was said'}")
    return passed(f"{name} was cut off")


def _hears_its_own(backend: str, others: Mapping[str, Handshake], came: Served) -> Verdict:
    """Whether what came to a backend is none of these; that something came is its control."""
    if came.died:
        return inconclusive(f"{backend} ended: {came.died}")
    strange = [name for name in came.names if not name or name in others]
    if strange or came.others:
        said = ", ".join(name or "no name" for name in strange) or "what is no TLS"
        return failed(f"{said} came to {backend}")
    if not came.names:
        return failed(f"nothing came to {backend}")
    return passed(f"{len(came.names)} connections came to {backend}")
