"""Services that clusters export, those that they do not, and the names that both are asked by.

Sources: KEP-1645, Multi-Cluster Services API: "DNS" (the names, and that a cluster's name before a
service's is none), "Exporting Services" (one of the name that is not exported gives nothing to it).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product

from clusters.kube import Document
from clusters.waiting import wait_for
from fixtures.history import History
from fixtures.history.streams import Stream
from fixtures.history.verdict import Verdict, combine
from fixtures.lab import Lab, convergence
from fixtures.lab.hubble import Agent
from fixtures.manifests import Given
from fixtures.traffic.client import side_by_side
from suites.multi_cloud.policies import AZURE
from suites.multi_cloud.subject import PLAIN, Everywhere, Place

API = "multicluster.x-k8s.io/v1alpha1"
EXPORTED, LENT, UNEXPORTED = "exported", "lent", "unexported"
"""Services of one workload in all clusters: exported by all, by azure-cluster alone, by none."""
DRAWN = 4
"""Other services of the namespace, none of them exported, that are asked for as well."""
TWICE = 2
TIMEOUT = 5.0


@dataclass(frozen=True)
class Answered:
    """What each cluster's client was answered at all names.

    Attributes:
        unknown: the names that must not be, as a client asks for them.
        agreed: whether all clusters went by the exports within T.
    """

    history: History
    unknown: tuple[str, ...]
    agreed: Verdict


def ask(lab: Lab, everywhere: Everywhere, seed: int) -> Answered:
    """Export services, and have each cluster's client ask for them, and for what is not exported.

    Raises:
        CommandError: a prober could not be started.
        WrongManifestError: an export is refused.
        NotReadyError: an export did not go in time, once all was asked.
    """
    places = everywhere.places
    with _exported(lab.manifests.given("serviceexport"), places.values()):
        with ThreadPoolExecutor(len(places)) as pool:
            agreed = combine(pool.map(partial(_agreed, everywhere), places.values()))
        unknown = tuple(_unknown(everywhere, random.Random(seed)))  # noqa: S311 (no secret)
        few = everywhere.few
        # In turn, as the services have their pods in common (docs/findings.md, "several services").
        asked_of = (
            partial(p.outsider.ask, *_streams(p, unknown, few), in_turn=True)
            for p in places.values()
        )
        return Answered(side_by_side(*asked_of), unknown, agreed)


def shared_name(place: Place, service: str) -> str:
    """The stream of a client's requests to a service by the name that all clusters have for it."""
    return f"{place.cluster}/outsider->{service} of all clusters"


def own_name(place: Place, service: str) -> str:
    """The same, by the name that the cluster itself has for it."""
    return f"{place.cluster}/outsider->{service} of its cluster"


def _host(place: Place, name: str) -> str:
    """Where a name, such as `a-service.a-namespace`, is in the domain of all clusters."""
    whole = name if "." in name else f"{name}.{place.space.namespace}"
    return f"{whole}.svc.clusterset.local"


def _streams(place: Place, unknown: Iterable[str], few: int) -> Iterator[Stream]:
    for name, count in ((EXPORTED, few), (LENT, few), *((each, TWICE) for each in unknown)):
        yield _stream(shared_name(place, name), _host(place, name), count)
    for name in (EXPORTED, LENT, UNEXPORTED):
        yield _stream(own_name(place, name), place.space.host(name), TWICE)


def _stream(name: str, host: str, count: int) -> Stream:
    more = {"count": count, "concurrency": 4, "reuse": False, "timeout": TIMEOUT}
    return Stream(stream=name, url=f"http://{host}/", **more)


def _unknown(everywhere: Everywhere, draw: random.Random) -> Iterator[str]:
    """Names that must not be: of services that nobody exports, of another namespace, of nobody, and
    of one cluster's part of a service."""
    place = next(iter(everywhere.places.values()))
    services = place.space.kube.list("v1", "Service", place.space.namespace)
    names = sorted(each["metadata"]["name"] for each in services if _is_own(each))
    yield UNEXPORTED
    yield from draw.sample(names, min(DRAWN, len(names)))
    yield f"{draw.choice(sorted(everywhere.places))}.{EXPORTED}.{place.space.namespace}"
    yield f"{EXPORTED}.default"
    yield f"nobody-{draw.randrange(1000)}"


def _is_own(service: Document) -> bool:
    """Whether a service is of the suite and not exported: those of exports have an owner."""
    metadata, others = service["metadata"], (EXPORTED, LENT, UNEXPORTED)
    return not metadata.get("ownerReferences") and metadata["name"] not in others


def _exports(given: Given, place: Place) -> Iterator[Given]:
    yield given
    if place.cluster == AZURE:
        yield given.renamed(LENT)


@contextmanager
def _exported(given: Given, places: Iterable[Place]) -> Iterator[None]:
    """Services are exported until the block ends, and every cluster knows then that they are no
    more."""
    every_place = tuple(places)
    every_one = [(place, each) for place in every_place for each in _exports(given, place)]
    try:
        for place, each in every_one:
            place.space.put(each)
        yield
    finally:
        for place, each in every_one:
            place.space.kube.delete(each.document, place.space.namespace)
        for place, (owner, each) in product(every_place, every_one):
            name = each.document["metadata"]["name"]
            what = f"{place.cluster} to know that {owner.cluster} exports {name} no more"
            left = partial(_left, place, name, owner.cluster)
            wait_for(what, left, place.deadline, _look(place, name))


def _left(place: Place, name: str, cluster: str) -> str:
    return "it does" if cluster in _of(_import(place, name)) else ""


def _import(place: Place, service: str) -> Document:
    """What a cluster has of a service of all clusters; empty if nobody exports it."""
    return place.space.kube.get(API, "ServiceImport", service, place.space.namespace) or {}


def _of(imported: Document) -> set[str]:
    """The clusters that a service is exported by."""
    return {each["cluster"] for each in imported.get("status", {}).get("clusters") or ()}


def _look(place: Place, service: str) -> str:
    return place.space.kubectl(f"get serviceimport {service} -o yaml")


def _agreed(everywhere: Everywhere, place: Place) -> Verdict:
    """Whether a cluster comes to go by the exports of all within T."""
    pods = {c: each.addresses[PLAIN] for c, each in everywhere.places.items()}
    wanted = {EXPORTED: pods, LENT: {AZURE: pods[AZURE]}}

    def wait() -> None:
        for service, addresses in wanted.items():
            _led(place, service, addresses)

    return convergence.in_time(f"{place.cluster} to go by the exports", wait)


def _led(place: Place, service: str, addresses: Mapping[str, str]) -> None:
    """Wait until a service of all clusters is of these, and leads to these pods."""
    agent = Agent.any_of(place.space.kube)

    def pending() -> str:
        imported = _import(place, service)
        clusters, at = _of(imported), imported.get("spec", {}).get("ips") or ("",)
        if clusters != addresses.keys() or not at[0]:
            return f"it is of {', '.join(sorted(clusters)) or 'none'}, at {at[0] or 'no address'}"
        return ", ".join(sorted(set(addresses.values()) ^ agent.backends(at[0])))

    what = f"{service} of {', '.join(addresses)} to be known in {place.cluster}"
    wait_for(what, pending, place.deadline, _look(place, service))
