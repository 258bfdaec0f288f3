"""KubeReader: what is read of one cluster: its objects, logs, and conditions waited for.

It never writes, and runs no program there: see kube.py. How its API server is reached stands in
api_server.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from kubernetes.dynamic.exceptions import DynamicApiError, ForbiddenError, NotFoundError

from clusters import remote
from clusters.api_server import ApiServer, content_of, message_of
from clusters.errors import AccessError, NotReadyError, PlumblineError
from clusters.objects import held_back, is_ready, missing_replicas, pod_labels
from clusters.topology import Cluster
from clusters.waiting import wait_for

Document = dict[str, Any]


class KubeReader:
    """One cluster, to be read. Safe to use from several threads."""

    def __init__(self, cluster: Cluster) -> None:
        """Read the cluster's kubeconfig; nobody is asked yet.

        Raises:
            KubeconfigError: it cannot be used.
        """
        self.cluster = cluster
        self._server = ApiServer(cluster)

    @property
    def url(self) -> str:
        """Where its API server is."""
        return self._server.url

    def version(self) -> str:
        """The version of Kubernetes, without a leading v and a vendor's own suffix."""
        answer = json.loads(self._server.text("/version"))
        return str(answer["gitVersion"]).lstrip("v").partition("-")[0].partition("+")[0]

    def kubectl(self, words: str) -> str:
        """A kubectl command against this cluster, ready to paste."""
        return self._server.kubectl(words)

    def get(self, version: str, kind: str, name: str, namespace: str = "") -> Document | None:
        """One object, or None.

        Raises:
            AccessError: its user may not read it.
        """
        try:
            resource = self._server.resource(version, kind)
            return content_of(resource.get(name=name, namespace=namespace or None, serialize=False))
        except NotFoundError:
            return None
        except ForbiddenError as error:
            raise self._no_access(f"get {kind}/{name}", error) from None

    def list(
        self, version: str, kind: str, namespace: str = "", labels: str = ""
    ) -> list[Document]:
        """The objects of a kind, in a namespace or in all, by label selector.

        Raises:
            AccessError: its user may not read them.
        """
        try:
            answer = self._server.resource(version, kind).get(
                namespace=namespace or None, label_selector=labels or None, serialize=False
            )
        except ForbiddenError as error:
            raise self._no_access(f"list {kind}", error) from None
        return list(content_of(answer)["items"])

    def _no_access(self, what: str, error: DynamicApiError) -> AccessError:
        look = self.kubectl("auth can-i --list")
        return AccessError(f"{self.cluster.name} to {what}", seen=message_of(error), look=look)

    def wait_served(self, version: str, kind: str, deadline: float) -> None:
        """Wait until the cluster serves a kind: its CRD may be on its way.

        Raises:
            NotReadyError: `deadline` seconds passed first.
        """

        def pending() -> str:
            self._server.resource(version, kind)
            return ""

        wait_for(
            f"{self.cluster.name} to serve {version} {kind}",
            pending,
            deadline,
            self.kubectl("api-resources"),
        )

    def pod(self, namespace: str, labels: str) -> Document:
        """The one pod that is ready and not on its way out.

        Raises:
            NotReadyError: there is none, or more than one.
        """
        pods = self._ready(namespace, labels)
        if len(pods) != 1:
            raise self._other_pods("one ready pod", namespace, labels, pods)
        return pods[0]

    def pods(self, namespace: str, labels: str) -> Sequence[Document]:
        """The pods that are ready and not on their way out.

        Raises:
            NotReadyError: there is none.
        """
        pods = self._ready(namespace, labels)
        if not pods:
            raise self._other_pods("a ready pod", namespace, labels, pods)
        return pods

    def _ready(self, namespace: str, labels: str) -> Sequence[Document]:
        return [pod for pod in self.list("v1", "Pod", namespace, labels) if is_ready(pod)]

    def _other_pods(
        self, what: str, namespace: str, labels: str, pods: Iterable[Document]
    ) -> NotReadyError:
        return NotReadyError(
            f"{what} of {labels} in {self.cluster.name}/{namespace}",
            seen=", ".join(p["metadata"]["name"] for p in pods) or "none",
            look=self.kubectl(f"-n {namespace} get pods -l {labels}"),
        )

    def wait_rolled_out(self, namespace: str, deadline: float, labels: str = "") -> None:
        """Wait until the Deployments of a namespace run their latest generation and no older.

        `labels` picks some of them, by the labels of their pods.

        Raises:
            NotReadyError: the deadline passed, or there is none; what is missing is named, and
                why its pods do not run.
        """
        picked = dict(part.split("=", 1) for part in labels.split(",") if part)

        def pending() -> str:
            deployments = self.list("apps/v1", "Deployment", namespace)
            chosen = [d for d in deployments if picked.items() <= pod_labels(d).items()]
            return "; ".join(filter(None, map(missing_replicas, chosen))) if chosen else "none"

        what = " ".join(filter(None, ("the workloads", labels, "of")))
        look = self.kubectl(f"-n {namespace} get pods")
        try:
            wait_for(f"{what} {self.cluster.name}/{namespace}", pending, deadline, look)
        except NotReadyError as error:
            with suppress(PlumblineError):
                reasons = {held_back(pod) for pod in self.list("v1", "Pod", namespace)} - {""}
                error.seen = "; ".join((error.seen, *sorted(reasons)))
            raise

    def logs(
        self,
        namespace: str,
        pod: str,
        container: str = "",
        tail: int | None = None,
        since: float | None = None,
    ) -> str:
        """What a container has logged; of this only its last `tail` lines, or that of the last
        `since` seconds. Empty if it has gone."""
        query = [("container", container)] if container else []
        if tail is not None:
            query.append(("tailLines", str(tail)))
        if since is not None:
            query.append(("sinceSeconds", str(math.ceil(since))))
        try:
            return self._server.text(f"{remote.path(namespace, pod)}/log", query)
        except DynamicApiError:
            return ""

    def close(self) -> None:
        """Close the connections to the API server."""
        self._server.close()
