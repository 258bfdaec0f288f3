"""Tokens that are short of life, for a kubeconfig that asks a program for them.

Each is bound to a Secret, and invalid once that has gone: a harness that keeps one for longer than
the program said is refused. They are of the account in clusters/providers/existing-rights.yaml.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml
from kubernetes import client

from clusters import files
from clusters.api_server import ApiServer
from clusters.confinement import CONSENT
from clusters.repeating import repeated
from clusters.topology import Cluster

ACCOUNT = "harness"
NAME = "token-"
"""How the names of the Secrets begin."""
LIFE = timedelta(seconds=60)
"""As a credential says of itself; it is renewed sooner, and refused a little later."""
RENEWED = 40.0
"""Seconds between two of them."""
LEAST = 600
"""Seconds: an API server makes no token of a shorter life."""


@contextmanager
def renewed(clusters: Sequence[Cluster], folder: Path) -> Iterator[None]:
    """Kubeconfigs of a folder, `<cluster>.yaml`, whose tokens are renewed until the block ends."""
    accounts = [Account(cluster, folder) for cluster in clusters]

    def renew() -> None:
        for account in accounts:
            account.renew()

    renew()
    for account in accounts:
        files.write(folder / f"{account.cluster.name}.yaml", account.kubeconfig, 0o600)
    try:
        with repeated(renew, RENEWED):
            yield
    finally:
        for account in accounts:
            account.end()


class Account:
    """The account of one cluster, and the credential of the day."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster = cluster
        self._server = ApiServer(cluster)
        self._core = client.CoreV1Api(self._server.client)
        self._credential = folder / f"{cluster.name}.json"
        self._calls = folder / f"{cluster.name}.asked"
        self._valid: list[str] = []
        self._number = 0

    @property
    def kubeconfig(self) -> str:
        """As the cluster's own, but for a user whose credential a program tells."""
        document = yaml.safe_load(self.cluster.kubeconfig.read_text(encoding="utf-8"))
        script = f"echo >> {self._calls}; cat {self._credential}"
        program = {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "sh",
            "args": ["-c", script],
            "interactiveMode": "Never",
        }
        document["users"] = [{"name": ACCOUNT, "user": {"exec": program}}]
        for context in document["contexts"]:
            context["context"]["user"] = ACCOUNT
        return yaml.safe_dump(document)

    def renew(self) -> None:
        """A new token; that before the last one is refused from now on."""
        self._number += 1
        name = f"{NAME}{self._number}"
        metadata = client.V1ObjectMeta(name=name)
        self._core.create_namespaced_secret(CONSENT[0], client.V1Secret(metadata=metadata))
        bound = client.V1BoundObjectReference(api_version="v1", kind="Secret", name=name)
        spec = client.V1TokenRequestSpec(
            audiences=[], expiration_seconds=LEAST, bound_object_ref=bound
        )
        answer = self._core.create_namespaced_service_account_token(
            ACCOUNT, CONSENT[0], client.AuthenticationV1TokenRequest(spec=spec)
        )
        assert answer.status is not None
        until = datetime.now(UTC) + LIFE
        status = {
            "token": answer.status.token,
            "expirationTimestamp": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        credential = {
            "apiVersion": "client.authentication.k8s.io/v1",
            "kind": "ExecCredential",
            "status": status,
        }
        files.write(self._credential, json.dumps(credential), 0o600)
        self._valid.append(name)
        while len(self._valid) > 2:
            self._core.delete_namespaced_secret(self._valid.pop(0), CONSENT[0])

    def end(self) -> None:
        """No token is valid any more."""
        for name in self._valid:
            self._core.delete_namespaced_secret(name, CONSENT[0])
        self._server.close()


def asked(folder: Path) -> int:
    """How often credentials were asked for, of all clusters."""
    return sum(file.read_bytes().count(b"\n") for file in folder.glob("*.asked"))
