"""Where this harness keeps its files: one folder of the user's, laid out here and nowhere else.

Names paths and makes folders; it never reads or deletes what is in them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Home:
    """The folder: caches that may be deleted at any time, and the lab's own state."""

    root: Path

    @classmethod
    def of_user(cls) -> Home:
        """$PLUMBLINE_HOME, or `plumbline` in the user's cache folder (XDG base directories)."""
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return cls(Path(os.environ.get("PLUMBLINE_HOME") or Path(cache) / "plumbline").absolute())

    def folder(self, *names: str) -> Path:
        """A folder below the root, made if need be."""
        path = self.root.joinpath(*names)
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def lab(self) -> Path:
        """State of the clusters: kubeconfigs, topology, certificates, logs. Only for the user."""
        path = self.folder("lab")
        path.chmod(0o700)
        return path

    @property
    def topology(self) -> Path:
        return Path(os.environ.get("PLUMBLINE_TOPOLOGY") or self.lab / "topology.json")

    @property
    def tools(self) -> Path:
        return self.folder("tools")

    @property
    def logs(self) -> Path:
        return self.folder("logs")
