"""KubeWriter: what is written to one cluster, within its bounds and with each write in a ledger.

Server-side apply, patch, delete, and what an object is asked to make. Every write of an object to
a cluster is here, and so is all that clusters.confinement is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubernetes.dynamic.exceptions import DynamicApiError, NotFoundError

from clusters import confinement
from clusters.api_server import content_of, message_of
from clusters.errors import ClusterError, RefusedError, UnreachableError
from clusters.kube_reader import Document, KubeReader
from clusters.ledger import Ledger, Write
from clusters.objects import is_ready, title
from clusters.topology import Cluster
from clusters.waiting import wait_for

MANAGER = "plumbline"
NOBODY_THERE = (503, 504)  # RFC 9110, section 15.6
NO_WEBHOOK = "failed calling webhook"
"""How an API server tells it (kubernetes, apiserver/pkg/admission/plugin/webhook)."""


class KubeWriter(KubeReader):
    """One cluster, to be read and written to. Safe to use from several threads."""

    def __init__(self, cluster: Cluster, ledger: Ledger | None = None) -> None:
        """Read the cluster's kubeconfig; nobody is asked yet.

        Args:
            ledger: where each write is noted, if it is.

        Raises:
            KubeconfigError: it cannot be used.
        """
        super().__init__(cluster)
        self._bounds = confinement.of(cluster, self.get)
        self._ledger = ledger or Ledger()

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
        if not dry_run:
            self._note("apply", document, namespace)
        return content_of(applied)

    def delete(self, document: Mapping[str, Any], namespace: str, deadline: float = 60) -> None:
        """Delete an object and wait until it is gone; one that is not there is no error.

        Raises:
            ForeignError: nobody agreed to it.
            RefusedError: the API server does not let it go.
            UnreachableError: it cannot say, as a webhook that it asks does not answer.
            NotReadyError: it is still there after `deadline` seconds.
        """
        version, kind = document["apiVersion"], document["kind"]
        resource = self._server.resource(version, kind)
        self._bounds.see_allowed(document, namespace)
        name = document["metadata"]["name"]
        try:
            resource.delete(name=name, namespace=namespace or None, serialize=False)
        except NotFoundError:
            return
        except DynamicApiError as error:
            look = self.kubectl(f"auth can-i delete {kind.lower()}/{name} -n {namespace}")
            raise self._refusal(f"the end of {title(document)}", error, look) from None
        self._note("delete", document, namespace)
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
        self._note("patch", document, namespace)
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
        self._note(f"create {part}", owner, namespace)
        return content_of(answer)

    def _note(self, verb: str, document: Mapping[str, Any], namespace: str) -> None:
        kind, name = document["kind"], document["metadata"]["name"]
        place = name if kind == "Namespace" else namespace
        write = Write(cluster=self.cluster.name, verb=verb, kind=kind, namespace=place, name=name)
        self._ledger.note(write)

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

    def end_pod(self, namespace: str, labels: str) -> None:
        """Delete the one ready pod of these labels and wait until it is gone.

        Raises:
            NotReadyError: there is none, or more than one.
        """
        name = self.pod(namespace, labels)["metadata"]["name"]
        self.delete({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}}, namespace)
