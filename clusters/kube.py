"""Kube: one cluster of the topology, by the few verbs that a suite needs.

A thin layer over the dynamic client: server-side apply, delete, get, list, exec, logs, and
waiting on a condition with a deadline. It uses the kubeconfig and the context that the
topology names and never the user's own, and it knows nothing of pytest, suites or meshes.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import tenacity
from kubernetes import client, config
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.discovery import LazyDiscoverer
from kubernetes.dynamic.exceptions import (
    DynamicApiError,
    NotFoundError,
    ResourceNotFoundError,
)
from kubernetes.stream import stream
from kubernetes.stream.ws_client import ERROR_CHANNEL, STDERR_CHANNEL, STDIN_CHANNEL, STDOUT_CHANNEL

from clusters.errors import CommandError, NotReadyError, PlumblineError
from clusters.topology import Cluster

MANAGER = "plumbline"

Document = dict[str, Any]


class UnservedKindError(PlumblineError):
    """A document is of a kind that the cluster does not serve."""


class RefusedError(PlumblineError):
    """The API server does not accept a document."""


def wait_for(what: str, pending: Callable[[], str], deadline: float, look: str = "") -> None:
    """Wait until `pending` returns an empty string; until then it returns what it saw.

    An error of ours inside `pending` counts as something seen, not as the end: a pod that
    restarts while it is asked is not ready yet.

    Raises:
        NotReadyError: `deadline` seconds passed first.
    """

    def seen() -> str:
        try:
            return pending()
        except (PlumblineError, DynamicApiError) as error:
            return str(error)

    try:
        tenacity.Retrying(
            retry=tenacity.retry_if_result(bool),
            stop=tenacity.stop_after_delay(deadline),
            wait=tenacity.wait_exponential(multiplier=0.1, max=1.0),
        )(seen)
    except tenacity.RetryError as error:
        raise NotReadyError(
            f"{what} within {deadline:g} s", seen=error.last_attempt.result(), look=look
        ) from None


class _Discoverer(LazyDiscoverer):
    """Discovery without its cache file: that one outlives the cluster and is then wrong."""

    def _write_cache(self) -> None:
        return


class Kube:
    """One cluster. Safe to use from several threads."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._configuration = client.Configuration()
        config.load_kube_config(  # type: ignore[no-untyped-call]
            config_file=str(cluster.kubeconfig),
            context=cluster.context,
            client_configuration=self._configuration,
        )
        self._discovery = threading.Lock()
        self._dynamic: DynamicClient | None = None

    def kubectl(self, words: str) -> str:
        """A kubectl command against this cluster, ready to paste."""
        place = f"--kubeconfig {self.cluster.kubeconfig} --context {self.cluster.context}"
        return f"kubectl {place} {words}"

    def apply(
        self,
        document: Mapping[str, Any],
        namespace: str = "",
        origin: str = "",
        *,
        dry_run: bool = False,
    ) -> Document:
        """Server-side apply; fields of other managers are taken over.

        `origin` names the file in errors; `dry_run` asks only whether it would be accepted.
        Returns the object as it is stored.

        Raises:
            UnservedKindError: its kind is not served here.
            RefusedError: the API server does not accept it.
        """
        resource = self._resource(document["apiVersion"], document["kind"], origin)
        try:
            applied = resource.server_side_apply(
                body=dict(document),
                namespace=namespace or None,
                field_manager=MANAGER,
                force_conflicts=True,
                **({"dry_run": "All"} if dry_run else {}),
            )
        except DynamicApiError as error:
            raise RefusedError(
                f"{self.cluster.name} to accept {origin or _name(document)}",
                seen=_message(error),
                look=self.kubectl(f"explain {document['kind'].lower()}"),
            ) from None
        return _plain(applied)

    def delete(self, document: Mapping[str, Any], namespace: str, deadline: float = 60) -> None:
        """Delete an object and wait until it is gone; one that is not there is no error."""
        resource = self._resource(document["apiVersion"], document["kind"])
        name = document["metadata"]["name"]
        try:
            resource.delete(name=name, namespace=namespace)
        except NotFoundError:
            return
        version, kind = document["apiVersion"], document["kind"]
        wait_for(
            f"{kind}/{name} gone from {self.cluster.name}",
            lambda: "it is still there" if self.get(version, kind, name, namespace) else "",
            deadline,
            self.kubectl(f"-n {namespace} get {kind} {name} -o yaml"),
        )

    def get(self, version: str, kind: str, name: str, namespace: str = "") -> Document | None:
        """One object, or None."""
        try:
            return _plain(self._resource(version, kind).get(name=name, namespace=namespace or None))
        except NotFoundError:
            return None

    def list(
        self, version: str, kind: str, namespace: str = "", labels: str = ""
    ) -> list[Document]:
        """The objects of a kind, in a namespace or in all, by label selector."""
        found = self._resource(version, kind).get(
            namespace=namespace or None, label_selector=labels or None
        )
        return list(_plain(found)["items"])

    def wait_served(self, version: str, kind: str, deadline: float) -> None:
        """Wait until the cluster serves a kind: its CRD may be on its way.

        Raises:
            NotReadyError: `deadline` seconds passed first.
        """

        def pending() -> str:
            self._resource(version, kind)
            return ""

        wait_for(
            f"{self.cluster.name} to serve {version} {kind}",
            pending,
            deadline,
            self.kubectl("api-resources"),
        )

    def kinds(self) -> Iterable[tuple[str, str]]:
        """The namespaced kinds that are served and can be listed: (apiVersion, kind)."""
        with self._discovery:
            served = [resource for group in self._client().resources for resource in group]
        for resource in served:
            verbs = getattr(resource, "verbs", None) or ()
            if getattr(resource, "namespaced", False) and "list" in verbs and resource.preferred:
                yield resource.group_version, resource.kind

    def pod(self, namespace: str, labels: str) -> Document:
        """The one pod that is ready and not on its way out.

        Raises:
            NotReadyError: there is none, or more than one.
        """
        pods = [p for p in self.list("v1", "Pod", namespace, labels) if ready(p)]
        if len(pods) != 1:
            raise NotReadyError(
                f"one ready pod of {labels} in {self.cluster.name}/{namespace}",
                seen=", ".join(p["metadata"]["name"] for p in pods) or "none",
                look=self.kubectl(f"-n {namespace} get pods -l {labels}"),
            )
        return pods[0]

    def rolled_out(self, namespace: str, deadline: float) -> None:
        """Wait until every Deployment of a namespace runs its latest generation and no older.

        Raises:
            NotReadyError: the deadline passed; what is missing is named.
        """
        wait_for(
            f"the workloads of {self.cluster.name}/{namespace}",
            lambda: "; ".join(
                filter(
                    None, (_unfinished(d) for d in self.list("apps/v1", "Deployment", namespace))
                )
            ),
            deadline,
            self.kubectl(f"-n {namespace} get pods"),
        )

    def exec(  # noqa: PLR0913 (what, where, and for how long)
        self,
        namespace: str,
        pod: str,
        command: Sequence[str],
        *,
        container: str = "",
        stdin: str = "",
        deadline: float = 60,
    ) -> str:
        """Run a program in a pod, give it `stdin`, and return what it wrote to stdout.

        Raises:
            CommandError: it could not be started, failed, or ran past `deadline` seconds.
        """
        told = f"-n {namespace} exec {pod} -c {container} -- {' '.join(command)}"[:400]
        # One client per call: stream() replaces the client's transport while it connects.
        api = client.CoreV1Api(client.ApiClient(self._configuration))
        more = {"container": container} if container else {}
        try:
            socket = stream(
                api.connect_get_namespaced_pod_exec,
                pod,
                namespace,
                command=list(command),
                stdin=bool(stdin),
                stdout=True,
                stderr=True,
                tty=False,
                binary=True,
                _preload_content=False,
                **more,
            )
        except client.ApiException as error:
            raise CommandError(
                f"{command[0]} to start in {pod}", seen=str(error.reason), look=self.kubectl(told)
            ) from None
        out, err, status = _talk(socket, stdin, deadline)
        if status != "Success":
            raise CommandError(
                f"{command[0]} in {self.cluster.name}/{namespace}/{pod} to succeed",
                seen=f"{status}\n{err[-2000:]}".strip(),
                look=self.kubectl(told),
            )
        return out

    def logs(self, namespace: str, pod: str, container: str = "", tail: int | None = None) -> str:
        """What a container has logged; its last `tail` lines if given. Empty if it has gone."""
        api = client.CoreV1Api(client.ApiClient(self._configuration))
        more: dict[str, Any] = {"container": container} if container else {}
        if tail is not None:
            more["tail_lines"] = tail
        try:
            return str(api.read_namespaced_pod_log(pod, namespace, **more))
        except client.ApiException:
            return ""

    def _client(self) -> DynamicClient:
        if self._dynamic is None:
            self._dynamic = DynamicClient(  # type: ignore[no-untyped-call]
                client.ApiClient(self._configuration),
                cache_file="no-such-file",
                discoverer=_Discoverer,
            )
        return self._dynamic

    def _resource(self, version: str, kind: str, origin: str = "") -> Any:
        with self._discovery:
            try:
                return self._client().resources.get(api_version=version, kind=kind)
            except ResourceNotFoundError:
                raise UnservedKindError(
                    f"{self.cluster.name} to serve {version} {kind}"
                    + (f", the kind of {origin}" if origin else ""),
                    seen="the API server knows no such kind",
                    look=self.kubectl("api-resources"),
                ) from None


def ready(pod: Mapping[str, Any]) -> bool:
    """Whether a pod is ready and not on its way out."""
    conditions = pod.get("status", {}).get("conditions") or []
    is_ready = any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
    return is_ready and "deletionTimestamp" not in pod["metadata"]


def observed(found: Mapping[str, Any], conditions: Iterable[Mapping[str, Any]]) -> bool:
    """Whether there are conditions and all of them speak of the object's present generation."""
    generation = found["metadata"]["generation"]
    seen = [c.get("observedGeneration") for c in conditions]
    return bool(seen) and all(s == generation for s in seen)


def _unfinished(deployment: Mapping[str, Any]) -> str:
    """What a Deployment still lacks; empty once only its latest generation runs."""
    wanted = deployment["spec"].get("replicas", 1)
    status = deployment.get("status", {})
    counts = {n: status.get(n, 0) for n in ("replicas", "updatedReplicas", "availableReplicas")}
    current = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    if current and all(count == wanted for count in counts.values()):
        return ""
    return f"{deployment['metadata']['name']} has {counts} of {wanted}"


def _talk(socket: Any, stdin: str, deadline: float) -> tuple[str, str, str]:
    """Feed a started program and read it to its end: stdout, stderr, and how it ended."""
    out, err = bytearray(), bytearray()
    ends = time.monotonic() + deadline
    try:
        if stdin:
            socket.write_channel(STDIN_CHANNEL, stdin.encode())
            socket.close_channel(STDIN_CHANNEL)
        while socket.is_open():
            if time.monotonic() > ends:
                return out.decode(), err.decode(errors="replace"), f"no end after {deadline:g} s"
            socket.update(timeout=1)
            out += socket.read_channel(STDOUT_CHANNEL)
            err += socket.read_channel(STDERR_CHANNEL)
        out += socket.read_channel(STDOUT_CHANNEL)
        err += socket.read_channel(STDERR_CHANNEL)
        ending = json.loads(socket.read_channel(ERROR_CHANNEL) or b"{}")
    finally:
        socket.close()
    how = ending.get("status", "the connection was cut")
    return out.decode(), err.decode(errors="replace"), how if how == "Success" else _cause(ending)


def _cause(ending: Mapping[str, Any]) -> str:
    return str(ending.get("message") or ending.get("status") or "the connection was cut")


def _plain(instance: Any) -> Document:
    plain: Document = instance.to_dict()
    return plain


def _name(document: Mapping[str, Any]) -> str:
    return f"{document['kind']}/{document['metadata']['name']}"


def _message(error: DynamicApiError) -> str:
    try:
        return str(json.loads(error.body or "")["message"])
    except (ValueError, KeyError, TypeError):
        return str(error.reason)
