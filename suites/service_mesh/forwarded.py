"""What must be true of the identity that a proxy tells its workload of a client's.

Source: Envoy, "x-forwarded-client-cert"; Istio, "ProxyConfig" (ProxyHeaders.ForwardedClientCert)
and "Configuring Gateway Network Topology". Pure.
"""

from __future__ import annotations

from fixtures.checks import Check
from suites.service_mesh.headers import arrives

HEADER = "x-forwarded-client-cert"


def last_is(name: str) -> Check:
    """Whatever the client sent, what arrives ends with what the proxy saw: this SPIFFE name."""
    return arrives(HEADER, lambda told: _uri(told) == name, f"of {name} at last")


def never_told(pose: str) -> Check:
    """Nothing of what the client sent arrives."""
    return arrives(HEADER, lambda told: pose not in told, "without what was claimed")


def _uri(told: str) -> str:
    """The SPIFFE name of the last proxy's word; no name of ours has a comma or a semicolon."""
    pairs = (pair.partition("=") for pair in told.rpartition(",")[2].split(";"))
    return next((value.strip() for key, _, value in pairs if key.strip() == "URI"), "")
