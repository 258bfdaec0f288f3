"""istiod as any pod of its cluster reaches it: its ports, and what proves an account to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives.serialization import Encoding
from pydantic import SecretStr

from clusters.components.istio import ISTIOD_LABEL, NAMESPACE
from fixtures.lab import Lab, tokens
from fixtures.lab.space import Space
from fixtures.lab.trust import root_of, spiffe_id
from fixtures.traffic.client import ClientPod
from fixtures.traffic.grpc import Call, Connection
from suites.security.subject import INSIDER, NAME, STRICT

PLAIN, SECURE = 15010, 15012
"""istiod's ports for gRPC: in clear text, and by TLS."""
DEBUG_PORTS = (8080, 15014)
"""Those that have /debug."""
SERVER_NAME = "istiod.istio-system.svc"
ACCOUNT = "default"
"""The account of who asks."""


@dataclass(frozen=True)
class Asker:
    """A client without a sidecar, which asks the istiod of its cluster.

    Attributes:
        istiod: its pod's address: not all of its ports are its Service's.
    """

    space: Space
    client: ClientPod
    istiod: str
    deadline: float

    @property
    def own(self) -> str:
        """The SPIFFE ID of who asks."""
        return spiffe_id(self.space.namespace, ACCOUNT)

    @property
    def victim(self) -> str:
        """That of another, which runs on the same node."""
        return spiffe_id(self.space.namespace, STRICT)

    @cached_property
    def token(self) -> SecretStr:
        """What the client's pod would come with: a token for istiod, of its account, that ends with
        the pod."""
        pod = self.space.kube.get("v1", "Pod", self.client.pod, self.client.namespace) or {}
        account = str(pod["spec"]["serviceAccountName"])
        bound = {**pod, "kind": "Pod"}
        return tokens.token(self.space.kube, self.space.namespace, account, bound=bound)

    def in_clear_text(self, calls: Sequence[Call]) -> Connection:
        """These calls to istiod's port without TLS."""
        return Connection(self.istiod, PLAIN, f"{SERVER_NAME}:{PLAIN}", calls)

    def by_tls(self, calls: Sequence[Call]) -> Connection:
        """These calls to istiod, which must prove by the service mesh's root that it is istiod."""
        root = root_of(self.space).public_bytes(Encoding.PEM).decode()
        return Connection(self.istiod, SECURE, f"{SERVER_NAME}:{SECURE}", calls, root, SERVER_NAME)


def asker_of(lab: Lab, cluster: str) -> Asker:
    """Who asks a cluster's istiod.

    Raises:
        NotReadyError: it does not run, or no istiod does, in time.
    """
    space = lab.space(NAME, cluster)
    client = lab.client(cluster, INSIDER, space.namespace)
    istiod = space.kube.pod(NAMESPACE, ISTIOD_LABEL)["status"]["podIP"]
    return Asker(space, client, str(istiod), lab.deadline("convergence"))
