"""The credentials by which aws-cluster's istiod reads azure-cluster: changed, taken away, and back.

A client asks a service of both clusters meanwhile. In the end the credentials are those of a
bring-up again, with a token of its own. Nothing here judges.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from clusters.components import multicluster
from clusters.components.istio import NAMESPACE
from clusters.kube import Document
from fixtures.history.streams import OpenStream
from fixtures.history.traces import Traces
from fixtures.history.verdict import Verdict
from fixtures.lab import Lab, convergence
from fixtures.lab.open_loop import folder_of, watched
from suites.multi_cloud.departure import QUIET, SPACING
from suites.multi_cloud.failover import PATIENCE
from suites.multi_cloud.policies import AWS, AZURE
from suites.multi_cloud.subject import ACROSS, PORT, Everywhere, Place

TOKEN = f"{multicluster.READER}-again"
SECRET = f"istio-remote-secret-{AZURE}"
LATE = "late"
"""A service that is made once the credentials have changed: who learns of it reads by them."""


@dataclass(frozen=True)
class Changed:
    """What came of it. Times are seconds since 1970.

    Attributes:
        learnt: whether a service that was made since was known within T.
        gone: whether the other cluster's pods were gone within T without any credentials.
        back: whether they were back within T with them.
        without: from when on they were gone.
        again: when credentials were there again.
        ended: when the pods were back.
    """

    traces: Traces
    learnt: Verdict
    gone: Verdict
    back: Verdict
    without: float
    again: float
    ended: float


@dataclass(frozen=True)
class Credentials:
    """Who reads whom, and the client that notices."""

    here: Place
    there: Place
    deadline: float

    def change(self, lab: Lab) -> Changed:
        """Change the credentials, revoke the old ones, take all away, and give them back.

        Raises:
            NotReadyError: what undoes it did not take effect.
        """
        space = self.here.space
        url, host = f"http://{space.address(ACROSS)}/", space.host(ACROSS)
        stream = OpenStream(
            name=ACROSS, url=url, headers={"Host": host}, interval=SPACING, timeout=PATIENCE
        )
        try:
            traces, changed = watched(self.here.client, [stream], folder_of(lab), self._act)
        finally:
            self._undo()
        return Changed(traces, *changed)

    def _act(self) -> tuple[Verdict, Verdict, Verdict, float, float, float]:
        kube, other = self.here.space.kube, self.there.space.kube
        time.sleep(QUIET)
        multicluster.offer(other, TOKEN)
        multicluster.join(kube, [other], self.deadline, TOKEN)
        other.delete(_secret(multicluster.TOKEN), NAMESPACE)
        learnt = convergence.in_time("a service made since to be known", self._make_service)
        kube.delete(_secret(SECRET), NAMESPACE)
        gone = convergence.in_time("the other cluster's pods to be gone", self._see_gone)
        without = time.time()
        time.sleep(QUIET)
        again = time.time()
        self._restore()
        back = convergence.in_time("the other cluster's pods to be back", self._see)
        ended = time.time()
        time.sleep(QUIET)
        return learnt, gone, back, without, again, ended

    def _make_service(self) -> None:
        for place in (self.here, self.there):
            place.space.apply(_service())
        self._see(LATE)

    def _see(self, service: str = ACROSS) -> None:
        """Wait until the client knows the other cluster's pod of a service."""
        host = self.here.space.host(service)
        convergence.members(self.here.client, host, [self._address], self.deadline)

    def _see_gone(self) -> None:
        host = self.here.space.host(ACROSS)
        convergence.gone(self.here.client, host, [self._address], self.deadline)

    @property
    def _address(self) -> str:
        return f"{self.there.addresses[ACROSS]}:{PORT}"

    def _restore(self) -> None:
        """Credentials as a bring-up makes them."""
        kube, other = self.here.space.kube, self.there.space.kube
        multicluster.offer(other)
        multicluster.join(kube, [other], self.deadline)

    def _undo(self) -> None:
        self._restore()
        self.there.space.kube.delete(_secret(TOKEN), NAMESPACE)
        for place in (self.here, self.there):
            place.space.kube.delete(_service(), place.space.namespace)


def credentials(lab: Lab, everywhere: Everywhere) -> Credentials:
    """By which aws-cluster's istiod reads azure-cluster."""
    places = everywhere.places
    return Credentials(places[AWS], places[AZURE], lab.deadline("convergence"))


def _secret(name: str) -> Document:
    metadata = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}


def _service() -> Document:
    port = {"name": "http", "port": 80, "targetPort": PORT}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": LATE},
        "spec": {"selector": {"app": ACROSS}, "ports": [port]},
    }
