"""Faults of mobile routing: a backend that refuses, and a route that leads astray."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fixtures.lab.faults import Effect, Injection, Site
from suites.mobile_routing.subject import Routing


def refused_for_20_ms(routing: Routing, site: Site) -> Effect:
    """A route leads to a backend that refuses connections for 20 ms."""
    space = routing.space
    cluster = space.kube.cluster.name
    pod = space.kube.pod(space.namespace, "app=web-service,version=v1")
    times = site.firewall(pod, "REJECT --reject-with tcp-reset", 0.020)
    return Effect(f"{cluster}/desktop-kept", "refused", times)


def misrouted(routing: Routing, _site: Site) -> Effect:
    """The route leads mobile agents to web-service until it is put right."""
    cluster, right = routing.space.kube.cluster.name, routing.route
    wrong = replace(right, document=all_to_the_last(right.document))
    began = time.time()
    routing.converge(wrong)
    in_force = time.time()
    routing.converge(right)
    return Effect(f"{cluster}/mobile-kept", "misrouted", (began, in_force, in_force, time.time()))


def all_to_the_last(document: Mapping[str, Any]) -> dict[str, Any]:
    """The route with every rule leading where its last one does."""
    changed = copy.deepcopy(dict(document))
    rules = changed["spec"]["http"]
    for rule in rules:
        rule["route"] = copy.deepcopy(rules[-1]["route"])
    return changed


FAULTS = (Injection(refused_for_20_ms), Injection(misrouted))
