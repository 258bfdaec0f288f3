"""What must be true of a Gateway that has a certificate for each of its hosts.

Sources: Gateway API, "TLS Configuration" (a listener's certificateRefs are of its hostname); RFC
9325 (BCP 195), 3.1: TLS 1.0 and 1.1 are not negotiated; RFC 8446, 6.2: protocol_version is the
alert for a version that is recognized and not supported. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fixtures.history.certificates import Chain, Handshake, Series, Shown
from fixtures.history.verdict import Number, Verdict, combine, failed, inconclusive, passed

OLD = "TLSv1_1"
VERSIONS = {"TLSv1_2": "TLSv1.2", "TLSv1_3": "TLSv1.3"}
"""Those that are to be taken: as Python calls them, and as a handshake tells them."""
SERVED = "HTTP/1.1 200 "
FOR_ITS_VERSION = "ALERT_PROTOCOL_VERSION"
"""How OpenSSL tells that alert when it comes from the peer."""
NOT_OFFERED = ("NO_PROTOCOLS_AVAILABLE", "NO_CIPHERS_AVAILABLE")
"""How it tells that nothing was sent, as the client has no such version itself."""
CUT_OFF = ("ConnectionResetError", "SSLEOFError", "SSLZeroReturnError", "BrokenPipeError")
UNKNOWN_NAME = "UNRECOGNIZED_NAME"
"""RFC 6066, 3: the alert for a server name that is not known; to hang up says as much."""
SILENT = "TimeoutError"


@dataclass(frozen=True)
class Renewed:
    """Handshakes with all hosts, one after another, while the certificate of one is renewed.

    Attributes:
        hosts: in the order of their numbers in the series; the first is the one that is renewed.
        before, after: the digests of their certificates.
    """

    series: Series
    hosts: Sequence[str]
    before: Mapping[str, str]
    after: Mapping[str, str]


def shows_its_own(shown: Mapping[tuple[str, str], Handshake], own: Mapping[str, str]) -> Verdict:
    """Each host shows its own certificate over each version that it must take, and serves.

    Args:
        shown: by host and version, as Python calls that.
        own: the digests of the certificates, by host.
    """
    for (host, version), handshake in shown.items():
        if handshake.error.startswith(SILENT):
            return inconclusive(f"{host} over {version}: {handshake.error}")
        if problem := _problem(handshake, own[host], VERSIONS[version]):
            return failed(f"{host} over {version}: {problem}")
    return passed(f"{len(shown)} handshakes with {len(own)} hosts, each with its own certificate")


def _problem(handshake: Handshake, own: str, version: str) -> str:
    if not handshake.chain:
        return f"no certificate, {handshake.error or 'and nothing else'}"
    if Chain.parse(handshake.chain).digest != own:
        return "the certificate is not its own"
    if handshake.version != version:
        return f"{handshake.version} was taken"
    if not handshake.answer.startswith(SERVED):
        return f"it was not served: {handshake.answer[:60]!r} {handshake.error}".strip()
    return ""


def refuses_the_old(shown: Mapping[str, Handshake]) -> Verdict:
    """No host takes TLS 1.1, and each says that this is why.

    That alert is the control too: it answers a client that did offer it.
    """
    for host, handshake in shown.items():
        error = handshake.error
        if handshake.version:
            return failed(f"{host} took {handshake.version}")
        if error.startswith(SILENT) or any(word in error for word in NOT_OFFERED):
            return inconclusive(f"nothing is known of TLS 1.1 at {host}: {error}")
        if FOR_ITS_VERSION not in error:
            return failed(f"{host} did not refuse TLS 1.1 for its version: {error}")
    return passed(f"{len(shown)} hosts refused TLS 1.1 for its version")


def knows_no_other(shown: Mapping[str, Handshake]) -> Verdict:
    """Whoever asks for another name, or for none, is cut off and shown nothing."""
    for name, handshake in shown.items():
        error = handshake.error
        if handshake.chain:
            subject = Chain.parse(handshake.chain).leaf.subject.rfc4514_string()
            return failed(f"{name} is known: {subject} was shown")
        if error.startswith(SILENT):
            return inconclusive(f"nothing is known of {name}: {error}")
        if not error.startswith(CUT_OFF) and UNKNOWN_NAME not in error:
            return failed(f"{name} was not cut off: {error or 'nothing was said'}")
    return passed(f"{', '.join(shown)}: cut off")


def is_renewed(renewed: Renewed, within: float) -> Verdict:
    """The new certificate is in force within so many seconds, and no handshake fails meanwhile.

    The time is counted from the first handshake, which is before the change.
    """
    if renewed.series.died:
        return inconclusive(f"who shook hands ended: {renewed.series.died}")
    first, *others = renewed.hosts
    verdicts = [_undisturbed(renewed, host) for host in renewed.hosts]
    verdicts += [_shows(renewed, host, {renewed.before[host]}) for host in others]
    verdicts.append(_shows(renewed, first, {renewed.before[first], renewed.after[first]}))
    verdicts.append(_in_force(renewed, first, within))
    return combine(verdicts)


def _of(renewed: Renewed, host: str) -> tuple[Shown, ...]:
    return renewed.series.of(list(renewed.hosts).index(host))


def _undisturbed(renewed: Renewed, host: str) -> Verdict:
    every = _of(renewed, host)
    wrong = [each for each in every if each.error or not each.own]
    said = f"{len(wrong)} of {len(every)} handshakes with {host} failed"
    if not every:
        return inconclusive(f"nobody shook hands with {host}")
    if not wrong:
        return passed(f"{len(every)} handshakes with {host}")
    said = f"{said}; the first: {wrong[0].error or 'no certificate'}"
    is_silence = all(each.error.startswith(SILENT) for each in wrong)
    return inconclusive(said) if is_silence else failed(said)


def _shows(renewed: Renewed, host: str, allowed: set[str]) -> Verdict:
    others = [each for each in _of(renewed, host) if each.own and each.own not in allowed]
    if others:
        return failed(f"{len(others)} times {host} showed a certificate that is not its own")
    return passed(f"{host} showed its own")


def _in_force(renewed: Renewed, host: str, within: float) -> Verdict:
    """Whether the new one is shown, and how long the old one was at most."""
    every, new = _of(renewed, host), renewed.after[host]
    if not every:
        return inconclusive(f"nobody shook hands with {host}")
    times = [each.at for each in every if each.own == new]
    if not times:
        return failed(f"the renewed certificate of {host} was never shown")
    former = [each.at for each in every if each.own == renewed.before[host]]
    if not former:
        return inconclusive(f"the former certificate of {host} was never shown")
    seconds = round(max(times[0], *former) - every[0].at, 2)
    numbers: dict[str, Number] = {"renewed.seconds": seconds, "handshakes": len(every)}
    if seconds > within:
        return failed(f"in force after {seconds:g} s, {within:g} s are allowed", **numbers)
    return passed(f"in force after {seconds:g} s", **numbers)
