"""The guest's registries: one real registry on this machine, asked under their published names.

Builds it, fills it with the engine's images under their published names, and starts it. What the
images are is not its business.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from clusters import tools
from clusters.engine import Engine
from clusters.errors import CommandError
from clusters.home import Home
from clusters.images import golang
from clusters.process import environment
from clusters.progress import Progress
from clusters.versions import Train
from tests import published
from tests.guest import network

FILL = "127.0.0.1:5000"
QUIET = {"OTEL_TRACES_EXPORTER": "none"}


@dataclass(frozen=True)
class Registry:
    """The program and the folder of what it holds."""

    program: Path
    folder: Path

    @classmethod
    def ensure(cls, home: Home, train: Train) -> Registry:
        """Built if need be.

        Raises:
            DoctorError: there is no Go to build it.
            CommandError: the build failed.
        """
        part = golang.component("distribution", train)
        program = home.folder("guest", "registry-program", part.digest()[:12]) / "registry"
        if not program.exists():
            golang.require()
            with tempfile.TemporaryDirectory(dir=home.tools) as draft:
                log = home.logs / "go-distribution.log"
                built = golang.Toolchain(home).build(part, ["."], Path(draft), log)["."]
                built.replace(program)
        return cls(program, home.folder("guest", "registry"))

    def start(self, folder: Path, address: str, tls: bool) -> subprocess.Popen[bytes]:
        """Start it in the guest's network namespace; its settings and log go into a folder."""
        settings = folder / "registry.json"  # JSON is YAML as well
        http: dict[str, object] = {"addr": address}
        if tls:
            http["tls"] = {
                "certificate": str(folder / "server.crt"), "key": str(folder / "server.key"),
            }  # fmt: skip
        storage = {"filesystem": {"rootdirectory": str(self.folder)}}
        settings.write_text(
            json.dumps({"version": 0.1, "log": {"level": "warn"}, "storage": storage, "http": http})
        )
        with (folder / "registry.log").open("ab") as log:
            return subprocess.Popen(
                network.inside(self.program, "serve", settings), stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT, env=environment(QUIET),
                start_new_session=True,
            )  # fmt: skip

    def fill(
        self, home: Home, engine: Engine, train: Train, folder: Path, progress: Progress
    ) -> dict[str, str]:
        """Push every image of the train that it has not, in the shape in which they are published.

        The result is the digest of each index by the published name.

        Raises:
            CommandError: the engine lacks one, or it could not be pushed.
        """
        note = self.folder / "digests.json"
        known = json.loads(note.read_text()) if note.exists() else {}
        crane = tools.ensure("crane", home, train, progress)
        for name in train.images:
            reference = train.reference(name)
            inspected = engine.inspect("image", reference)
            if inspected is None:
                raise CommandError(
                    f"{reference} in the engine", seen="no such image", look="make up IMAGES=forge"
                )
            if known.get(reference, {}).get("id") == inspected["Id"]:
                continue
            with (
                progress.step(f"push {reference}"),
                tempfile.TemporaryDirectory(dir=folder) as draft,
            ):
                digest = published.publish_held(
                    engine, reference, FILL, network.inside(crane), Path(draft)
                )
            known[reference] = {"id": inspected["Id"], "digest": digest}
            note.write_text(json.dumps(known, indent=1))
        return {reference: entry["digest"] for reference, entry in known.items()}
