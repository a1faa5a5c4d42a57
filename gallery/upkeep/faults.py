"""What is wrong with a gallery, and what mends it."""

from dataclasses import dataclass
from enum import StrEnum


class Part(StrEnum):
    """Where a fault lies."""

    ROWS = "rows"
    VECTORS = "vectors"
    FILES = "files"
    LEFTOVERS = "leftovers"
    AUDIT = "audit"


class Remedy(StrEnum):
    """How `sightline repair` mends a fault, as a sentence says it."""

    REMOVE = "is removed"
    REMAKE = "is made anew from the recording"
    DRAW = "is drawn anew from the recording, or marked as lost"
    CORRECT = "is put right from the other rows"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong.

    Attributes:
        part: where it lies.
        what: a sentence that names it.
        remedy: what `sightline repair` does about it; None when it can do nothing.
        advice: what a person can do where it cannot.
    """

    part: Part
    what: str
    remedy: Remedy | None = None
    advice: str = ""

    def __str__(self) -> str:
        """The fault and what becomes of it, in one line."""
        return f"{self.what}: {self.remedy or f'cannot be mended; {self.advice}'}"


@dataclass(frozen=True, slots=True)
class DamagedVideo:
    """A video that its recording can mend: index it again under this model, replacing what there is."""

    video_id: str
    model_id: str


@dataclass(frozen=True, slots=True)
class Unnamed:
    """Vectors in a segment of a video that no row says is in it: searches could find what is no more."""

    segment_id: str
    video_id: str


@dataclass(frozen=True, slots=True)
class Mended:
    """What was mended without recordings.

    Attributes:
        removed: files and directories that nothing named.
        corrected: rows that were put right.
    """

    removed: int
    corrected: int
