"""Requests and answers of erasure, legal holds and retention."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from service.schemas import Id, Instant, Name, Prose, RequestModel

MOST_NAMED = 1000
_Ids = Annotated[list[Id], Field(min_length=1, max_length=MOST_NAMED)]
_Reason = Annotated[Prose, Field(max_length=1000)]
_Days = Annotated[int, Field(ge=1, le=36_500)]


class PersonIn(RequestModel):
    """A person, by a search that was made for them."""

    search_id: Id = Field(description="A search of this key: its photos go, too")
    above: float = Field(
        gt=0,
        le=1,
        description="All tracklets whose cosine with what was searched for is at least this, on all cameras "
        "at all times; hits marked as matches go in any case, those marked as somebody else do not",
    )
    leave_out: list[Id] = Field(
        default=[], max_length=50_000, description="Tracklets of the list that show somebody else"
    )


class ErasureIn(RequestModel):
    """What is to be gone: one of `recordings`, `tracklets`, `cases`, `person`, or a camera and a stretch."""

    recordings: _Ids | None = Field(default=None, description="Ids of videos, with all made from them")
    tracklets: _Ids | None = Field(default=None, description="Ids of single tracklets")
    cases: _Ids | None = Field(
        default=None, description="Ids of cases, with their searches, photos, marks and notes"
    )
    person: PersonIn | None = Field(default=None, description="A person whom a search found")
    camera: Name | None = Field(default=None, description="All that this camera saw, or between the times")
    start: Instant | None = Field(default=None, description="Of a stretch, of one camera or of all")
    end: Instant | None = Field(default=None, description="Of a stretch")

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        named = [self.recordings, self.tracklets, self.cases, self.person]
        stretch = self.camera is not None or self.start is not None or self.end is not None
        if sum(one is not None for one in named) + stretch != 1:
            raise ValueError("name one of recordings, tracklets, cases, person, or a camera and a stretch")
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError("the stretch is empty: its end must be after its start")
        return self


class ErasureConfirmed(ErasureIn):
    """An erasure that was listed first."""

    plan_sha256: str = Field(
        pattern="^[0-9a-f]{64}$",
        description="Of the plan that was listed: 409 if something else would go by now",
    )
    skip_held: bool = Field(
        default=False, description="Leave what legal holds keep and take the rest; else nothing goes then"
    )


class PlannedRecordingOut(BaseModel):
    """A recording that goes whole."""

    id: str = Field(description="Of the video")
    camera: str = Field(description="Name of its camera")
    start: datetime = Field(description="UTC")
    end: datetime = Field(description="UTC")
    tracklets: int = Field(description="How many, which go with it")
    uploaded: bool = Field(description="Whether its file goes, too")


class PlannedTrackletOut(BaseModel):
    """A tracklet that goes from a recording that stays."""

    id: str = Field(description="Of the tracklet")
    camera: str = Field(description="Name of its camera")
    start: datetime = Field(description="UTC")
    end: datetime = Field(description="UTC")


class PlannedStretchOut(BaseModel):
    """A stretch that goes from a recording that stays."""

    recording_id: str = Field(description="Of the video")
    start: datetime = Field(description="UTC")
    end: datetime = Field(description="UTC")
    from_us: int = Field(description="Start in µs since the first frame")
    to_us: int = Field(description="End in µs since the first frame")


class HeldOut(BaseModel):
    """Something that a legal hold keeps."""

    kind: str = Field(description="recording, tracklet, stretch, case, search or photo")
    id: str = Field(description="Of what is held")
    hold_id: str = Field(description="Of the hold that keeps it")
    reason: str = Field(description="Why it is held")


class RemainingOut(BaseModel):
    """Something that an erasure does not reach."""

    what: str = Field(description="A kind of copy or trace")
    why: str = Field(description="Why it stays, and what takes it")
    ids: list[str] = Field(description="Of those that are known; may be empty")


class ErasurePlanOut(BaseModel):
    """What an erasure would take; nothing has changed."""

    plan_sha256: str = Field(description="Confirms this list; of all that goes and all that is held")
    tracklet_count: int = Field(description="With those of whole recordings")
    mark_count: int = Field(description="Marks on hits that go along")
    recordings: list[PlannedRecordingOut] = Field(description="That go whole")
    tracklets: list[PlannedTrackletOut] = Field(description="That go from recordings that stay")
    stretches: list[PlannedStretchOut] = Field(description="That go from recordings that stay")
    photos: list[str] = Field(description="Ids of probes")
    searches: list[str] = Field(description="Ids of searches")
    cases: list[str] = Field(description="Ids of cases")
    held: list[HeldOut] = Field(description="What legal holds keep")
    remains: list[RemainingOut] = Field(description="Copies and traces that stay, with the reason")
    about: dict[str, Any] | None = Field(description="How a person was found: scores by tracklet")


class ProofOut(BaseModel):
    """What was looked for after an erasure, and found."""

    at: datetime = Field(description="When, UTC")
    vectors_searched: int = Field(description="Erased vectors that were searched with")
    vectors: int = Field(description="Of so many")
    found: int = Field(description="Erased tracklets among the hits")
    rows: int = Field(description="Rows of it that are still there")
    files: int = Field(description="Files of it that are still there")
    note: str | None = Field(description="What could not be done, and why")


class ErasureOut(BaseModel):
    """An erasure with its certificate."""

    id: str = Field(description="Of the erasure")
    at: datetime = Field(description="When it was out of sight, UTC")
    key_id: str | None = Field(description="Who did it; null for the command line and the rules of retention")
    kind: str = Field(
        description="recordings, tracklets, cases, stretch, camera, person, retention, repeated"
    )
    certificate: dict[str, Any] = Field(
        description="What went, when, by whom, under which rule, and what remains; never changed"
    )
    certificate_sha256: str = Field(
        description="Of the certificate as JSON with sorted keys and no spaces, in ASCII"
    )
    audit_event: int | None = Field(
        description="Its event in the audit trail, which names `certificate_sha256`; null once it was pruned"
    )
    audit_digest: str | None = Field(description="That event's digest in the chain; null once it was pruned")
    proof: ProofOut | None = Field(description="null where the process ended before")
    settled_at: datetime | None = Field(
        description="When all of it had left the disk; null: vectors wait for compaction"
    )


class ErasureList(BaseModel):
    """A page of erasures."""

    items: list[ErasureOut] = Field(description="The newest first")
    next_cursor: str | None = Field(description="`cursor` of the next page; null on the last one")


class HoldIn(RequestModel):
    """A legal hold to put on a recording, a camera (or a stretch of its time) or a case."""

    recording: Id | None = Field(default=None, description="Id of a video")
    camera: Name | None = Field(default=None, description="Name of a camera")
    case: Id | None = Field(default=None, description="Id of a case")
    start: Instant | None = Field(default=None, description="Of a camera: from when; null: open")
    end: Instant | None = Field(default=None, description="Of a camera: until when; null: open")
    reason: _Reason = Field(description="Why; it is told to all who want to erase what is held")


class LiftIn(RequestModel):
    """Why a hold is lifted."""

    reason: _Reason = Field(description="It stays on record")


class HoldOut(BaseModel):
    """A legal hold."""

    id: str = Field(description="Of the hold")
    kind: Literal["recording", "camera", "case"] = Field(description="What is held")
    recording: str | None = Field(description="Id of the video, for a recording")
    camera: str | None = Field(description="Name of the camera, for a camera")
    case: str | None = Field(description="Id of the case, for a case")
    start: datetime | None = Field(description="Of a camera: from when; null: open")
    end: datetime | None = Field(description="Of a camera: until when; null: open")
    reason: str = Field(description="Why it is held")
    key_id: str | None = Field(description="Who put it on; null for the command line")
    created_at: datetime = Field(description="UTC")
    lifted_by: str | None = Field(description="null for the command line, and while it is in force")
    lifted_at: datetime | None = Field(description="null: it is in force")
    lift_reason: str | None = Field(description="Why it was lifted")


class HoldList(BaseModel):
    """Legal holds."""

    items: list[HoldOut] = Field(description="The oldest first")


class RetentionRuleIn(RequestModel):
    """For how many days something is kept."""

    kind: Literal["recordings", "probes", "searches"] = Field(description="What is kept; probes are photos")
    camera: Name | None = Field(default=None, description="Of recordings: a camera; null: all without a rule")
    days: _Days = Field(description="After its end for a recording, after it was made for the others")


class RetentionRuleOut(BaseModel):
    """A rule of retention."""

    kind: str = Field(description="recordings, probes (photos) or searches")
    camera: str | None = Field(description="Of recordings: a camera; null: all without a rule")
    days: int = Field(description="How long it is kept")
    key_id: str | None = Field(description="Who set it; null for the command line")
    created_at: datetime = Field(description="UTC")


class RetentionRuleList(BaseModel):
    """The rules of retention."""

    items: list[RetentionRuleOut] = Field(description="The oldest first")


class RetentionRunIn(RequestModel):
    """A run of the rules, now and not when a worker comes to it."""

    dry_run: bool = Field(description="Only list what would go")
    rule: RetentionRuleIn | None = Field(
        default=None, description="Of a dry run: as if this rule were set, too"
    )

    @model_validator(mode="after")
    def _only_to_try(self) -> Self:
        if self.rule is not None and not self.dry_run:
            raise ValueError("a rule that is not set is for a dry run: set it first")
        return self


class RetentionRunOut(BaseModel):
    """What a run took, or would take: at most 1000 of each kind."""

    plan: ErasurePlanOut | None = Field(description="Of a dry run")
    erasure: ErasureOut | None = Field(description="null if nothing was due")
