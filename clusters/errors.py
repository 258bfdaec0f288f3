"""Every error that a person meets: what was expected, what was seen, where to look.

The whole tree, one branch per kind of thing that a user can mend. Every package raises its
errors from here, and none defines one of its own.

    PlumblineError
      InputError             what was asked for, or given to work with, cannot be used
        SettingsError        a setting has a value that it cannot have
        VersionsError        a versions file is unknown or malformed
        RecipeError          an image recipe is malformed
        PlanError            the clusters or the addresses that are asked for cannot be planned
        DocumentError        a text is neither YAML nor JSON, or has a key twice
        ManifestsError       a folder of manifests cannot stand in for the reference's
        MutantsError         a catalogue of mutants is malformed, or names what is not there
        UnreadError          a field of a manifest whose meaning an oracle does not know
        MatrixError          matrix.toml is malformed, or a cell or a state of it cannot be used
        FaultsError          faults that there are not
        UpgradeError         an upgrade that cannot be, such as of a component that no train has
        BehaviourError       a package of tests says nothing of the behaviour that it asks for
        BaselineError        a run cannot become a baseline, or there is no baseline
        SiteError            a file that names existing clusters cannot be read
      MachineError           this machine cannot do it as it stands
        DoctorError          it lacks something that cannot be installed for the user
        EngineError          no container engine, or it does not answer
        ForeignError         something of that name exists and is not ours
        PlaceError           a file or a folder of ours cannot be written or read
        LockedError          another run holds the lock
      SupplyError            what is fetched from elsewhere did not come
        DownloadError        a file could not be fetched, or is not the one that is pinned
        RegistryError        a registry gives or takes no image; carries its own words
        DigestError          an image that was pulled is not the one that is pinned
      CommandError           a program that we ran failed; carries the command, ready to paste
      ClusterError           a cluster does not do what was asked of it
        KubeconfigError      its kubeconfig is missing, cut short, or without its context
        UnreachableError     its API server does not answer
        AccessError          its user may not do what is asked
        ConsentError         nobody agreed that this harness works in it
        UnservedKindError    it does not serve a document's kind
        RefusedError         its API server does not accept a document
        NotReadyError        a deadline passed; carries what was waited for and what was seen
        WrongManifestError   a manifest under test is refused, or not in force as a control is
      RecordError            what an earlier command left cannot be used
        TopologyError        topology.json is missing or does not hold what was asked of it
        ResultsError         results of a run, an upgrade or a matrix that cannot be read
        WatchError           a watch came to no account
      InterruptedRunError    a signal ended the work
"""

from __future__ import annotations

__all__ = [
    "AccessError",
    "BaselineError",
    "BehaviourError",
    "ClusterError",
    "CommandError",
    "ConsentError",
    "DigestError",
    "DoctorError",
    "DocumentError",
    "DownloadError",
    "EngineError",
    "FaultsError",
    "ForeignError",
    "InputError",
    "InterruptedRunError",
    "KubeconfigError",
    "LockedError",
    "MachineError",
    "ManifestsError",
    "MatrixError",
    "MutantsError",
    "NotReadyError",
    "PlaceError",
    "PlanError",
    "PlumblineError",
    "RecipeError",
    "RecordError",
    "RefusedError",
    "RegistryError",
    "ResultsError",
    "SettingsError",
    "SiteError",
    "SupplyError",
    "TopologyError",
    "UnreachableError",
    "UnreadError",
    "UnservedKindError",
    "UpgradeError",
    "VersionsError",
    "WatchError",
    "WrongManifestError",
]


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

    @property
    def line(self) -> str:
        """The same in one line, for a table or a note."""
        look = f"; look: {self.look}" if self.look else ""
        return f"expected {self.expected}, saw {self.seen}{look}"


# --- what was asked for, or given to work with ---------------------------------------------


class InputError(PlumblineError):
    """What was asked for, or given to work with, cannot be used."""


class SettingsError(InputError):
    """A setting, of the environment or of a command, has a value that it cannot have."""


class VersionsError(InputError):
    """A versions file is unknown or malformed."""


class RecipeError(InputError):
    """An image recipe is malformed."""


class PlanError(InputError):
    """The clusters or the addresses that are asked for cannot be planned."""


class DocumentError(InputError):
    """A text is neither YAML nor JSON, or has a key twice."""


class ManifestsError(InputError):
    """A folder of manifests cannot stand in for the reference's."""


class MutantsError(InputError):
    """A catalogue of mutants is malformed, or names something that is not there."""


class UnreadError(InputError):
    """A field of a manifest has a meaning that an oracle does not know."""


class MatrixError(InputError):
    """matrix.toml is malformed or names what is not there, or a cell is unknown."""


class FaultsError(InputError):
    """Faults that there are not."""


class UpgradeError(InputError):
    """An upgrade that cannot be, such as of a component that no train has."""


class BehaviourError(InputError):
    """A package of tests says nothing of the behaviour that it asks for."""


class BaselineError(InputError):
    """A run cannot become a baseline, or there is no baseline."""


class SiteError(InputError):
    """A file that names existing clusters cannot be read."""


# --- this machine --------------------------------------------------------------------------


class MachineError(PlumblineError):
    """This machine cannot do it as it stands."""


class DoctorError(MachineError):
    """This machine lacks something that cannot be installed for the user."""


class EngineError(MachineError):
    """There is no container engine, or it does not answer."""


class ForeignError(MachineError):
    """Something of that name exists and was not made by this harness."""


class PlaceError(MachineError):
    """A file or a folder of this harness cannot be written or read."""


class LockedError(MachineError):
    """Another run holds the lock."""


# --- what is fetched from elsewhere --------------------------------------------------------


class SupplyError(PlumblineError):
    """What is fetched from elsewhere did not come."""


class DownloadError(SupplyError):
    """A file could not be fetched, or is not the one that is pinned.

    `absent`: whoever was asked says that there is none, so that another may be asked.
    """

    def __init__(self, expected: str, *, seen: str, look: str = "", absent: bool = False) -> None:
        super().__init__(expected, seen=seen, look=look)
        self.absent = absent


class RegistryError(SupplyError):
    """A registry does not give an image, or does not take one; `reason` is a word for why."""

    def __init__(self, expected: str, *, seen: str, look: str = "", reason: str = "") -> None:
        super().__init__(expected, seen=seen, look=look)
        self.reason = reason


class DigestError(SupplyError):
    """What was pulled is not what the versions file pins."""


# --- programs and clusters -----------------------------------------------------------------


class CommandError(PlumblineError):
    """A program that we ran failed."""


class ClusterError(PlumblineError):
    """A cluster does not do what was asked of it."""


class KubeconfigError(ClusterError):
    """A cluster's kubeconfig is missing, cut short, or without its context."""


class UnreachableError(ClusterError):
    """The API server does not answer, or not without a webhook that does not."""


class AccessError(ClusterError):
    """The user of a cluster's kubeconfig may not do what is asked."""


class ConsentError(ClusterError):
    """Nobody agreed that this harness works in a cluster."""


class UnservedKindError(ClusterError):
    """A document is of a kind that the cluster does not serve."""


class RefusedError(ClusterError):
    """The API server does not accept a document."""


class NotReadyError(ClusterError):
    """A deadline passed before a condition held."""


class WrongManifestError(ClusterError):
    """A manifest under test is refused, or is not in force where a control of its kind is."""


# --- what an earlier command left ----------------------------------------------------------


class RecordError(PlumblineError):
    """What an earlier command left cannot be used."""


class TopologyError(RecordError):
    """topology.json is missing, or does not hold what was asked of it."""


class ResultsError(RecordError):
    """The results of a run, of an upgrade or of a matrix cannot be read, or contradict
    themselves."""


class WatchError(RecordError):
    """A watch came to no account."""


class InterruptedRunError(PlumblineError):
    """A signal ended the work before it was done."""
