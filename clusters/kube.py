"""Kube: one cluster of the topology, by the few verbs that components and suites need.

Here, to run programs in its pods; reading and writing stand in kube_reader.py and kube_writer.py.
It knows nothing of pytest, suites or ClusterMesh; how its API server is reached stands in
api_server.py.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from websocket import WebSocketException

from clusters import remote
from clusters.errors import CommandError
from clusters.kube_reader import Document
from clusters.kube_writer import KubeWriter
from clusters.remote import Container

__all__ = ["Document", "Kube"]


class Kube(KubeWriter):
    """One cluster. Safe to use from several threads."""

    def exec(
        self, container: Container, command: Sequence[str], *, stdin: str = "", deadline: float = 60
    ) -> str:
        """Run a program in a pod, give it `stdin`, and return what it wrote to stdout.

        Raises:
            CommandError: it could not be started, failed, or ran past `deadline` seconds.
        """
        ended = self.run(container, command, stdin=stdin, deadline=deadline)
        if ended.how != remote.SUCCESS:
            raise CommandError(
                f"{command[0]} in {self.cluster.name}/{container.namespace}/{container.pod}"
                " to succeed",
                seen=f"{ended.how}\n{ended.err[-2000:]}".strip(),
                look=self._command_line(container, command),
            )
        return ended.out

    def run(  # noqa: PLR0913 (what runs where, and who hears of it)
        self,
        container: Container,
        command: Sequence[str],
        *,
        stdin: str = "",
        deadline: float = 60,
        speaking: threading.Event | None = None,
        heard: Callable[[str], None] | None = None,
    ) -> remote.Ended:
        """Run a program in a pod as `exec` does, and tell how it ended, whatever that was.

        `speaking` is set as soon as it has written anything to stdout; `heard` is given each whole
        line of it as soon as it is there, but for the last ones of a program that has ended.

        Raises:
            CommandError: it could not be started.
            ForeignError: nobody agreed to it.
        """
        self._bounds.see_run(container.namespace, container.pod)
        try:
            socket = remote.attach(self._server.client, container, command, stdin=bool(stdin))
        except (WebSocketException, OSError) as error:
            raise CommandError(
                f"{command[0]} to start in {container.pod}",
                seen=str(error),
                look=self._command_line(container, command),
            ) from None
        self._note_pod("exec", container.namespace, container.pod)
        return remote.talk(socket, stdin, deadline, speaking, heard)

    def dial(self, namespace: str, pod: str, port: int) -> Any:
        """A connection to a port of a pod, through the API server; it has a socket's methods.

        Raises:
            CommandError: it could not be made.
            ForeignError: nobody agreed to it.
        """
        self._bounds.see_run(namespace, pod)
        try:
            connection = remote.dial(self._server.client, namespace, pod, port)
        except (WebSocketException, OSError) as error:
            raise CommandError(
                f"a connection to port {port} of {namespace}/{pod}",
                seen=str(error),
                look=self.kubectl(f"-n {namespace} port-forward {pod} {port}"),
            ) from None
        self._note_pod("portforward", namespace, pod)
        return connection

    def _note_pod(self, verb: str, namespace: str, pod: str) -> None:
        self._note(verb, {"kind": "Pod", "metadata": {"name": pod}}, namespace)

    def _command_line(self, container: Container, command: Sequence[str]) -> str:
        where = f"-n {container.namespace} exec {container.pod} -c {container.name}"
        words = f"{where} -- {' '.join(command)}"
        return self.kubectl(words[:400])
