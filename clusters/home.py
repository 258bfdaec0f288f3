"""Where this harness keeps its files: one folder of the user's, laid out here and nowhere else.

Names paths and makes folders; it never reads or deletes what is in them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from clusters.errors import PlaceError
from clusters.files import why
from clusters.settings import Settings


@dataclass(frozen=True)
class Home:
    """The folder: caches that may be deleted at any time, and the lab's own state."""

    root: Path

    @classmethod
    def of_user(cls) -> Home:
        """$PLUMBLINE_HOME, or `plumbline` in the user's cache folder (XDG base directories).

        Raises:
            PlaceError: its name holds what a mount of Docker's cannot be told.
            SettingsError: a variable has a value that it cannot have.
        """
        settings = Settings.of_user()
        cache = settings.cache or Path.home() / ".cache"
        named = settings.home or cache / "plumbline"
        root = named.expanduser().absolute()
        shown = os.fsencode(root).decode(errors="backslashreplace")
        if shown != str(root) or not shown.isprintable() or set(",:") & set(shown):
            raise PlaceError(
                "PLUMBLINE_HOME to name a folder in UTF-8, as the locale, without comma or colon",
                seen=shown.encode("unicode_escape").decode("ascii"),
                look="PLUMBLINE_HOME=/a/folder/of/yours make up",
            )
        return cls(root)

    def folder(self, *names: str) -> Path:
        """A folder below the root, made if need be.

        Raises:
            PlaceError: it cannot be made.
        """
        path = self.root.joinpath(*names)
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            look = "PLUMBLINE_HOME=/a/folder/of/yours make up"
            raise PlaceError(f"the folder {path}", seen=why(error), look=look) from None
        return path

    @property
    def lab(self) -> Path:
        """State of the clusters: kubeconfigs, topology, certificates, logs. Only for the user."""
        path = self.folder("lab")
        path.chmod(0o700)
        return path

    @property
    def topology(self) -> Path:
        """$PLUMBLINE_TOPOLOGY, or `topology.json` of the lab: where `up` and the suites look."""
        return Settings.of_user().topology or self.root / "lab" / "topology.json"

    @property
    def upgraded(self) -> Path:
        """There while the clusters are other than a bring-up makes them: an upgrade was at work."""
        return self.lab / "upgraded"

    @property
    def tools(self) -> Path:
        return self.folder("tools")

    @property
    def logs(self) -> Path:
        return self.folder("logs")
