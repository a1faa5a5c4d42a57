"""Requests and answers of cases and journeys."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, Field, model_validator

from gallery import ItemKind
from service.answer_schemas import CameraRef, ConfirmationOut
from service.cases.journey import Flag
from service.schemas import GivenName, Id, Prose, RequestModel


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


Title = Annotated[GivenName, BeforeValidator(_stripped), Field(max_length=200)]
Number = Annotated[GivenName, Field(max_length=100)]
Purpose = Annotated[Prose, Field(max_length=4000)]


class CaseIn(RequestModel):
    """A case to open."""

    title: Title = Field(description="What people call it")
    number: Number | None = Field(default=None, description="The number that it has elsewhere")
    purpose: Purpose | None = Field(default=None, description="Why people are searched for")


class CasePatch(RequestModel):
    """Changes of a case: a field left out stays; null takes number or purpose away."""

    title: Title | None = Field(default=None, description="Its new title; null keeps the old one")
    number: Number | None = Field(default=None, description="The number that it has elsewhere")
    purpose: Purpose | None = Field(default=None, description="Why people are searched for")


class CaseItemIn(RequestModel):
    """A photo or a search to put into a case."""

    probe_id: Id | None = Field(default=None, description="A photo that was uploaded with this key")
    search_id: Id | None = Field(default=None, description="A search of this key; its photos come along")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.probe_id is None) == (self.search_id is None):
            raise ValueError("name either probe_id or search_id")
        return self


class CaseNoteIn(RequestModel):
    """A note to add."""

    text: Prose = Field(max_length=10_000, description="What should be known")


class CaseItemOut(BaseModel):
    """A photo or search of a case."""

    kind: ItemKind = Field(description="`photo` or `search`")
    subject_id: str = Field(description="The probe's or search's id")
    key_id: str | None = Field(description="The key that put it there; null for the command line")
    added_at: datetime = Field(description="When")
    erased_at: datetime | None = Field(description="When the photo was erased; null: it is there")


class CaseNoteOut(BaseModel):
    """A note of a case."""

    id: int = Field(description="Later notes have larger ones")
    kind: str = Field(
        description="`note`; `erased`: something of the case was erased; `edited`: what its texts said before"
    )
    text: str = Field(description="What it says")
    key_id: str | None = Field(description="The key that wrote it; null for the command line and the server")
    at: datetime = Field(description="When")


class CaseRow(BaseModel):
    """A case in a list."""

    id: str = Field(description="Its id")
    title: str = Field(description="What people call it")
    number: str | None = Field(description="The number that it has elsewhere")
    purpose: str | None = Field(description="Why people are searched for")
    created_at: datetime = Field(description="When it was opened")


class CaseOut(CaseRow):
    """A case with what it gathers."""

    items: list[CaseItemOut] = Field(description="Photos and searches, in the order in which they came")
    notes: list[CaseNoteOut] = Field(description="Notes, the oldest first")


class CaseList(BaseModel):
    """The cases of a key."""

    items: list[CaseRow] = Field(description="The newest first")
    next_cursor: str | None = Field(description="Pass it on as `cursor`; null on the last page")


class SightingOut(BaseModel):
    """A hit that was marked as the person."""

    number: int = Field(description="Its place in the journey, from 1")
    tracklet_id: str = Field(description="The tracklet")
    video_id: str = Field(description="The video that it is in")
    camera: CameraRef = Field(description="Where; its zone is that of the local times")
    latitude: float | None = Field(description="Degrees north of the camera, if known")
    longitude: float | None = Field(description="Degrees east of the camera, if known")
    start: datetime = Field(description="When it began, in UTC")
    end: datetime = Field(description="When it ended, in UTC")
    start_local: str = Field(description="The same on the camera's clock")
    end_local: str = Field(description="The same on the camera's clock")
    probability: float | None = Field(description="The highest that a search of the case gave it")
    searches: list[str] = Field(description="On whose hits it was marked as the person")
    doubted: list[str] = Field(description="On whose hits it was marked as somebody else")
    confirmations: list[ConfirmationOut] = Field(
        description="What second persons say of its marks as the person"
    )
    thumbnail_url: str = Field(description="Its strip of crops")


class TransitionOut(BaseModel):
    """From one sighting to another."""

    before: int = Field(description="Number of the one")
    after: int = Field(description="Number of the other")
    seconds: float = Field(description="From the end of the one to the start of the other; negative: overlap")
    metres: float | None = Field(description="Between the cameras; null where a position is not known")
    speed: float | None = Field(
        description="Metres a second that the way takes, less what the cameras see; null if not known"
    )
    flag: Flag | None = Field(description="Why one person cannot have made both; null: they can")
    reason: str | None = Field(description="The same in words")


class OnwardOut(BaseModel):
    """Another camera, and how long the way there takes."""

    camera: str = Field(description="Its name")
    metres: float | None = Field(description="Between the two; null where a position is not known")
    seconds: float | None = Field(
        description="That the way takes at least, less what the cameras see; null likewise"
    )
    within: bool = Field(description="Whether somebody can be there in time; true where nobody knows")


class OnwardsOut(BaseModel):
    """The other cameras, by the way that it takes to walk there."""

    camera: str = Field(description="The camera that saw somebody")
    speed: float = Field(description="Metres a second that somebody goes at most")
    seconds: float = Field(description="Allowed for the way, without the slack")
    slack: float = Field(description="Seconds more, as clocks and positions are never exact (a constant)")
    reach: float = Field(description="Metres around a camera that it may see (a setting)")
    known: bool = Field(description="Whether the camera has a position: else no distance is known")
    items: list[OnwardOut] = Field(description="The nearest first, those of unknown distance last")


class GapOut(BaseModel):
    """Time of a camera from which there is nothing to search."""

    camera: str = Field(description="The camera")
    start: datetime = Field(description="In UTC")
    end: datetime = Field(description="In UTC")
    start_local: str = Field(description="On the camera's clock")
    end_local: str = Field(description="On the camera's clock")
    reason: str = Field(description="As in the coverage of an answer")


class JourneyOut(BaseModel):
    """The confirmed hits of a case in the order of time, and whether one person can have made them."""

    sightings: list[SightingOut] = Field(description="Every confirmed hit, possible or not")
    transitions: list[TransitionOut] = Field(description="From each sighting to the next")
    conflicts: list[TransitionOut] = Field(description="All pairs that one person cannot have made")
    conflicts_found: int = Field(description="How many there are; more than are listed, if very many")
    gaps: list[GapOut] = Field(description="What was not recorded between the first sighting and the last")
    gaps_found: int = Field(description="How many there are")
    max_speed: float = Field(description="Metres a second over which a transition is flagged (a setting)")
    camera_reach: float = Field(description="Metres around a camera that it may see (a setting)")
    left_out: int = Field(description="Confirmed hits beyond the first 500, which are not judged")
