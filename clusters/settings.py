"""Settings: all that is read from the environment, declared once with type, default, a sentence.

Nobody else reads a variable (tests/test_settings.py). It is read anew each time, and whoever
needs a setting asks for it there and then. What a setting means in detail, its owner checks:
`IMAGES=1` is nonsense for `make up` and something else for `make down`.

docs/settings.md has the whole table, made from this.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, SettingsConfigDict

from clusters.errors import SettingsError

OURS = "ours"
INNER = "between our own processes"
"""Set by one of our processes for another: nobody else need know of it."""
OTHERS = "of others"
"""What belongs to another program, and is read here as that program reads it."""
ROOT = Path(__file__).parent.parent
CLUSTERMESH = ROOT / "fixtures/manifests/reference/ciliumclustermeshconfig.yaml"
"""The document that names the clusters: the one place where clusters/ knows of fixtures/."""


def _variable(name: str, default: object, text: str, whose: str = OURS) -> Any:
    return Field(
        default=default,
        validation_alias=name,
        description=text,
        json_schema_extra={"whose": whose},
    )


class Settings(BaseSettings):
    """The environment as this process has it; an empty variable is one that is not set."""

    model_config = SettingsConfigDict(frozen=True, case_sensitive=True, env_ignore_empty=True)

    versions: str = _variable(
        "VERSIONS", "", "the release train, a file in clusters/versions; without it the newest"
    )
    images: str = _variable(
        "IMAGES",
        "auto",
        "where images come from: `pull`, `forge`, or `auto`, which decides and says why",
    )
    mirror: str = _variable(
        "MIRROR",
        "",
        "registries of your own to pull from: `host:port/prefix` for all, or "
        "`docker.io=host/hub,quay.io=host/quay` for some",
    )
    engine: str = _variable(
        "ENGINE", "auto", "which Docker: `private` starts one of our own, `auto` takes yours first"
    )
    manifests: str = _variable(
        "MANIFESTS", "", "a folder of files that stand in for the reference's of their names"
    )
    keep: bool = _variable(
        "KEEP", False, "`1`: `make e2e` and `make upgrade` leave the clusters up"
    )
    nodes: str = _variable(
        "NODES",
        "1",
        "how many nodes each cluster has, or some: `aws-cluster=3`, and the others have one",
    )
    clustermesh: Path | None = _variable(
        "PLUMBLINE_CLUSTERMESH",
        None,
        "the CiliumClustermeshConfig that names the clusters, two to four; without it that of "
        "`MANIFESTS`, or the reference's",
    )
    home: Path | None = _variable(
        "PLUMBLINE_HOME",
        None,
        "the folder of caches and of the lab's state; without it `plumbline` in the user's cache",
    )
    topology: Path | None = _variable(
        "PLUMBLINE_TOPOLOGY", None, "topology.json; without it the one of the lab's state"
    )
    net: str = _variable(
        "PLUMBLINE_NET", "", "the lab's addresses, a free /15; without it one that nobody holds"
    )
    run: str = _variable(
        "PLUMBLINE_RUN", "", "the run's name, its folder in reports/out; without it the time"
    )

    lock_held: str = _variable(
        "PLUMBLINE_LOCK_HELD", "", "the lab whose lock a process above this one holds", INNER
    )

    cache: Path | None = _variable(
        "XDG_CACHE_HOME", None, "the user's cache folder; without it `~/.cache`", OTHERS
    )
    docker_host: str = _variable("DOCKER_HOST", "", "where your Docker listens", OTHERS)
    go_proxy: str = _variable(
        "GOPROXY", "", "the proxies of Go modules; without it what `go env` says", OTHERS
    )
    github_actions: str = _variable(
        "GITHUB_ACTIONS",
        "",
        "set in a workflow: what is red is told as its annotations too",
        OTHERS,
    )
    step_summary: str = _variable(
        "GITHUB_STEP_SUMMARY", "", "the file that a workflow's step takes Markdown in", OTHERS
    )

    @property
    def clustermesh_file(self) -> Path:
        """The document that names the clusters."""
        if self.clustermesh:
            return self.clustermesh
        own = Path(self.manifests).expanduser() / CLUSTERMESH.name
        return own if self.manifests and own.is_file() else CLUSTERMESH

    @classmethod
    def names(cls, whose: str = OURS) -> tuple[str, ...]:
        """The variables that are declared here: ours, or one of the other kinds."""
        return tuple(str(f.validation_alias) for f in cls.declared(whose))

    @classmethod
    def declared(cls, whose: str) -> Iterator[FieldInfo]:
        """The fields of one kind, in order."""
        for field in cls.model_fields.values():
            extra = field.json_schema_extra
            if isinstance(extra, dict) and extra["whose"] == whose:
                yield field

    @classmethod
    def of_user(cls) -> Self:
        """The settings as they are now.

        Raises:
            SettingsError: a variable has a value that it cannot have; the error names it.
        """
        try:
            return cls()
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = str(first["loc"][0])
            raise SettingsError(
                f"{name}: {first['msg']}", seen=f"{name}={first['input']}", look=f"unset {name}"
            ) from None
