"""Helm, as the components use it: one release in one cluster. It waits for nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from clusters import files
from clusters.process import run
from clusters.topology import Cluster


@dataclass(frozen=True)
class Helm:
    """The helm program, with a folder of our own for what it would keep in the user's."""

    program: Path
    work: Path
    logs: Path

    def upgrade(
        self, cluster: Cluster, release: str, chart: Path, namespace: str, values: dict[str, Any]
    ) -> None:
        """Install a release or bring it to these values.

        The values stand in a file that only the user can read: Cilium's hold a key.

        Raises:
            CommandError: helm failed; the error repeats the end of its output.
        """
        file = self.work / f"{cluster.name}.{release}.values.yaml"
        files.write(file, yaml.safe_dump(values, sort_keys=True), mode=0o600)
        self._run(
            cluster, release, namespace, "upgrade", "--install", release, str(chart),
            "--create-namespace", "--values", str(file),
            "--disable-openapi-validation",  # the API server checks what it is given
        )  # fmt: skip

    def rollback(self, cluster: Cluster, release: str, namespace: str) -> None:
        """Bring a release back to what it was before its last upgrade.

        Raises:
            CommandError: helm failed, or there is nothing before.
        """
        self._run(cluster, release, namespace, "rollback", release)

    def uninstall(self, cluster: Cluster, release: str, namespace: str) -> None:
        """Take a release away; one that is not there is no error.

        Raises:
            CommandError: helm failed.
        """
        self._run(cluster, release, namespace, "uninstall", release, "--ignore-not-found")

    def _run(self, cluster: Cluster, release: str, namespace: str, *words: str) -> None:
        run(
            [
                self.program, *words, "--namespace", namespace,
                "--kubeconfig", cluster.kubeconfig, "--kube-context", cluster.context,
            ],
            env={
                "HELM_CACHE_HOME": str(self.work / "helm" / "cache"),
                "HELM_CONFIG_HOME": str(self.work / "helm" / "config"),
                "HELM_DATA_HOME": str(self.work / "helm" / "data"),
            },
            timeout=300,
            direct=True,
            log=self.logs / f"helm-{cluster.name}-{release}.log",
        )  # fmt: skip


def merge_values(one: dict[str, object], other: dict[str, object]) -> dict[str, object]:
    """Two values files as helm merges them: tables deeply, the second wins."""
    whole = dict(one)
    for key, value in other.items():
        before = whole.get(key)
        both = isinstance(before, dict) and isinstance(value, dict)
        whole[key] = merge_values(before, value) if both else value  # type: ignore[arg-type]
    return whole
