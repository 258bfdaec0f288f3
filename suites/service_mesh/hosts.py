"""A Gateway with a certificate for each of its hosts, and who shakes hands with it.

The certificates are of one run, and their keys in Secrets of the suite's namespace alone. Nothing
here judges.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from clusters.errors import NotReadyError
from clusters.objects import of_gateway
from clusters.waiting import wait_for
from fixtures.history.certificates import Chain, Handshake
from fixtures.lab import OUTSIDE, Lab, convergence
from fixtures.lab.space import Space
from fixtures.traffic.client import ClientPod
from fixtures.traffic.handshake import HTTP, Peer, Rounds, shake, shaking
from fixtures.traffic.sealed import Own, own_certificate, secret
from suites.service_mesh.own_certificates import OLD, VERSIONS, Renewed
from suites.service_mesh.subject import NAME, OUTSIDER

MANIFEST = "gateway-hosts"
SHOP, BANK = "shop", "bank"
"""Secrets and listeners, each of one host."""
HOSTS = {SHOP: "shop.example.com", BANK: "bank.example.com"}
OTHERS = ("other.example.com", "example.com", "")
"""Names that the Gateway has no listener for; the last is none at all."""
NAMELESS = "no name"
PORT = 443
WARM = 10.0
"""Seconds in which a proxy that has its listeners has their certificates, too."""
INTERVAL, MORE = 0.1, 10
"""Seconds between rounds of handshakes, and rounds after the first with the new certificate."""


@dataclass(frozen=True)
class Entrance:
    """The Gateway, once it is in force, and what it is to show.

    Attributes:
        own: by host.
        deadline: seconds of T.
    """

    space: Space
    client: ClientPod
    address: str
    own: Mapping[str, Own]
    deadline: float

    @property
    def digests(self) -> dict[str, str]:
        """Of the certificates, by host."""
        return {host: own.digest for host, own in self.own.items()}

    def shake(self) -> dict[tuple[str, str], Handshake]:
        """What each host shows and answers over each version, by host and version.

        Raises:
            CommandError: the program could not be started.
        """
        keys = [(host, version) for host in self.own for version in (OLD, *VERSIONS)]
        shown = shake(self.client, [self._peer(host, version) for host, version in keys])
        return dict(zip(keys, shown, strict=True))

    def shake_as_others(self) -> dict[str, Handshake]:
        """What is shown to who asks for other names, by these.

        Raises:
            CommandError: the program could not be started.
        """
        shown = shake(self.client, [self._peer(name) for name in OTHERS])
        return dict(zip([name or NAMELESS for name in OTHERS], shown, strict=True))

    def renew(self) -> Renewed:
        """Put another certificate into the Secret of one host, and shake hands meanwhile.

        Raises:
            CommandError: the program could not be started.
        """
        renewed, hosts = own_certificate(HOSTS[SHOP]), [HOSTS[SHOP], HOSTS[BANK]]
        after = {**self.digests, HOSTS[SHOP]: renewed.digest}
        peers = [self._peer(host) for host in hosts]
        rounds = Rounds(INTERVAL, self.deadline + WARM, renewed.digest, MORE)
        with shaking(self.client, peers, rounds) as run:
            self.space.apply(secret(SHOP, renewed))
            series = run.wait()
        return Renewed(series, hosts, self.digests, after)

    def warm(self) -> None:
        """Wait until each host shows some certificate of this run. That it is the right one is for
        others to say, as is that one never does."""
        known = set(self.digests.values())

        def pending() -> str:
            shown = zip(self.own, shake(self.client, map(self._peer, self.own)), strict=True)
            lacking = [host for host, each in shown if _digest(each) not in known]
            return ", ".join(lacking)

        with suppress(NotReadyError):
            wait_for("hosts to show certificates", pending, WARM)

    def _peer(self, host: str, version: str = "") -> Peer:
        request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n" if version else ""
        return Peer(
            self.address, PORT, request=request, server_name=host, version=version, alpn=HTTP
        )


def entrance_of(lab: Lab, cluster: str) -> Entrance:
    """The Gateway of the practice in a cluster, once its proxy goes by it.

    Raises:
        NotReadyError: a workload does not run, or a proxy did not get there in time.
        WrongManifestError: the manifest is refused, or is never in force.
    """
    deadline = lab.deadline("convergence")
    gateway = lab.manifests.given(MANIFEST)
    space = lab.space(NAME, cluster)
    client = lab.client(cluster, OUTSIDER, space.namespace, identity=OUTSIDE)
    own = {name: own_certificate(host) for name, host in HOSTS.items()}
    for name, each in own.items():
        space.apply(secret(name, each))
    address = convergence.gateway_address(space, gateway, deadline)
    pods = of_gateway(str(gateway.document["metadata"]["name"]))
    space.kube.wait_rolled_out(space.namespace, lab.deadline("workload"), pods)
    convergence.in_step(space, deadline)
    by_host = {HOSTS[name]: each for name, each in own.items()}
    entrance = Entrance(space, client, address, by_host, deadline)
    entrance.warm()
    return entrance


def _digest(handshake: Handshake) -> str:
    return Chain.parse(handshake.chain).digest if handshake.chain else ""
