"""Every error that a person meets: what was expected, what was seen, where to look.

The tree, one branch per thing that a user can mend:

    PlumblineError
      VersionsError      a versions file is unknown or malformed
      RecipeError        an image recipe is malformed
      TopologyError      topology.json is missing or does not hold what was asked of it
      DoctorError        this machine lacks something that cannot be installed
      EngineError        no container engine, or it does not answer
      DownloadError      a file could not be fetched, or is not the one that is pinned
      CommandError       a program that we ran failed; carries the command, ready to paste
      RegistryError      a registry gives or takes no image; carries its own words and the ways out
      ForeignError       something of that name exists and is not ours
      PlaceError         a file or folder of ours cannot be written or read
      LockedError        another run holds the lock
      NotReadyError      a deadline passed; carries what was waited for and what was seen
      InterruptedRunError     a signal ended the work
"""

from __future__ import annotations


class PlumblineError(Exception):
    """The root: `expected` what should hold, `seen` what does, `look` a command to go on with."""

    def __init__(self, expected: str, *, seen: str, look: str = "") -> None:
        super().__init__(expected, seen, look)
        self.expected = expected
        self.seen = seen
        self.look = look

    def __str__(self) -> str:
        lines = [f"expected: {self.expected}", f"seen:     {self.seen}"]
        if self.look:
            lines.append(f"look:     {self.look}")
        return "\n".join(lines)


class VersionsError(PlumblineError):
    """A versions file is unknown or malformed."""


class RecipeError(PlumblineError):
    """An image recipe is malformed."""


class TopologyError(PlumblineError):
    """topology.json is missing, or does not hold what was asked of it."""


class DoctorError(PlumblineError):
    """This machine lacks something that cannot be installed for the user."""


class EngineError(PlumblineError):
    """There is no container engine, or it does not answer."""


class DownloadError(PlumblineError):
    """A file could not be fetched, or is not the one that is pinned.

    `absent`: whoever was asked says that there is none, so that another may be asked.
    """

    def __init__(self, expected: str, *, seen: str, look: str = "", absent: bool = False) -> None:
        super().__init__(expected, seen=seen, look=look)
        self.absent = absent


class CommandError(PlumblineError):
    """A program that we ran failed."""


class RegistryError(PlumblineError):
    """A registry does not give an image, or does not take one; `reason` is a word for why."""

    def __init__(self, expected: str, *, seen: str, look: str = "", reason: str = "") -> None:
        super().__init__(expected, seen=seen, look=look)
        self.reason = reason


class ForeignError(PlumblineError):
    """Something of that name exists and was not made by this harness."""


class PlaceError(PlumblineError):
    """A file or a folder of this harness cannot be written or read."""


class LockedError(PlumblineError):
    """Another run holds the lock."""


class NotReadyError(PlumblineError):
    """A deadline passed before a condition held."""


class InterruptedRunError(PlumblineError):
    """A signal ended the work before it was done."""
