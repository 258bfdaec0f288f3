"""Stations: who sends what during a watch, and what each of these streams must get.

Must-allow and must-deny for each of the four behaviours, over new connections and over kept
ones, from callers in every cluster. The references' manifests are applied here and waited for;
nothing is sent.

What is asked is asked every `SPACING` seconds: less than the 10 ms of the shortest window that
must not be missed, by a tenth, which is what the sender may be late. Proxies decide request by
request, so what they decide is asked so often over kept connections, and by every tenth request
over a new one, which costs a small machine several times as much. Cilium's policy decides when a
connection is made: there each is a new one, and every tenth goes over a kept one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from fixtures.demands import BY_RBAC, NO_ROUTE, Allowed, Demand, Silenced
from fixtures.lab import EXAMPLE_ADDRESS, FRONTEND, HOME, OUTSIDE, OUTSIDER, STRANGER, Lab
from fixtures.posts import Post
from fixtures.streams import OpenStream
from fixtures.watched import KEPT, Asked
from suites.canary_split.conftest import SERVICES, entered
from suites.cross_cluster_policy.conftest import AWS, AZURE
from suites.mobile_routing.conftest import MOBILE, OTHER, routed
from suites.rbac_denial.conftest import API, APP, protected

SPACING = 0.009
SELDOM = 10 * SPACING
FEATURES = {
    "mobile_routing": "istio",
    "canary_split": "gateway-api",
    "rbac_denial": "istio",
    "cross_cluster_policy": "clustermesh",
}
SUITE_ACROSS = "cross_cluster_policy"
EXAMPLE = "service.example.com"


@dataclass(frozen=True)
class Question:
    """One stream: what it sends and what it must get."""

    asked: Asked
    stream: OpenStream


@dataclass(frozen=True)
class Station:
    """A caller by its workload, so that its successor can take its place, and its streams."""

    cluster: str
    workload: str
    namespace: str
    identity: str
    meshed: bool
    questions: tuple[Question, ...]

    def post(self, lab: Lab) -> Post:
        """The watcher of the caller that is there now.

        Raises:
            NotReadyError: none is, in time.
        """
        caller = lab.caller(self.cluster, self.workload, self.namespace, identity=self.identity)
        return Post.at(caller, self._streams())

    def _streams(self) -> Iterator[OpenStream]:
        """Each question's stream, spread over the spacing."""
        for place, question in enumerate(self.questions):
            offset = SPACING * place / len(self.questions)
            yield question.stream.model_copy(update={"offset": offset})


def in_cluster(lab: Lab, cluster: str, suites: Collection[str] = FEATURES) -> list[Station]:
    """The stations of the behaviours that a cluster has for itself, with these in force: those
    of all suites, or of some.

    Raises:
        PlumblineError: a manifest was not accepted, or did not take effect in time.
    """
    making = {"mobile_routing": _mobile, "rbac_denial": _api, "canary_split": _gateway}
    wanted = (make for suite, make in making.items() if suite in suites)
    return joined(station for make in wanted for station in make(lab, cluster))


def across(lab: Lab) -> list[Station]:
    """The stations of the cross-cluster policy, which must be in force.

    Raises:
        PlumblineError: a service of the callers is not there.
    """
    reaches = "backend of azure-cluster reaches frontend of aws-cluster"
    not_reached = "does not reach frontend of aws-cluster"

    def station(cluster: str, app: str, sentence: str, demand: Demand) -> Station:
        there = lab.space(SUITE_ACROSS, cluster)
        place = Place(
            SUITE_ACROSS, cluster, f"http://{there.address('frontend')}/", there.host("frontend")
        )
        questions = [place.ask(app, sentence, demand, SPACING)]
        if demand.word == "allow":
            questions.append(place.keep(app, sentence, demand, SELDOM))
        identity = f"app={app} in {cluster}"
        return Station(cluster, app, there.namespace, identity, False, tuple(questions))

    return [
        station(AZURE, "backend", reaches, only("frontend")),
        station(AZURE, "other", f"other of azure-cluster {not_reached}", Silenced()),
        station(AWS, "backend", f"backend of aws-cluster {not_reached}", Silenced()),
    ]


def joined(stations: Iterable[Station]) -> list[Station]:
    """One station for each caller, with all that it asks of any suite."""
    made: dict[str, Station] = {}
    for station in stations:
        former = made.get(station.workload)
        questions = (*former.questions, *station.questions) if former else station.questions
        made[station.workload] = replace(station, questions=questions)
    return list(made.values())


def _mobile(lab: Lab, cluster: str) -> Iterator[Station]:
    """frontend's requests for the site, with either kind of agent."""
    routed(lab, lab.space("mobile_routing", cluster), cluster)
    example = Place("mobile_routing", cluster, f"http://{EXAMPLE_ADDRESS}/", EXAMPLE)
    mobile, desktop = example.at({"User-Agent": MOBILE["phone"]}), example.at(OTHER["desktop"])
    phone = "a mobile agent reaches v2 of mobile-service"
    other = "any other agent reaches v1 of web-service and nothing of mobile-service"
    yield _meshed(
        cluster,
        FRONTEND,
        *mobile.both("mobile", phone, only("mobile-service-v2")),
        *desktop.both("desktop", other, only("web-service-v1")),
    )


def _api(lab: Lab, cluster: str) -> Iterator[Station]:
    """What frontend may ask of backend-api, and a stranger may not."""
    api = protected(lab, cluster)
    url, host = f"http://{api.space.address(APP)}{API}", api.space.host(APP)
    backend = Place("rbac_denial", cluster, url, host)
    served = "GET of /api/v1 as frontend is served"
    denied = "another account is denied by RBAC"
    yield _meshed(cluster, FRONTEND, *backend.both("frontend", served, only(APP)))
    yield _meshed(cluster, STRANGER, *backend.both("stranger", denied, BY_RBAC))


def _gateway(lab: Lab, cluster: str) -> Iterator[Station]:
    """A caller outside the mesh, at the Gateway's address."""
    outsider = lab.caller(cluster, OUTSIDER, identity=OUTSIDE)
    entry = entered(lab, lab.space("canary_split", cluster), outsider)
    gateway = Place("canary_split", cluster, entry.url, entry.address)
    json = gateway.at({"Content-Type": "application/json"})
    served = "a request with the header is served by the service or its canary"
    yield Station(
        cluster,
        OUTSIDER,
        HOME,
        OUTSIDE,
        False,
        (
            *json.both("split", served, only(*SERVICES)),
            *gateway.both("headerless", "a request without it is not routed", NO_ROUTE),
        ),
    )


def _meshed(cluster: str, workload: str, *questions: Question) -> Station:
    """A caller behind a sidecar, known by its account."""
    return Station(cluster, workload, HOME, "", True, questions)


def only(*services: str) -> Allowed:
    return Allowed(frozenset(services))


@dataclass(frozen=True)
class Place:
    """What streams of a suite have in common: where they go, and the headers they carry."""

    suite: str
    cluster: str
    url: str
    host: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def at(self, headers: Mapping[str, str]) -> Place:
        """The same with other headers."""
        return replace(self, headers=headers)

    def both(self, name: str, sentence: str, demand: Demand) -> tuple[Question, Question]:
        """A question that proxies decide: over kept connections, and now and then a new one."""
        kept = self.keep(name, sentence, demand, SPACING)
        return kept, self.ask(name, sentence, demand, SELDOM)

    def keep(self, name: str, sentence: str, demand: Demand, interval: float) -> Question:
        """A question over kept connections."""
        how = f"{sentence}, over a kept connection"
        return self._question(f"{name}{KEPT}", how, demand, interval, kept=True)

    def ask(self, name: str, sentence: str, demand: Demand, interval: float) -> Question:
        """A question over new connections."""
        return self._question(name, sentence, demand, interval, kept=False)

    def _question(
        self, name: str, sentence: str, demand: Demand, interval: float, *, kept: bool
    ) -> Question:
        return Question(
            Asked(name, self.suite, self.cluster, sentence, demand),
            OpenStream(
                name=name,
                url=self.url,
                headers={"Host": self.host, **self.headers},
                interval=interval,
                kept=kept,
            ),
        )
