"""Practices with what is a run's own put into them: keys, and addresses of pods. Pure."""

from __future__ import annotations

import copy
from dataclasses import replace

from fixtures.manifests import Given


def with_address(given: Given, address: str) -> Given:
    """An AuthorizationPolicy whose blocks of addresses are this one alone."""
    document = copy.deepcopy(dict(given.document))
    for rule in document["spec"]["rules"]:
        for each in rule.get("from", ()):
            for blocks in ("remoteIpBlocks", "ipBlocks"):
                if blocks in each["source"]:
                    each["source"][blocks] = [address]
    return replace(given, document=document)


def with_keys(given: Given, keys: str) -> Given:
    """A RequestAuthentication whose issuers sign with these keys."""
    document = copy.deepcopy(dict(given.document))
    for rule in document["spec"]["jwtRules"]:
        rule["jwks"] = keys
    return replace(given, document=document)
