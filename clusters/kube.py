"""Kube: one cluster of the topology, by the few verbs that components and suites need.

Server-side apply, delete, get, list, exec, logs, and waiting on a condition with a deadline. It
knows nothing of pytest, suites or ClusterMesh; how its API server is reached stands in
api_server.py.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from kubernetes.dynamic.exceptions import DynamicApiError, ForbiddenError, NotFoundError
from websocket import WebSocketException

from clusters import confinement, remote
from clusters.api_server import ApiServer, content_of, message_of
from clusters.errors import (
    AccessError,
    ClusterError,
    CommandError,
    NotReadyError,
    PlumblineError,
    RefusedError,
    UnreachableError,
)
from clusters.objects import held_back, is_ready, missing_replicas, pod_labels, title
from clusters.remote import Container
from clusters.topology import Cluster
from clusters.waiting import wait_for

MANAGER = "plumbline"
NOBODY_THERE = (503, 504)  # RFC 9110, section 15.6
NO_WEBHOOK = "failed calling webhook"
"""How an API server tells it (kubernetes, apiserver/pkg/admission/plugin/webhook)."""
Document = dict[str, Any]


class Kube:
    """One cluster. Safe to use from several threads."""

    def __init__(self, cluster: Cluster) -> None:
        """Read the cluster's kubeconfig; nobody is asked yet.

        Raises:
            KubeconfigError: it cannot be used.
        """
        self.cluster = cluster
        self._server = ApiServer(cluster)
        self._bounds = confinement.of(cluster, self.get)

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

    def apply(
        self,
        document: Mapping[str, Any],
        namespace: str = "",
        origin: str = "",
        *,
        dry_run: bool = False,
    ) -> Document:
        """Server-side apply; in a cluster of the lab's own, fields of other managers are taken
        over.

        `origin` names the file in errors; `dry_run` asks only whether it would be accepted.
        Returns the object as it is stored.

        Raises:
            ForeignError: nobody agreed to it.
            UnservedKindError: its kind is not served here.
            RefusedError: the API server does not accept it.
            UnreachableError: it cannot say, as a webhook that it asks does not answer.
        """
        resource = self._server.resource(document["apiVersion"], document["kind"], origin)
        self._bounds.see_allowed(document, namespace)
        try:
            applied = resource.server_side_apply(
                body=self._bounds.marked(document),
                namespace=namespace or None,
                field_manager=MANAGER,
                force_conflicts=self._bounds.takes_over,
                serialize=False,
                **({"dry_run": "All"} if dry_run else {}),
            )
        except DynamicApiError as error:
            look = self.kubectl(f"explain {document['kind'].lower()}")
            raise self._refusal(origin or title(document), error, look) from None
        return content_of(applied)

    def delete(self, document: Mapping[str, Any], namespace: str, deadline: float = 60) -> None:
        """Delete an object and wait until it is gone; one that is not there is no error.

        Raises:
            ForeignError: nobody agreed to it.
            NotReadyError: it is still there after `deadline` seconds.
        """
        resource = self._server.resource(document["apiVersion"], document["kind"])
        self._bounds.see_allowed(document, namespace)
        name = document["metadata"]["name"]
        try:
            resource.delete(name=name, namespace=namespace or None, serialize=False)
        except NotFoundError:
            return
        version, kind = document["apiVersion"], document["kind"]
        wait_for(
            f"{kind}/{name} gone from {self.cluster.name}",
            lambda: "it is still there" if self.get(version, kind, name, namespace) else "",
            deadline,
            self.kubectl(f"-n {namespace} get {kind} {name} -o yaml"),
        )

    def patch(self, document: Mapping[str, Any], namespace: str) -> Document:
        """Change an object that is there: a JSON merge patch (RFC 7386) of what `document` holds.

        Raises:
            ForeignError: nobody agreed to it.
            RefusedError: there is none, or the API server does not accept the change.
            UnreachableError: it cannot say, as a webhook that it asks does not answer.
        """
        resource = self._server.resource(document["apiVersion"], document["kind"])
        self._bounds.see_allowed(document, namespace)
        try:
            patched = resource.patch(
                body=dict(document),
                namespace=namespace,
                content_type="application/merge-patch+json",
                serialize=False,
            )
        except DynamicApiError as error:
            look = self.kubectl(f"-n {namespace} get {document['kind']}")
            raise self._refusal(f"a change of {title(document)}", error, look) from None
        return content_of(patched)

    def create_below(
        self, owner: Mapping[str, Any], document: Mapping[str, Any], namespace: str, part: str
    ) -> Document:
        """Have the API server make what it keeps nowhere, below an object that is there: its
        `part`, such as a ServiceAccount's token. Errors tell nothing of the document.

        Raises:
            ForeignError: nobody agreed to it.
            RefusedError: it does not.
            UnreachableError: it cannot say, as a webhook that it asks does not answer.
        """
        self._bounds.see_allowed(owner, namespace)
        resource = self._server.resource(owner["apiVersion"], owner["kind"]).subresources[part]
        name = owner["metadata"]["name"]
        try:
            answer = resource.create(
                body=dict(document), name=name, namespace=namespace, serialize=False
            )
        except DynamicApiError as error:
            look = self.kubectl(f"-n {namespace} get {owner['kind']} {name}")
            raise self._refusal(f"a {part} of {title(owner)}", error, look) from None
        return content_of(answer)

    def _refusal(self, what: str, error: DynamicApiError, look: str) -> ClusterError:
        """Why a document was not taken. That a webhook does not answer says nothing of it: without
        istiod, for one, nobody can tell whether it is right. Other errors of the server's own do:
        it has 500 for a list whose items lack the key that they are told apart by, too."""
        expected, seen = f"{self.cluster.name} to accept {what}", message_of(error)
        if error.status in NOBODY_THERE or NO_WEBHOOK in seen:
            return UnreachableError(expected, seen=seen, look=look)
        return RefusedError(expected, seen=seen, look=look)

    def scale(self, namespace: str, deployment: str, replicas: int, deadline: float) -> None:
        """Give a Deployment so many replicas, and wait until that many run.

        Raises:
            RefusedError: there is no such Deployment.
            NotReadyError: the deadline passed first.
        """
        document = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": deployment},
            "spec": {"replicas": replicas},
        }
        labels = self.patch(document, namespace)["spec"]["selector"]["matchLabels"]
        selector = ",".join(f"{name}={value}" for name, value in labels.items())

        def pending() -> str:
            pods = self.list("v1", "Pod", namespace, selector)
            running = [pod for pod in pods if replicas == 0 or is_ready(pod)]
            return "" if len(running) == replicas == len(pods) else f"{len(pods)} pods"

        look = self.kubectl(f"-n {namespace} get pods -l {selector}")
        wait_for(f"{replicas} pods of {namespace}/{deployment}", pending, deadline, look)

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
        pods = [p for p in self.list("v1", "Pod", namespace, labels) if is_ready(p)]
        if len(pods) != 1:
            raise NotReadyError(
                f"one ready pod of {labels} in {self.cluster.name}/{namespace}",
                seen=", ".join(p["metadata"]["name"] for p in pods) or "none",
                look=self.kubectl(f"-n {namespace} get pods -l {labels}"),
            )
        return pods[0]

    def end_pod(self, namespace: str, labels: str) -> None:
        """Delete the one ready pod of these labels and wait until it is gone.

        Raises:
            NotReadyError: there is none, or more than one.
        """
        name = self.pod(namespace, labels)["metadata"]["name"]
        self.delete({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}}, namespace)

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

    def exec(
        self, container: Container, command: Sequence[str], *, stdin: str = "", deadline: float = 60
    ) -> str:
        """Run a program in a pod, give it `stdin`, and return what it wrote to stdout.

        Raises:
            CommandError: it could not be started, failed, or ran past `deadline` seconds.
        """
        ended = self.run(container, command, stdin=stdin, deadline=deadline)
        if ended.how != remote.SUCCESS:
            raise CommandError(
                f"{command[0]} in {self.cluster.name}/{container.namespace}/{container.pod}"
                " to succeed",
                seen=f"{ended.how}\n{ended.err[-2000:]}".strip(),
                look=self._command_line(container, command),
            )
        return ended.out

    def run(  # noqa: PLR0913 (what runs where, and who hears of it)
        self,
        container: Container,
        command: Sequence[str],
        *,
        stdin: str = "",
        deadline: float = 60,
        speaking: threading.Event | None = None,
        heard: Callable[[str], None] | None = None,
    ) -> remote.Ended:
        """Run a program in a pod as `exec` does, and tell how it ended, whatever that was.

        `speaking` is set as soon as it has written anything to stdout; `heard` is given each whole
        line of it as soon as it is there, but for the last ones of a program that has ended.

        Raises:
            CommandError: it could not be started.
            ForeignError: nobody agreed to it.
        """
        self._bounds.see_run(container.namespace, container.pod)
        try:
            socket = remote.attach(self._server.client, container, command, stdin=bool(stdin))
        except (WebSocketException, OSError) as error:
            raise CommandError(
                f"{command[0]} to start in {container.pod}",
                seen=str(error),
                look=self._command_line(container, command),
            ) from None
        return remote.talk(socket, stdin, deadline, speaking, heard)

    def _command_line(self, container: Container, command: Sequence[str]) -> str:
        where = f"-n {container.namespace} exec {container.pod} -c {container.name}"
        words = f"{where} -- {' '.join(command)}"
        return self.kubectl(words[:400])

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
