"""Probes of the cross-cluster policy: one workload of azure-cluster is let in, the rest is not."""

from __future__ import annotations

from collections.abc import Iterator

from fixtures.checks.expectations import Dropped, Expectation
from fixtures.lab.probes import SELDOM, SPACING, ProbeSource, Target, served_by
from fixtures.lab.space import Space
from suites.cross_cluster_policy.subject import Guarded
from suites.cross_cluster_policy.who import AWS, AZURE, NAME


def probes(guarded: Guarded) -> Iterator[ProbeSource]:
    """From three of the four workloads that may try, and one of each further cluster, each to the
    service in its own cluster.

    Cilium decides when a connection is made, so what is denied has no keep-alive one.
    """
    reaches = "backend of azure-cluster reaches frontend of aws-cluster"
    not_reached = "does not reach frontend of aws-cluster"
    yield _source(guarded, AZURE, "backend", reaches, served_by("frontend"))
    yield _source(guarded, AZURE, "other", f"other of azure-cluster {not_reached}", Dropped())
    for cluster in (AWS, *guarded.further):
        yield _source(guarded, cluster, "backend", f"backend of {cluster} {not_reached}", Dropped())


def _source(
    guarded: Guarded, cluster: str, app: str, sentence: str, expect: Expectation
) -> ProbeSource:
    client = guarded.clients[f"{cluster}/{app}"]
    target = Target.service(NAME, Space(client.kube, client.namespace), "frontend")
    probes = [target.new_connections(app, sentence, expect, SPACING)]
    if expect.word == "allow":
        probes.append(target.keep_alive(app, sentence, expect, SELDOM))
    identity = client.identity
    return ProbeSource(cluster, app, client.namespace, identity, False, tuple(probes))
