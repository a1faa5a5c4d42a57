"""Requests and responses of probes, searches and tracklets."""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from gallery import RankBy, Verdict

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")

DEFAULT_LIMIT = 50
MAX_LIMIT = 1000


def _instant(value: object) -> datetime:
    """An RFC 3339 time; one without an offset could mean any zone and is refused."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError("must be an RFC 3339 time with an offset, such as 2026-03-01T14:00:00+01:00")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is out of range") from error


Instant = Annotated[
    datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})
]
Id = Annotated[str, Field(min_length=1, max_length=64)]
# Cameras and sites are recorded in one spelling of Unicode; keyboards and file systems write others.
Name = Annotated[
    str, Field(min_length=1, max_length=200), AfterValidator(lambda name: unicodedata.normalize("NFC", name))
]
BoxOut = Annotated[
    tuple[float, float, float, float],
    Field(description="x, y, width, height in pixels of the upright frame", examples=[[120, 40, 64, 180]]),
]
_Coordinate = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
_Side = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
BoxIn = tuple[_Coordinate, _Coordinate, _Side, _Side]


class RequestModel(BaseModel):
    """A request body: a misspelt field is an error, not a filter that silently does nothing."""

    model_config = ConfigDict(extra="forbid")


class PersonQuality(BaseModel):
    """Image quality of a person on a probe."""

    height_px: float
    sharpness: float = Field(description="Fine detail as a share of contrast; below 0.09 counts as blurred")
    warnings: list[str]


class PersonOut(BaseModel):
    """A person found on a probe."""

    index: int = Field(description="Name it in a search; 0 is what a search takes by default")
    box: BoxOut
    score: float = Field(description="The detector's confidence, 0 to 1")
    quality: PersonQuality


class ProbeOut(BaseModel):
    """An uploaded photo and the persons found on it, the most likely meant first."""

    id: str
    width: int
    height: int
    created_at: datetime
    persons: list[PersonOut]
    image_url: str
    warnings: list[str]


class ProbeChoice(RequestModel):
    """The person to search for: a person or box on a probe (by default person 0), or a tracklet."""

    probe_id: Id | None = None
    tracklet_id: Id | None = None
    person: int | None = Field(default=None, ge=0, description="Index of a person found on the probe")
    box: BoxIn | None = Field(
        default=None, description="x, y, width, height; the whole photo if it covers it"
    )

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if (self.probe_id is None) == (self.tracklet_id is None):
            raise ValueError("name either probe_id or tracklet_id")
        chosen = (self.person is not None) + (self.box is not None)
        if chosen > 1:
            raise ValueError("name either person or box")
        if chosen and self.tracklet_id is not None:
            raise ValueError("person and box belong to a photo, not to a tracklet")
        return self


class SearchFilters(RequestModel):
    """Filters: tracklets that overlap [start, end), of these cameras and sites. Absent: no restriction."""

    cameras: list[Name] | None = Field(default=None, max_length=1000)
    sites: list[Name] | None = Field(default=None, max_length=1000)
    start: Instant | None = None
    end: Instant | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError("start must be before end")
        return self


class SearchOptions(SearchFilters):
    """Options of every search."""

    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Hits on a page")
    rank_by: RankBy | None = Field(
        default=None,
        description="What orders the hits: `standard_score`, which sets cameras off against each other, or "
        "plain `cosine`. The server's setting if left out",
    )


class SearchQuery(SearchOptions):
    """The `query` part of a search that brings its photo along."""

    person: int | None = Field(default=None, ge=0)
    box: BoxIn | None = None


class SearchRequest(SearchOptions):
    """A search for a person on a probe that was uploaded before."""

    probes: list[ProbeChoice] = Field(min_length=1, max_length=1)


class ModelOut(BaseModel):
    """The model that compared."""

    id: str = Field(description="SHA-256 of its weights")
    name: str
    warning: str | None = Field(
        description="What is known against this model; also among the answer's warnings"
    )


class SearchedProbe(BaseModel):
    """The person, box or tracklet that was searched for."""

    id: str | None = Field(description="The probe, unless a tracklet was searched for")
    person: int | None
    box: BoxOut | None
    tracklet_id: str | None = None


class FiltersOut(BaseModel):
    """The filters of the answer, times in UTC."""

    cameras: list[str] | None
    sites: list[str] | None
    start: datetime | None
    end: datetime | None


Cause = Literal["filter", "no_recording", "no_pictures", "not_indexed", "other_model", "damaged"]


class MissingOut(BaseModel):
    """A stretch of a camera's time that was not searched."""

    start: datetime
    end: datetime
    reason: Literal["not_recorded", "no_pictures", "other_model", "damaged"] = Field(
        description="No video of it, or one without pictures there, indexed with another model only, or with "
        "damaged vectors"
    )


class CameraCoverage(BaseModel):
    """The searched time of one camera, within the filters."""

    camera: str
    site: str | None
    videos: int
    seconds: float
    first: datetime | None
    last: datetime | None
    tracklets: int
    missing: list[MissingOut] = Field(
        default_factory=list, description="The first 20 stretches of a second and more that were not searched"
    )


class NotSearched(BaseModel):
    """A camera, time or video that was not searched."""

    what: str
    reason: str
    cause: Cause | None = Field(
        default=None, description="The reason for programs; null in searches recorded before it was told"
    )


class CoverageOut(BaseModel):
    """Which cameras and times were searched: no hits may mean that nobody was there, or nothing searched."""

    cameras: list[CameraCoverage]
    not_searched: list[NotSearched]
    tracklets_compared: int
    exact: bool
    recall: float = Field(
        description="Share of the true best that an exact search would also have found; 1 if exact"
    )
    change: int = Field(description="The gallery's change sequence that was searched")


class Calibration(BaseModel):
    """What the probabilities of an answer are worth."""

    calibrated: bool = Field(description="Whether hits have probabilities")
    reason: str | None = Field(description="Why they have none")
    learnt_from: str | None = Field(
        description="Which people they were learnt from; for others they may be too high or too low"
    )
    line: float | None = Field(description="The probability from which on a hit is credible")
    credible: int | None = Field(
        description="How many hits are credible, on all pages; 0: there is no credible match"
    )
    wrong_expected: float | None = Field(
        description="How many of the credible hits are expected to show somebody else"
    )


class CameraRef(BaseModel):
    """The camera of a hit; times are UTC, `time_zone` is for showing them."""

    name: str
    site: str | None
    time_zone: str


class Moment(BaseModel):
    """A part of a tracklet."""

    start: datetime
    end: datetime
    offset_seconds: float = Field(description="Its start in seconds since the first frame of the video")


class MarkOut(BaseModel):
    """Somebody's verdict on a hit."""

    verdict: Verdict = Field(description="Whether the hit shows the person: `match` or `not`")
    key_id: str | None = Field(description="The key that marked it; null for the command line")
    created_at: datetime = Field(description="When it was marked")


class HitOut(BaseModel):
    """One ranked tracklet."""

    rank: int
    score: float = Field(
        description="Cosine of probe and tracklet: it ranks, it is no probability. From -1 to 1, except for "
        "rounding of stored vectors to 16 bits"
    )
    standard_score: float | None = Field(
        description="How many standard deviations the score lies above what this probe scores on average in "
        "that camera; null in searches that were recorded without it"
    )
    probability: float | None = Field(
        description="That the tracklet shows the person; null where the model's scores are not calibrated"
    )
    tracklet_id: str
    video_id: str
    camera: CameraRef
    start: datetime
    end: datetime
    best_moment: Moment
    thumbnail_url: str
    clip_url: str = Field(description="Plays the best moment; without `moment` it plays the whole tracklet")
    tracklet_url: str
    mark: MarkOut | None = Field(description="The verdict on it, if it was marked")


class SearchAnswer(BaseModel):
    """A search and one page of its answer."""

    id: str
    created_at: datetime
    model: ModelOut
    probe: SearchedProbe
    filters: FiltersOut
    coverage: CoverageOut
    calibration: Calibration
    ranked_by: RankBy = Field(description="What orders the hits")
    hits: list[HitOut]
    next_cursor: str | None
    warnings: list[str]


class ClipOut(BaseModel):
    """A clip of a tracklet: name its number as `moment` to play it."""

    number: int
    start: datetime
    end: datetime
    offset_seconds: float
    frame_count: int


class TrackletOut(BaseModel):
    """One person followed without a break in one video."""

    id: str
    video_id: str
    camera: CameraRef
    start: datetime
    end: datetime
    offset_seconds: float = Field(description="Its start in seconds since the first frame of the video")
    frame_count: int
    quality: dict[str, float]
    clips: list[ClipOut]
    width: int = Field(description="Width of the upright video in pixels, the unit of the boxes")
    height: int
    boxes: list[tuple[float, float, float, float, float, float]] = Field(
        description="Seconds since the first frame of the video, x, y, width, height, the detector's score"
    )
    thumbnail_url: str
    clip_url: str


JsonObject = dict[str, Any]
