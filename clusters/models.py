"""Plain models that more than one package has: what a machine is, and an image.

They stand in topology.json and in results.json alike, so that a field of one is never a field
of the other by another name. They know nothing of either file.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """A model that never changes, and refuses a field that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Machine(Frozen):
    """The machine a run was measured on; every figure in a report is read beside it."""

    cpu: str
    cores: int
    memory_bytes: int
    kernel: str
    system: str


class Image(Frozen):
    """One image that runs in the clusters, under the name that its chart uses.

    `digest` is the repository digest of a pulled image, and the image id (the digest of
    its configuration) of one that was built, which was never in a registry.
    """

    reference: str
    digest: str
    source: str = Field(description="pull or forge")
