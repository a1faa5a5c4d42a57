"""Requests and answers of marks on hits."""

from datetime import datetime

from pydantic import BaseModel, Field, StrictBool

from gallery import Verdict
from service.answer_schemas import CameraRef, ConfirmationOut, HitOut, MarkOut
from service.schemas import MAX_LIMIT, MOST_PROBES, ProbeChoice, RequestModel


class MarkIn(RequestModel):
    """A verdict on a hit."""

    verdict: Verdict = Field(description="Whether the hit shows the person: `match` or `not`")


class ConfirmationIn(RequestModel):
    """A second person's word on a mark."""

    agrees: StrictBool = Field(description="True: the mark is right; false: it is not")


class MarkedHit(MarkOut):
    """A mark, and what it is on."""

    search_id: str = Field(description="The search on whose answer it was made")
    tracklet_id: str = Field(description="The hit that it is on")


class MarkList(BaseModel):
    """The marks of a search: at most one on each of its hits."""

    items: list[MarkedHit] = Field(description="In the order in which they were made")
    erased: int = Field(description="How many went with the recordings they were on")


class ReviewedMark(MarkedHit):
    """A mark, and what a second person looks at before they say something of it."""

    camera: CameraRef = Field(description="The camera that saw it")
    start: datetime = Field(description="When the person appeared")
    end: datetime = Field(description="When the person was last seen")
    thumbnail_url: str = Field(description="Path of four pictures of it in a strip")
    clip_url: str = Field(description="Plays it")


class MarkReview(BaseModel):
    """The marks of anybody's search, for a second person."""

    search_id: str = Field(description="The search")
    created_at: datetime = Field(description="When it was asked")
    key_id: str | None = Field(description="The key that asked it; null for the command line")
    persons: list[str] = Field(
        description="Paths of pictures of whom was searched for: cut out of each photo, or the strip of a "
        "tracklet; those that were deleted are left out"
    )
    items: list[ReviewedMark] = Field(description="Its marks, in the order in which they were made")


class MarkChangeOut(BaseModel):
    """A change of a mark."""

    id: int = Field(description="Later changes have larger ones")
    search_id: str = Field(description="The search on whose answer it was changed")
    tracklet_id: str = Field(description="The hit whose mark was changed")
    verdict: Verdict | None = Field(description="What it became; null: the mark was taken away")
    key_id: str | None = Field(description="The key that did it; null for the command line")
    created_at: datetime = Field(description="When")
    undone_by: str | None = Field(description="The key that undid it; null also for the command line")
    undone_at: datetime | None = Field(description="When it was undone; null: it was not")
    confirmation: ConfirmationOut | None = Field(
        description="What a second person said of it; null: nobody did"
    )


class MarkHistory(BaseModel):
    """Changes of a search's marks, the newest first."""

    items: list[MarkChangeOut] = Field(description="A page of changes")
    next_cursor: str | None = Field(description="Pass it on as `cursor`; null on the last page")


class RefineIn(RequestModel):
    """A search with the marks of another one."""

    probes: list[ProbeChoice] = Field(
        default_factory=list,
        max_length=MOST_PROBES,
        description="Further photos and tracklets of the person, besides those of the search",
    )
    limit: int | None = Field(
        default=None, ge=1, le=MAX_LIMIT, description="Hits on a page; as in the search if left out"
    )


class ToJudge(BaseModel):
    """Hits that a person should judge."""

    items: list[HitOut] = Field(description="Those whose verdict says most first, over all cameras")
