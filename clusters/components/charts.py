"""Where the vendors' own charts and CRDs are: in their Go modules, fetched if need be.

It reads none of them; each component knows its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from clusters.components import cilium, gateway_api
from clusters.home import Home
from clusters.images import golang, modules
from clusters.progress import Progress
from clusters.versions import Train

CHARTED = ("cilium", "istio", "gateway-api")  # components whose charts or CRDs are read


@dataclass(frozen=True)
class Charts:
    """The folders that the components are given."""

    cilium: Path
    istio: Path
    gateway_api: Path

    @classmethod
    def of(cls, train: Train, home: Home, progress: Progress) -> Charts:
        """Those of a train.

        Raises:
            DownloadError, RecipeError: as `modules.folder` does.
        """
        with progress.step("vendors' charts"):
            folders = {
                name: modules.folder(golang.component(name, train), home, progress)
                for name in CHARTED
            }
        return cls(
            folders["cilium"] / cilium.CHART,
            folders["istio"],
            folders["gateway-api"] / gateway_api.CRDS,
        )
