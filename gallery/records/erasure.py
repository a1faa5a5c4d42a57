"""What is to be erased, what went, what may not go, and what goes by itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class ErasureKind(StrEnum):
    """What an erasure is about.

    RECORDINGS, TRACKLETS, CASES: these, by id; a case with its searches, their photos, marks and notes.
    STRETCH: all that was seen in a stretch of time, by one camera or by all.
    CAMERA: all that a camera ever saw.
    PERSON: the tracklets that somebody found to show one person, and the photos they were found with.
    RETENTION: what the rules of retention do not keep any longer.
    REPEATED: what was erased before from a gallery that was then restored from an older backup.
    """

    RECORDINGS = "recordings"
    TRACKLETS = "tracklets"
    CASES = "cases"
    STRETCH = "stretch"
    CAMERA = "camera"
    PERSON = "person"
    RETENTION = "retention"
    REPEATED = "repeated"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureTarget:
    """What somebody wants to be gone.

    Attributes:
        kind: how the rest is to be read.
        ids: of recordings, tracklets or cases; of a person, of the tracklets.
        camera_id: of a camera or a stretch; None: of all cameras.
        start, end: of a stretch; None: open.
        search_id: the search that a person was found with.
        about: how a person was found, for the certificate.
    """

    kind: ErasureKind
    ids: Sequence[str] = ()
    camera_id: int | None = None
    start: datetime | None = None
    end: datetime | None = None
    search_id: str | None = None
    about: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class PlannedRecording:
    """A recording that goes whole."""

    id: str
    content_hash: str
    camera: str
    start: datetime
    end: datetime
    tracklets: int
    uploaded: bool


@dataclass(frozen=True, slots=True)
class PlannedTracklet:
    """A tracklet that goes from a recording that stays."""

    id: str
    camera: str
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class PlannedStretch:
    """A stretch of time that goes from a recording that stays; also in µs since its first frame."""

    recording_id: str
    start: datetime
    end: datetime
    from_us: int
    to_us: int


@dataclass(frozen=True, slots=True)
class HeldBack:
    """Something that a legal hold keeps: what it is, which one, and the hold with its reason."""

    kind: str
    id: str
    hold_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Remaining:
    """Something that an erasure does not reach: what it is, why, and which ones if they are known."""

    what: str
    why: str
    ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasurePlan:
    """What an erasure would take, what is held back, and what it does not reach.

    Attributes:
        target: what was asked for.
        recordings, tracklets, stretches: of what was seen.
        probes, searches, cases: ids of what was done with it.
        marks: how many marks go along.
        held: what legal holds keep.
        remains: what is not reached.
        digest: of all that goes and is held: to confirm it is to confirm this list.
    """

    target: ErasureTarget
    recordings: Sequence[PlannedRecording]
    tracklets: Sequence[PlannedTracklet]
    stretches: Sequence[PlannedStretch]
    probes: Sequence[str]
    searches: Sequence[str]
    cases: Sequence[str]
    marks: int
    held: Sequence[HeldBack]
    remains: Sequence[Remaining]
    digest: str

    @property
    def empty(self) -> bool:
        """Whether nothing would go."""
        return not any(
            (self.recordings, self.tracklets, self.stretches, self.probes, self.searches, self.cases)
        )

    @property
    def tracklet_count(self) -> int:
        """All tracklets that would go, with those of whole recordings."""
        return len(self.tracklets) + sum(recording.tracklets for recording in self.recordings)


@dataclass(frozen=True, slots=True)
class ErasureProof:
    """What was looked for after an erasure, and found.

    Attributes:
        at: when.
        vectors: how many erased vectors were searched with, of how many.
        models: whose they are.
        found: erased tracklets among the hits.
        rows: of what was erased that are still in the catalogue.
        files: of it that are still in the gallery's folder.
        note: what could not be done, and why.
    """

    at: datetime
    vectors: tuple[int, int]
    models: Sequence[str]
    found: int
    rows: int
    files: int
    note: str | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not (self.found or self.rows or self.files)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureInfo:
    """An erasure as recorded.

    Attributes:
        certificate: what went, when, by whom, under which rule, and what remains; never changed.
        certificate_sha256: digest of it, also in the audit event.
        event_id, event_digest: that event in the audit trail, and its digest in the chain; None once events
            of its time were removed.
        proof: what was searched for afterwards; None where the process died before.
        settled_at: when all of it had left the disk; None: vectors wait for compaction.
    """

    id: str
    at: datetime
    key_id: str | None
    kind: str
    certificate: Mapping[str, Any]
    certificate_sha256: str
    event_id: int | None
    event_digest: str | None
    proof: ErasureProof | None
    settled_at: datetime | None


class HoldKind(StrEnum):
    """What a legal hold is on."""

    RECORDING = "recording"
    CAMERA = "camera"
    CASE = "case"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldInfo:
    """A legal hold: what it is on, why, since when and by whom; and the same of its lifting.

    Of a camera, `start` and `end` limit it to a stretch of time.
    """

    id: str
    kind: str
    video_id: str | None
    camera_id: int | None
    case_id: str | None
    start: datetime | None
    end: datetime | None
    reason: str
    key_id: str | None
    created_at: datetime
    lifted_by: str | None
    lifted_at: datetime | None
    lift_reason: str | None


class RetentionKind(StrEnum):
    """What a rule of retention is about."""

    RECORDINGS = "recordings"
    PROBES = "probes"
    SEARCHES = "searches"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRuleInfo:
    """A rule: so many days after its end a recording goes, or a probe or search after it was made.

    `camera_id` limits it to a camera, whose own rule goes before the one for all.
    """

    id: int
    kind: str
    camera_id: int | None
    days: int
    key_id: str | None
    created_at: datetime
