"""A real Envoy before real echo servers, in the engine that is there, and the prober that asks it.

One listener per behaviour; the routes have the form that Istio and Gateway API give them.
What is wrong on purpose is the configuration: nothing here plays a part of the lab.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

os.environ["TESTCONTAINERS_RYUK_DISABLED"] = "true"  # testcontainers reads it when imported

from testcontainers.core.container import DockerContainer
from testcontainers.core.wait_strategies import LogMessageWaitStrategy

from clusters import versions
from fixtures.checks import nonces
from fixtures.history import History
from fixtures.history.streams import ClientId, Plan, Stream
from fixtures.traffic.pod import bundle

TRAIN = "2026-08"
WHO = ClientId(caller="prober", cluster="none", identity="outside the service mesh")
PORT = 3000  # of the echo servers
FIRST_PORT = 10_000  # of Envoy's listeners
DEADLINE = 20  # seconds, for a container to be ready
JSON = {"Content-Type": "application/json"}

Tree = dict[str, Any]


# --- Envoy's configuration -----------------------------------------------------------------


def header(name: str, **match: object) -> Tree:
    return {"prefix": "/", "headers": [{"name": name, "string_match": match}]}


def all_to(service: str) -> list[Tree]:
    return [{"match": {"prefix": "/"}, "route": {"cluster": service}}]


def weighted(weights: Mapping[str, int]) -> list[Tree]:
    """One route for JSON, as Gateway API's exact header match with weighted backends."""
    shares = [{"name": name, "weight": weight} for name, weight in weights.items()]
    route = {"weighted_clusters": {"clusters": shares}}
    return [{"match": header("content-type", exact="application/json"), "route": route}]


@dataclass(frozen=True)
class Behaviour:
    """One listener: its routes, and the filters before its router."""

    routes: list[Tree]
    filters: list[Tree] = field(default_factory=list)

    def listener(self, port: int) -> Tree:
        filters = "type.googleapis.com/envoy.extensions.filters"
        router = {"@type": f"{filters}.http.router.v3.Router"}
        host = {"name": "any", "domains": ["*"], "routes": self.routes}
        manager = {
            "@type": f"{filters}.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": str(port),
            "normalize_path": True,
            "route_config": {"virtual_hosts": [host]},
            "http_filters": [*self.filters, {"name": "router", "typed_config": router}],
        }
        chain = {"filters": [{"name": "http", "typed_config": manager}]}
        return {"address": _socket("0.0.0.0", port), "filter_chains": [chain]}  # noqa: S104


def bootstrap(listeners: Sequence[Tree], addresses: Mapping[str, str]) -> Tree:
    """Envoy's static configuration, for echo servers at these addresses."""
    clusters = [_cluster(service, address) for service, address in addresses.items()]
    return {"static_resources": {"listeners": list(listeners), "clusters": clusters}}


def _cluster(service: str, address: str) -> Tree:
    endpoint = {"endpoint": {"address": _socket(address, PORT)}}
    return {
        "name": service,
        "connect_timeout": "1s",
        "load_assignment": {"cluster_name": service, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _socket(host: str, port: int) -> Tree:
    return {"socket_address": {"address": host, "port_value": port}}


# --- what runs -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Place:
    """Envoy and the echo servers as they run, a port per behaviour, and the prober's folder."""

    envoy: DockerContainer
    echoes: dict[str, DockerContainer]
    ports: dict[str, int]
    pod: Path

    def url(self, behaviour: str) -> str:
        host = self.envoy.get_container_host_ip()
        return f"http://{host}:{self.envoy.get_exposed_port(self.ports[behaviour])}/"

    def probe(self, *streams: Stream, timeout: float = 60) -> History:
        """Run the prober as a pod does: by itself, with a plan on its standard input."""
        done = subprocess.run(
            [sys.executable, "-S", "-s", str(self.pod / "prober.py")],
            input=Plan(who=WHO, streams=streams).model_dump_json(),
            env={"PYTHONPATH": str(self.pod / "httpx.zip")},
            capture_output=True,
            text=True,
            check=True,
            timeout=timeout,
        )
        return History.parse(done.stdout.splitlines())

    def record(self, service: str) -> frozenset[str]:
        """The nonces in an echo server's own log."""
        out, error = self.echoes[service].get_logs()
        return nonces((out + error).decode())


@contextmanager
def running(
    behaviours: Mapping[str, Behaviour], services: Sequence[str], pod: Path
) -> Iterator[Place]:
    """All of it started; the prober's files go into the folder `pod`. Ends what it started."""
    for name, content in bundle().items():
        (pod / name).write_bytes(content)
    ports = {name: FIRST_PORT + number for number, name in enumerate(behaviours)}
    listeners = [each.listener(ports[name]) for name, each in behaviours.items()]
    with ExitStack() as started:
        echoes = {service: started.enter_context(_echo(service)) for service in services}
        addresses = {service: address_of(container) for service, container in echoes.items()}
        config = bootstrap(listeners, addresses)
        envoy = started.enter_context(_envoy(config, tuple(ports.values())))
        yield Place(envoy, echoes, ports, pod)


def address_of(container: DockerContainer) -> str:
    """Its address in Docker's default network, where Envoy is too."""
    address: str = container.get_docker_client().bridge_ip(container.get_container_id())
    return address


def _echo(service: str) -> DockerContainer:
    ready = LogMessageWaitStrategy(f"listening on port {PORT}").with_poll_interval(0.05)
    names = {"SERVICE_NAME": service, "POD_NAME": f"{service}-0", "NAMESPACE": "tests"}
    container = DockerContainer(_image("echo")).with_envs(HTTP_PORT=str(PORT), **names)
    return container.waiting_for(ready.with_startup_timeout(DEADLINE))


def _envoy(config: Tree, ports: Sequence[int]) -> DockerContainer:
    ready = LogMessageWaitStrategy("starting main dispatch loop").with_poll_interval(0.05)
    container = DockerContainer(_image("envoy")).with_exposed_ports(*ports)
    # An image from elsewhere has a start script that takes Envoy's own arguments, as ours does.
    command = ["--config-yaml", yaml.safe_dump(config), "--concurrency", "1"]
    return container.with_command(command).waiting_for(ready.with_startup_timeout(DEADLINE))


def _image(name: str) -> str:
    return versions.load(TRAIN).reference(name)
