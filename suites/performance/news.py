"""What a proxy has been told, and whether another one that was told it later has the same. Pure.

Sources: Envoy, "Administration interface" (/config_dump?include_eds); istiod keeps what it has made
for one proxy and sends it to others that want the same (istio, pilot/pkg/model/xds_cache.go).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from fixtures.history.verdict import Verdict, failed, inconclusive, passed

Told = Mapping[str, Mapping[str, str]]
"""By kind and name: a resource as JSON."""
CLUSTERS, ROUTES, ENDPOINTS = KINDS = ("clusters", "routes", "endpoints")
_SECTIONS = {
    "dynamic_active_clusters": (CLUSTERS, "cluster", "name"),
    "dynamic_route_configs": (ROUTES, "route_config", "name"),
    "dynamic_endpoint_configs": (ENDPOINTS, "endpoint_config", "cluster_name"),
}
"""Sections of a dump: what they hold, under which key, and what a resource is named by."""
LEFT_OUT = ("version_info", "last_updated")
"""What tells when something was sent, and not what."""
DISCOVERED = "EDS"
"""The type of a cluster whose endpoints istiod tells by themselves. Those of another stand in the
cluster, or are what the proxy came upon: by names, or by where its clients went (ORIGINAL_DST)."""
SHOWN = 300
"""Characters of a difference that are told."""


def read(dump: Mapping[str, Any]) -> Told:
    """Of an Envoy's dump of its configuration what istiod told it, without versions and times."""
    resources: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
    for part in dump.get("configs", ()):
        for section, (kind, key, name) in _SECTIONS.items():
            for each in part.get(section, ()):
                resource = each.get(key, {})
                if resource.get(name):
                    resources[kind][resource[name]] = resource
    discovered = (n for n, each in resources[CLUSTERS].items() if each.get("type") == DISCOVERED)
    endpoints = resources[ENDPOINTS]
    resources[ENDPOINTS] = {n: endpoints[n] for n in discovered if n in endpoints}
    return {kind: {n: _text(each) for n, each in own.items()} for kind, own in resources.items()}


def _text(resource: Any) -> str:
    return json.dumps(_stripped(resource), sort_keys=True)


def _stripped(value: Any) -> Any:
    """A resource without versions and times; the order of endpoints means nothing."""
    if isinstance(value, Mapping):
        inner = {name: _stripped(each) for name, each in value.items() if name not in LEFT_OUT}
        for name in ("endpoints", "lb_endpoints"):
            if isinstance(inner.get(name), list):
                inner[name] = sorted(inner[name], key=lambda each: json.dumps(each, sort_keys=True))
        return inner
    return [_stripped(each) for each in value] if isinstance(value, list) else value


def difference(former: Told, latter: Told) -> str:
    """The first resource that two proxies do not have alike; empty if there is none."""
    for kind in KINDS:
        for name in sorted(former[kind].keys() | latter[kind].keys()):
            one, other = former[kind].get(name, ""), latter[kind].get(name, "")
            if one != other:
                place = next(
                    (
                        n
                        for n, pair in enumerate(zip(one, other, strict=False))
                        if pair[0] != pair[1]
                    ),
                    min(len(one), len(other)),
                )
                start = max(0, place - SHOWN // 3)
                shown = [each[start : start + SHOWN] or "nothing" for each in (one, other)]
                return f"{kind} {name}: {shown[0]} and {shown[1]}"
    return ""


def renewed(before: Told, after: Told, traces: Iterable[str]) -> Verdict:
    """What a proxy was told of each kind is other than before, and shows all traces: else nobody
    can tell old news from new."""
    same = [kind for kind in KINDS if before[kind] == after[kind]]
    if same:
        return inconclusive(f"no edit has changed the {', '.join(same)}")
    whole = "".join(text for kind in KINDS for text in after[kind].values())
    missing = [trace for trace in traces if trace not in whole]
    if missing:
        return failed(f"the edits {', '.join(missing)} came to no proxy")
    return passed("all edits came to the proxy that was there")


def clusters_of(told: Told, port: int, host: str) -> frozenset[str]:
    """The names of the clusters of a service's port, with those of its subsets."""
    start, end = f"outbound|{port}|", f"|{host}"
    return frozenset(n for n in told[CLUSTERS] if n.startswith(start) and n.endswith(end))


def forgotten(before: Iterable[str], after: Iterable[str]) -> Verdict:
    """Of a port that a service no longer has a proxy has no cluster, of those it had."""
    had, has = sorted(before), sorted(after)
    if len(had) < 2:
        return inconclusive(f"the proxy had {len(had)} clusters of the port: none of a subset")
    if has:
        return failed(f"of {len(had)} clusters of the port that has gone {', '.join(has)} is left")
    return passed(f"all {len(had)} clusters of the port have gone with it")


def same(former: Told, latter: Told) -> Verdict:
    """Two proxies were told the same."""
    numbers = {kind: len(former[kind]) for kind in KINDS}
    if not all(numbers.values()):
        lacking = ", ".join(kind for kind, count in numbers.items() if not count)
        return inconclusive(f"the proxy that was there shows no {lacking}", **numbers)
    if told := difference(former, latter):
        return failed(f"who was there and who came later differ in {told}", **numbers)
    counts = ", ".join(f"{count} {kind}" for kind, count in numbers.items())
    return passed(f"both have the same {counts}", **numbers)
