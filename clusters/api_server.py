"""The API server of one cluster: the connection to it, and what it serves.

It uses the kubeconfig and the context that the topology names and never the user's own. A lab's
is reached by no proxy, another one as the environment says. Whatever goes wrong on the way is an
error of ours. It knows no kind of object.
"""

from __future__ import annotations

import json
import shlex
import threading
from collections.abc import Sequence
from typing import Any

import urllib3
import yaml
from kubernetes import client, config
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.discovery import LazyDiscoverer
from kubernetes.dynamic.exceptions import DynamicApiError, ResourceNotFoundError

from clusters import files
from clusters.errors import KubeconfigError, UnreachableError, UnservedKindError
from clusters.topology import Cluster

UNUSED = "http://unused.invalid"
"""A lab's API servers are on this machine, so every request leaves out all proxies. One is named
since the client looks at what to leave out only where it knows of a proxy."""


PATIENCE = (10.0, 60.0)
"""Seconds for a connection and for an answer: of one that hangs nobody else would ever tell. An
API server gives up itself after the latter (`--request-timeout`)."""


class _Client(client.ApiClient):
    """The client's own, but that an API server that does not answer is an error of ours."""

    def call_api(self, *args: Any, **more: Any) -> Any:
        more["_request_timeout"] = more.get("_request_timeout") or PATIENCE
        try:
            return super().call_api(*args, **more)
        except urllib3.exceptions.HTTPError as error:
            host = self.configuration.host
            raise UnreachableError(
                f"the API server at {host} to answer", seen=str(error), look="make status"
            ) from None


class _Discoverer(LazyDiscoverer):
    """Discovery without its cache file: that one outlives the cluster and is then wrong."""

    def _write_cache(self) -> None:
        return


class ApiServer:
    """One cluster's. Safe to use from several threads."""

    def __init__(self, cluster: Cluster) -> None:
        """Read the cluster's kubeconfig; nobody is asked yet.

        Raises:
            KubeconfigError: it cannot be used.
        """
        self.cluster = cluster
        configuration = (
            client.Configuration(proxy=UNUSED, no_proxy="*")
            if cluster.consent is None
            else client.Configuration()
        )
        try:
            config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=str(cluster.kubeconfig),
                context=cluster.context,
                client_configuration=configuration,
                temp_file_path=str(files.process_folder()),  # for keys: a kill leaves none behind
            )
            self.client = _Client(configuration)
        except (config.ConfigException, yaml.YAMLError, OSError, ValueError, TypeError) as error:
            raise KubeconfigError(
                f"a kubeconfig with the context {cluster.context} in {cluster.kubeconfig}",
                seen=str(error).strip().partition("\n")[0],
                look="make up",
            ) from None
        self._discovery = threading.Lock()
        self._dynamic: DynamicClient | None = None

    def kubectl(self, words: str) -> str:
        """A kubectl command against this cluster, ready to paste."""
        file = shlex.quote(str(self.cluster.kubeconfig))
        place = f"--kubeconfig {file} --context {self.cluster.context}"
        return f"kubectl {place} {words}"

    def resource(self, version: str, kind: str, origin: str = "") -> Any:
        """A kind as the dynamic client has it; `origin` names the file in the error.

        Raises:
            UnservedKindError: it is not served here.
        """
        with self._discovery:
            try:
                return self._connect().resources.get(api_version=version, kind=kind)
            except ResourceNotFoundError:
                raise UnservedKindError(
                    f"{self.cluster.name} to serve {version} {kind}"
                    + (f", the kind of {origin}" if origin else ""),
                    seen="the API server knows no such kind",
                    look=self.kubectl("api-resources"),
                ) from None

    @property
    def url(self) -> str:
        """Where it is."""
        return str(self.client.configuration.host)

    def text(self, path: str, query: Sequence[tuple[str, str]] = ()) -> str:
        """What it answers at a path with.

        Raises:
            DynamicApiError: it refuses.
        """
        request = self._connect().request
        answer = request("get", path, query_params=list(query), serialize=False)
        return bytes(answer.data).decode(errors="replace")

    def close(self) -> None:
        """Close the connections to it."""
        self.client.close()  # type: ignore[no-untyped-call]

    def _connect(self) -> DynamicClient:
        """The dynamic client; made at first use, as it asks at once which kinds are served."""
        if self._dynamic is None:
            self._dynamic = DynamicClient(  # type: ignore[no-untyped-call]
                self.client,
                cache_file="no-such-file",
                discoverer=_Discoverer,
            )
        return self._dynamic


def has_kubeconfig(cluster: Cluster) -> bool:
    """Whether a cluster's kubeconfig is there and whole; nobody is asked."""
    try:
        ApiServer(cluster).close()
    except KubeconfigError:
        return False
    return True


def content_of(response: Any) -> dict[str, Any]:
    """The JSON of an answer. The client's own wrapping of it costs more than the request."""
    content: dict[str, Any] = json.loads(response.data)
    return content


def message_of(error: DynamicApiError) -> str:
    """The reason that the API server gives for a refusal."""
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return str(error.reason)
