"""What an examination has found so far."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gallery.upkeep.faults import DamagedVideo, Fault, Part, Remedy, Unnamed


@dataclass(slots=True)
class Findings:
    """Faults, and what each kind of mending needs to know of them.

    Attributes:
        faults: in the order of finding.
        damaged: videos with damaged vectors or rows, each with a model that it is indexed with.
        strips: videos with thumbnail strips that are not what was written, or marked as lost.
        unnamed: vectors that are to be masked.
        clusters: ids of segments whose clusters are damaged.
        empty: ids of segments' rows that no video is in.
        vector_bytes, vectors, rows: how much was looked at.
        unsealed, lost, away: see `VerifyReport`.
    """

    faults: list[Fault] = field(default_factory=list)
    damaged: set[DamagedVideo] = field(default_factory=set)
    strips: set[str] = field(default_factory=set)
    unnamed: set[Unnamed] = field(default_factory=set)
    empty: set[str] = field(default_factory=set)
    clusters: set[str] = field(default_factory=set)
    vector_bytes: int = 0
    vectors: int = 0
    rows: int = 0
    unsealed: int = 0
    lost: int = 0
    away: int = 0

    def add(self, part: Part, what: str, remedy: Remedy | None = None, *, advice: str = "") -> None:
        """Note a fault."""
        self.faults.append(Fault(part, what, remedy, advice))

    def remake(self, part: Part, what: str, video_ids: Iterable[str], model_id: str) -> None:
        """Note a fault that indexing some videos again mends."""
        self.add(part, what, Remedy.REMAKE)
        self.damaged |= {DamagedVideo(video_id, model_id) for video_id in video_ids}
