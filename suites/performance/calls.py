"""Who calls whom by gRPC: a service's pods, by sidecars and a Gateway, and a service without any.

The server is Gateway API's echo (conformance/echo-basic/grpcecho.proto): `Echo` and `EchoTwo` tell
which pod answers, and `EchoThree` is not implemented.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from clusters.kube import Document
from clusters.objects import is_ready, of_gateway
from clusters.waiting import wait_for
from fixtures.history import History
from fixtures.lab import convergence
from fixtures.lab.convergence.marker import MARKER, host
from fixtures.traffic import protobuf
from fixtures.traffic.client import ClientPod, join
from fixtures.traffic.grpc import Call, Connection, Pod, Reply, converse
from suites.performance.subject import EDGE, Stage

CALLS_ROUTE = "grpcroute-calls"
SERVICE = "gateway_api_conformance.echo_basic.grpcecho.GrpcEcho"
ECHO, ECHO_TWO, ECHO_THREE = (f"/{SERVICE}/{method}" for method in ("Echo", "EchoTwo", "EchoThree"))
PORT = 82
TALKER, OTHER, SILENT = "talker", "other-talker", "silent"
COUNT = 400
"""Calls over one connection: enough to tell two equal shares from one pod's three quarters."""
BY_SIDECAR, BY_GATEWAY = "calls by sidecars", "calls by the Gateway"
WAYS = (BY_SIDECAR, BY_GATEWAY)
UNKNOWN, UNKNOWN_BY_GATEWAY = "unknown method by sidecars", "unknown method by the Gateway"
BY_METHOD, NOBODY = "by its method by the Gateway", "without a pod"
DENIED, ADMITTED, OTHERS = "denied", "the denied one's other method", "another's denied method"
GENERATION = "x-generation"
_ASSERTIONS, _CONTEXT, _SERVICE_NAME, _POD = 1, 4, 3, 4
"""Numbers of fields: EchoResponse.assertions.context.service_name, and .pod beside it."""


def call(stage: Stage) -> History:
    """Make all calls: many over one connection, by each way, and one of each other kind.

    Raises:
        CommandError: the program could not be started.
        NotReadyError: a proxy did not learn of the pods, or the Gateway of its routes, in time.
    """
    _wait_known(stage)
    _wait_routed(stage)
    talker = partial(_by_sidecar, stage, TALKER)
    many = [Call(ECHO)] * COUNT
    own = {
        BY_SIDECAR: talker(*many),
        UNKNOWN: talker(Call(ECHO_THREE)),
        OTHERS: talker(Call(ECHO_TWO)),
        NOBODY: _by_sidecar(stage, SILENT, Call(ECHO)),
    }
    loud = {DENIED: talker(Call(ECHO_TWO)), ADMITTED: talker(Call(ECHO))}
    outside = {
        BY_GATEWAY: _by_gateway(stage, *many),
        BY_METHOD: _by_gateway(stage, Call(ECHO_TWO)),
        UNKNOWN_BY_GATEWAY: _by_gateway(stage, Call(ECHO_THREE)),
    }
    some = ((stage.steady, own), (stage.loud, loud), (stage.outsider, outside))
    return join(_made(client, connections) for client, connections in some)


def pods(stage: Stage) -> dict[str, str]:
    """The ready pods that the calls of one connection are for, with their addresses."""
    every = stage.space.kube.list("v1", "Pod", stage.space.namespace, f"app={TALKER}")
    return {p["metadata"]["name"]: str(p["status"]["podIP"]) for p in every if is_ready(p)}


def who(reply: Reply) -> Pod:
    """Which pod says that it answered; nobody if none does, or not as an echo does."""
    try:
        (message,) = reply.messages
        (assertions,) = protobuf.parts(message, _ASSERTIONS)
        (context,) = protobuf.parts(assertions, _CONTEXT)
        (service,), (pod,) = (protobuf.texts(context, each) for each in (_SERVICE_NAME, _POD))
    except ValueError:
        return Pod()
    return Pod(service, pod)


def _made(client: ClientPod, connections: dict[str, Connection]) -> History:
    every = converse(client, connections.values())
    named = zip(connections.items(), every, strict=True)
    return join(replies.history(client, name, each, who) for (name, each), replies in named)


def _by_sidecar(stage: Stage, service: str, *calls: Call) -> Connection:
    name = stage.space.host(service)
    return Connection(name, PORT, f"{name}:{PORT}", calls)


def _by_gateway(stage: Stage, *calls: Call) -> Connection:
    return Connection(stage.address, PORT, "calls.example", calls)


def _wait_known(stage: Stage) -> None:
    """Wait until the client's proxy and the Gateway's have all pods."""
    space, wanted = stage.space, [f"{address}:3000" for address in pods(stage).values()]
    gateway = space.kube.pod(space.namespace, of_gateway(EDGE))["metadata"]["name"]
    for client in (stage.steady, ClientPod(space.kube, space.namespace, gateway, "")):
        convergence.members(client, space.host(TALKER), wanted, stage.deadline)


def _wait_routed(stage: Stage) -> None:
    """Wait until the Gateway has all GRPCRoutes that were applied before, by one more of them."""
    mark = convergence.generation()
    stage.space.apply(route_marker(mark))
    asking = replace(_by_gateway(stage, Call(ECHO)), authority=host(mark))

    def pending() -> str:
        (said,) = converse(stage.outsider, [asking])
        (reply,) = said.replies
        return "" if reply.headers.get(GENERATION) == mark else reply.words

    look = stage.space.kubectl("get gateways,grpcroutes -o yaml")
    wait_for(f"Gateway/{EDGE} to have its GRPCRoutes as of {mark}", pending, stage.deadline, look)


def route_marker(mark: str) -> Document:
    """A GRPCRoute for a host of its own; whatever is answered there bears the generation."""
    bearing = {"set": [{"name": GENERATION, "value": mark}]}
    filters = [{"type": "ResponseHeaderModifier", "responseHeaderModifier": bearing}]
    backends = [{"name": "echo", "port": 81}]
    return {
        "apiVersion": convergence.GATEWAY_API,
        "kind": "GRPCRoute",
        "metadata": {"name": MARKER},
        "spec": {
            "parentRefs": [{"name": EDGE, "sectionName": "calls"}],
            "hostnames": [host(mark)],
            "rules": [{"filters": filters, "backendRefs": backends}],
        },
    }
