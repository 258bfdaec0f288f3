"""A run as it might have been, for the tests of the reports: one fail, one inconclusive.

Nothing here was measured. The values are of the kind and the size that a run has.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from clusters.models import Image, Machine
from reports.schema import (
    Requirement,
    Results,
    RunStatus,
    Stage,
    Status,
    verdict_of,
)

BEGAN = datetime(2026, 11, 20, 9, 14, 3, tzinfo=UTC)

Numbers = dict[str, int | float | str | bool]


class _Source(NamedTuple):
    suite: str
    kind: str


_MR = _Source("mobile_routing", "VirtualService/advanced-routing")
_CS = _Source("canary_split", "HTTPRoute/advanced-routing")
_XP = _Source("cross_cluster_policy", "CiliumNetworkPolicy/cross-cluster-policy")
_RB = _Source("rbac_denial", "AuthorizationPolicy/service-auth")


def results(
    requirements: tuple[Requirement, ...] | None = None, status: RunStatus | None = None
) -> Results:
    """A run of the sample requirements, or of those given, with the status they come to."""
    chosen = sample_requirements() if requirements is None else requirements
    return Results(
        run="20261120-091403-7c1e",
        status=status or verdict_of(chosen),
        began=BEGAN,
        ended=BEGAN + timedelta(minutes=14, seconds=52),
        train="2026-11",
        versions={
            "kubernetes": "1.36.3",
            "istio": "1.31.0",
            "cilium": "1.20.2",
            "gateway-api": "1.6.2",
            "kind": "0.33.0",
            "kernel": "6.12.58",
        },
        images=_images(),
        machine=Machine(
            cpu="AMD EPYC 9R14",
            cores=8,
            memory_bytes=32 * 2**30,
            kernel="6.12.58",
            system="Ubuntu 26.04 LTS",
        ),
        stages=sample_stages(),
        notes=("Images were pulled: IMAGES=auto found a registry in reach.",),
        requirements=chosen,
    )


def requirement(verdict: Status = "pass", **changed: object) -> Requirement:
    """One requirement, with whatever a test wants otherwise."""
    one = _asked(_CS, "CS1", "The canary receives its weight of ten in a hundred.", 1.0, {})
    return Requirement.model_validate(one.model_dump() | {"verdict": verdict} | changed)


def sample_requirements() -> tuple[Requirement, ...]:
    """Eighteen requirements of four suites, in the order of a run."""
    return (*_mobile_routing(), *_canary_split(), *_cross_cluster_policy(), *_rbac_denial())


def sample_stages() -> tuple[Stage, ...]:
    """Bring-up of two clusters side by side, the suites, and what came down."""
    aws, azure = "aws-cluster", "azure-cluster"
    return (
        Stage(phase="up", name="images", started=0, seconds=21.4),
        Stage(phase="up", name="create", cluster=aws, started=21.4, seconds=38.2),
        Stage(phase="up", name="create", cluster=azure, started=21.9, seconds=41.7),
        Stage(phase="up", name="cilium", cluster=aws, started=59.6, seconds=52.3),
        Stage(phase="up", name="cilium", cluster=azure, started=63.6, seconds=49.8),
        Stage(phase="up", name="clustermesh", started=113.4, seconds=33.0),
        Stage(phase="up", name="gateway-api", cluster=aws, started=146.4, seconds=4.1),
        Stage(phase="up", name="istio", cluster=aws, started=150.5, seconds=44.6),
        Stage(phase="up", name="istio", cluster=azure, started=146.5, seconds=46.9),
        Stage(phase="suites", name="mobile_routing", started=0, seconds=88.2),
        Stage(phase="suites", name="canary_split", started=0.3, seconds=242.6),
        Stage(phase="suites", name="cross_cluster_policy", started=88.5, seconds=311.4),
        Stage(phase="suites", name="rbac_denial", started=243.1, seconds=198.9),
        Stage(phase="down", name="delete", cluster=aws, started=0, seconds=6.8),
        Stage(phase="down", name="delete", cluster=azure, started=0.1, seconds=7.4),
    )


def _mobile_routing() -> tuple[Requirement, ...]:
    return (
        _asked(
            _MR,
            "MR1",
            'A user agent with "Mobile" reaches mobile-service v2, always.',
            8.4,
            _answers(500, 500),
        ),
        _asked(
            _MR,
            "MR2",
            "Any other user agent, or none, reaches web-service v1, always.",
            9.1,
            _answers(500, 500),
        ),
        _asked(
            _MR,
            "MR3",
            "The other versions of both services receive nothing.",
            2.2,
            {"n": 1000, "hits": 0, "control": 1000},
        ),
        _asked(
            _MR,
            "MR5",
            "Generated user agents agree with the expression, each way.",
            31.7,
            {"examples": 400},
        ),
        _asked(
            _MR,
            "MR6",
            "Routing by user agent holds under load.",
            36.8,
            _answers(21904, 21904, p99=48.113),
        ),
    )


def _canary_split() -> tuple[Requirement, ...]:
    return (
        _asked(
            _CS,
            "CS1",
            "Requests are split 90 to 10 between api-service and its canary.",
            14.3,
            _decided("api-service", 1153, 1279, 0.8765, 0.9219, declared=0.9)
            | _decided("api-service-canary", 126, 1279, 0.0781, 0.1235, declared=0.1),
            variant="aws-cluster",
        ),
        _asked(
            _CS,
            "CS3",
            "Without the header, or with another value, nothing is routed (404).",
            3.0,
            _answers(240, 240),
        ),
        _asked(
            _CS,
            "CS4",
            "Draws are independent of each other.",
            0.1,
            {"n": 1279, "hits": 126, "p_value": 0.4127},
        ),
        _asked(
            _CS,
            "CS7",
            "Requests are split 90 to 10 while Locust drives the gateway.",
            61.5,
            _decided("api-service", 8392, 10000, 0.8295, 0.8485, declared=0.9)
            | _decided("api-service-canary", 1608, 10000, 0.1515, 0.1705, declared=0.1),
            variant="aws-cluster",
            verdict="fail",
            reason="api-service-canary answered 1608 of 10000 (16.1%, declared 10.0%): too many",
        ),
        _asked(
            _CS,
            "CS8",
            "Editing the weights to 50/50 and back under load drops no request.",
            44.0,
            _decided("api-service", 652, 1310, 0.4617, 0.5337, declared=0.5),
        ),
    )


def _cross_cluster_policy() -> tuple[Requirement, ...]:
    return (
        _asked(
            _XP,
            "XP1",
            "backend of azure-cluster reaches frontend of aws-cluster.",
            4.6,
            _answers(200, 200),
        ),
        _asked(
            _XP,
            "XP2",
            "backend of aws-cluster does not reach frontend.",
            6.2,
            {
                "other.n": 50,
                "other.leaks": 0,
                "other.drops": 50,
                "frontend.n": 50,
                "frontend.hits": 50,
            },
        ),
        _asked(
            _XP,
            "XP6",
            "A pod that gains or loses the label gains or loses access within T.",
            27.9,
            {"gained_seconds": 1.8, "lost_seconds": 2.4, "deadline": 10},
        ),
        _asked(
            _XP,
            "XP7",
            "Access and denial across clusters hold under load, without a leak.",
            62.4,
            {"n": 1180, "leaks": 0},
            verdict="inconclusive",
            reason="412 of 1592 were not sent in time by a starved generator; the first: GET "
            "http://frontend.default.svc.cluster.local/ as app=backend, denied 1180: starved",
        ),
    )


def _rbac_denial() -> tuple[Requirement, ...]:
    denied = "denied by RBAC"
    return (
        _asked(
            _RB,
            "RB1",
            "GET /api/v1/* as default/frontend is served.",
            5.5,
            _answers(300, 300),
            variant="aws-cluster",
        ),
        _asked(
            _RB,
            "RB1",
            "GET /api/v1/* as default/frontend is served.",
            5.9,
            _answers(300, 300, p50=3.377, p99=11.402),
            variant="azure-cluster",
        ),
        _asked(
            _RB,
            "RB3",
            "Other paths are refused, the ways around them too.",
            12.8,
            {"n": 720, "hits": 720, "leaks": 0},
            reason=f"all 720 were {denied}",
        ),
        _asked(
            _RB,
            "RB9",
            "Under load not one of the denied leaks and not one of the allowed fails.",
            66.1,
            {
                f"{who}.{name}": value
                for who in ("allowed", "denied")
                for name, value in _answers(18342, 18342, p99=37.92).items()
            },
            reason=f"all 18342 were served; all 18342 were {denied}",
        ),
    )


def _asked(  # the sample's own shorthand, in the order of the schema
    source: _Source,
    id: str,  # noqa: A002 - the schema's name
    sentence: str,
    seconds: float,
    numbers: Numbers,
    *,
    variant: str = "",
    verdict: Status = "pass",
    reason: str = "all requests were answered as the sentence says",
) -> Requirement:
    name = f"{source.suite}/{id}{'-' + variant if variant else ''}"
    test = f"suites/{source.suite}/test_{source.suite}.py::test_{id.lower()}"
    return Requirement(
        id=id,
        variant=variant,
        suite=source.suite,
        sentence=sentence,
        source=source.kind,
        verdict=verdict,
        reason=reason,
        numbers=numbers,
        history=f"histories/{name}.jsonl",
        evidence="" if verdict == "pass" else f"evidence/{name}",
        test=f"{test}[{variant}]" if variant else test,
        seconds=seconds,
    )


def _answers(n: int, hits: int, p50: float = 2.914, p99: float = 9.27) -> Numbers:
    return {
        "n": n,
        "hits": hits,
        "low": 0.0 if not hits else round(0.005 ** (1 / n), 4),
        "high": 1.0,
        "errors": 0,
        "error_rate": 0.0,
        "p50_ms": p50,
        "p99_ms": p99,
    }


def _decided(
    service: str, hits: int, n: int, low: float, high: float, *, declared: float
) -> Numbers:
    values: Numbers = {
        "n": n,
        "hits": hits,
        "declared": declared,
        "low": low,
        "high": high,
        "expected_n": 1270,
        "alpha": 1e-6,
        "beta": 1e-6,
    }
    return {f"{service}.{name}": value for name, value in values.items()}


def _images() -> tuple[Image, ...]:
    names = ("istio/pilot:1.31.0", "istio/proxyv2:1.31.0", "cilium/cilium:v1.20.2")
    return tuple(
        Image(
            reference=f"images.example/{name}",
            digest=f"sha256:{index:02x}{'5e1d0c9b7a3f4826' * 4}"[:71],
            source="pulled",
        )
        for index, name in enumerate(names, 17)
    )
