"""Confinement: what may be written to a cluster that carries somebody's work.

Namespaces that this harness made there with all that is in them, and in namespaces that a person
agreed to the objects that it made: those bear its mark. Whatever else is there is left as it is. In
a cluster of the lab's own all may be written to. It reads what is stored, and writes nothing.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from clusters.errors import ForeignError
from clusters.objects import title
from clusters.topology import Cluster, Consent

MARK = "plumbline/harness"
"""Label of all that is made in such a cluster: which harness did."""
UNTIL = "plumbline/until"
"""Annotation of its namespaces: when they are nobody's any more (ISO 8601)."""
OWN = "plumbline-"
"""How the name of each namespace begins that a harness makes."""
CONSENT = ("plumbline-consent", "consent")
"""The namespace and the name of the ConfigMap by which a person agrees."""
TEMPLATED = ("Deployment",)
"""Kinds whose pods bear the mark too."""

Get = Callable[[str, str, str, str], dict[str, Any] | None]
"""An object that is stored, by version, kind, name and namespace; None if there is none."""


class Bounds(Protocol):
    """What whoever writes to a cluster asks first."""

    @property
    def takes_over(self) -> bool:
        """Whether fields of other managers may be taken over."""

    def marked(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """A document as it is to be stored."""

    def see_allowed(self, document: Mapping[str, Any], namespace: str, /) -> None:
        """See that an object may be written.

        Raises:
            ForeignError: it may not.
        """

    def see_run(self, namespace: str, pod: str, /) -> None:
        """See that a program may be run in a pod.

        Raises:
            ForeignError: it may not.
        """


class Unconfined:
    """The bounds in a cluster of the lab's own: none."""

    takes_over = True

    def marked(self, document: Mapping[str, Any]) -> dict[str, Any]:
        return dict(document)

    def see_allowed(self, _document: Mapping[str, Any], _namespace: str, /) -> None:
        return

    def see_run(self, _namespace: str, _pod: str, /) -> None:
        return


@dataclass(frozen=True)
class Confinement:
    """The bounds in a cluster that carries somebody's work.

    Attributes:
        gateways: annotations that each Gateway gets, so that none has an address of the world's.
    """

    cluster: str
    consent: Consent
    get: Get
    gateways: Mapping[str, str] = field(default_factory=dict)
    _ours: set[str] = field(default_factory=set)

    takes_over = False

    def marked(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """With the mark, on its pods as well, and the end of a namespace's time."""
        marked = copy.deepcopy(dict(document))
        _mark(marked, self.consent.harness)
        if marked["kind"] in TEMPLATED:
            _mark(marked["spec"]["template"], self.consent.harness)
        if marked["kind"] == "Namespace":
            until = datetime.now(UTC) + timedelta(hours=self.consent.hours)
            _annotate(marked, {UNTIL: until.isoformat(timespec="seconds")})
        if marked["kind"] == "Gateway":
            _annotate(marked, self.gateways)
        return marked

    def see_allowed(self, document: Mapping[str, Any], namespace: str) -> None:
        """Of a namespace of ours or one that was agreed to, and in nobody's way."""
        kind, name = document["kind"], document["metadata"]["name"]
        place = name if kind == "Namespace" else namespace
        if not place:
            raise self._refused(title(document), "it would be of the whole cluster")
        if not _is_own(place) and place not in self.consent.write:
            raise self._refused(title(document), f"it would be in the namespace {place}")
        if _is_own(place) and kind != "Namespace":
            self._see_own(place)
        else:
            stored = self.get(document["apiVersion"], kind, name, namespace)
            self._see_ours(title(document), stored)

    def see_run(self, namespace: str, pod: str) -> None:
        """In a pod of ours."""
        self.see_allowed({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": pod}}, namespace)

    def _see_own(self, namespace: str) -> None:
        """A namespace that is named as ours are is ours, and so is all that is in it."""
        if namespace in self._ours:
            return
        stored = self.get("v1", "Namespace", namespace, "")
        self._see_ours(f"Namespace/{namespace}", stored)
        if stored is not None:
            self._ours.add(namespace)

    def _see_ours(self, what: str, stored: Mapping[str, Any] | None) -> None:
        labels = (stored or {}).get("metadata", {}).get("labels") or {}
        if stored is not None and labels.get(MARK) != self.consent.harness:
            mark = f"{MARK}={self.consent.harness}"
            raise self._refused(what, f"one is there that does not bear {mark}")

    def _refused(self, what: str, why: str) -> ForeignError:
        return ForeignError(
            f"to touch in {self.cluster} what this harness made and nothing else, in namespaces "
            "of its own or that the consent names",
            seen=f"{what}: {why}",
            look=f"kubectl -n {CONSENT[0]} get configmap {CONSENT[1]} -o yaml",
        )


def of(cluster: Cluster, get: Get) -> Bounds:
    """The bounds in a cluster; `get` reads what is stored there."""
    if cluster.consent is None:
        return Unconfined()
    return Confinement(cluster.name, cluster.consent, get, cluster.gateways)


def _is_own(namespace: str) -> bool:
    return namespace.startswith(OWN)


def _annotate(document: dict[str, Any], annotations: Mapping[str, str]) -> None:
    document["metadata"].setdefault("annotations", {}).update(annotations)


def _mark(document: dict[str, Any], harness: str) -> None:
    document.setdefault("metadata", {}).setdefault("labels", {})[MARK] = harness
