"""Clients of one principal in several clusters: who of them is served, and whose cluster is named
where one is dropped. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from fixtures.checks import (
    Check,
    Drop,
    all_answered_by,
    denied_l4,
    every,
    never_reached,
    not_dropped,
    on,
    with_positive_control,
)
from suites.multi_cloud.identity import known_as
from suites.multi_cloud.policies import AWS, AZURE, COUNT, labels_of
from suites.multi_cloud.subject import CLIENT

VAULT = "vault"
"""A workload of aws-cluster that one cluster's client may ask."""
WITHOUT, OWN, OTHER = "without the policy", "own cluster named", "other cluster named"
NAMED: Mapping[str, str] = {WITHOUT: "", OWN: AWS, OTHER: AZURE}
"""By what is in force: the one cluster whose client may ask; without the policy each may."""


def name(when: str, cluster: str) -> str:
    """The stream of a cluster's client."""
    return f"{when}: {cluster}/{CLIENT}"


def told_apart(
    spiffe_id: str,
    arrived: Collection[str],
    drops: Mapping[str, Collection[Drop]],
    clusters: Collection[str] = (AWS, AZURE),
) -> Check:
    """Clients of the clusters that are admitted are served, each known by the same SPIFFE ID, and
    the others are dropped with their cluster's name.

    Args:
        arrived: the nonces in the backends' logs.
        drops: what the vault's agent dropped, by what was in force.
    """
    every_one = [(when, cluster) for when in NAMED for cluster in clusters]
    admitted = [each for each in every_one if NAMED[each[0]] in ("", each[1])]
    refused = [each for each in every_one if each not in admitted]
    served = (
        on(
            name(when, cluster),
            every(
                all_answered_by(VAULT, COUNT),
                known_as(spiffe_id, COUNT),
                not_dropped(drops[when], labels_of(CLIENT, cluster)),
            ),
        )
        for when, cluster in admitted
    )
    silent = (
        on(
            name(when, cluster),
            denied_l4(drops[when], labels_of(CLIENT, cluster), labels_of(VAULT), COUNT),
        )
        for when, cluster in refused
    )
    unseen = never_reached(
        arrived, [name(*each) for each in refused], [name(*each) for each in admitted]
    )
    return with_positive_control(denied=every(*silent, unseen), allowed=every(*served))
