"""What requests and answers have in common; probes; the questions of searches."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)

from gallery import InvalidInput, NoticeCode, RankBy, given_name, given_words

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")

DEFAULT_LIMIT = 50
MAX_LIMIT = 1000
KEPT = 200
MOST_KEPT = 5000
MOST_CHARACTERS = 10_000  # of any text; no field takes more
MOST_PROBES = 20  # photos and tracklets in one search


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


def _checked(check: Callable[..., str]) -> Callable[[str], str]:
    def checked(value: str) -> str:
        try:
            return check(value, "it", longest=MOST_CHARACTERS)
        except InvalidInput as error:
            raise ValueError(str(error)) from error

    return checked


# What somebody gives something as a name, and what they write; each field adds its own length.
GivenName = Annotated[
    str, Field(min_length=1, json_schema_extra={"format": "name"}), AfterValidator(_checked(given_name))
]
Prose = Annotated[
    str, Field(min_length=1, json_schema_extra={"format": "prose"}), AfterValidator(_checked(given_words))
]
BoxOut = Annotated[
    tuple[float, float, float, float],
    Field(description="x, y, width, height in pixels of the upright frame", examples=[[120, 40, 64, 180]]),
]
_Coordinate = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
_Side = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
BoxIn = tuple[_Coordinate, _Coordinate, _Side, _Side]
_PERSON = "Index of a person found on the probe"
_TAKEN_AT = "When the photo was taken: RFC 3339 with an offset. Hits of other days are then marked"
_BOX = "x, y, width, height in pixels of the upright photo; the whole photo if it covers it"


class RequestModel(BaseModel):
    """A request body: a misspelt field is an error, not a filter that silently does nothing."""

    model_config = ConfigDict(extra="forbid")


class NoticeOut(BaseModel):
    """What is to be known of a probe or an answer before its hits are believed."""

    code: NoticeCode = Field(description="What it is about, for programs; docs/answers.md explains each")
    text: str = Field(description="A sentence to show")
    warns: bool = Field(description="Whether it may spoil a search; else it only tells what was done")


class PersonQuality(BaseModel):
    """Image quality of a person on a probe."""

    height_px: float = Field(description="Height of the person in pixels of the photo as it came")
    sharpness: float = Field(description="Fine detail as a share of contrast")
    colour: float | None = Field(
        description="How much colours differ, in grey levels; null in probes of before it was measured"
    )
    notices: list[NoticeOut] = Field(description="What is to be known of how the person can be seen")
    warnings: list[str] = Field(description="The sentences of those `notices` that warn")


class PersonOut(BaseModel):
    """A person found on a probe."""

    index: int = Field(description="Name it in a search; 0 is what a search takes by default")
    box: BoxOut
    score: float = Field(description="The detector's confidence, 0 to 1")
    quality: PersonQuality = Field(description="How well the person can be seen")


class ProbeOut(BaseModel):
    """An uploaded photo and the persons found on it, the most likely meant first."""

    id: str = Field(description="Names the probe in searches")
    width: int = Field(description="Width of the upright photo as it came, in pixels")
    height: int = Field(description="Height of the upright photo as it came, in pixels")
    created_at: datetime = Field(description="When it was uploaded")
    persons: list[PersonOut] = Field(description="By score times height, greatest first")
    image_url: str = Field(description="Path of the photo as it is kept")
    notices: list[NoticeOut] = Field(
        description="What is to be known of the photo: how it came, and how many people are on it"
    )
    warnings: list[str] = Field(description="The sentences of those `notices` that warn")


class ProbeChoice(RequestModel):
    """The person to search for: a person or box on a probe (by default person 0), or a tracklet."""

    probe_id: Id | None = Field(default=None, description="A probe of this key; or else name a tracklet")
    tracklet_id: Id | None = Field(
        default=None, description="A tracklet, as hits name it; it is left out of the answer"
    )
    person: int | None = Field(default=None, ge=0, description=_PERSON)
    box: BoxIn | None = Field(default=None, description=_BOX)
    taken_at: Instant | None = Field(default=None, description=_TAKEN_AT)

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if (self.probe_id is None) == (self.tracklet_id is None):
            raise ValueError("name either probe_id or tracklet_id")
        chosen = (self.person is not None) + (self.box is not None)
        if chosen > 1:
            raise ValueError("name either person or box")
        if chosen and self.tracklet_id is not None:
            raise ValueError("person and box belong to a photo, not to a tracklet")
        if self.taken_at is not None and self.tracklet_id is not None:
            raise ValueError("taken_at belongs to a photo; when a tracklet was recorded is known")
        return self


class SearchFilters(RequestModel):
    """Filters: tracklets that overlap [start, end), of these cameras and sites. Absent: no restriction."""

    cameras: list[Name] | None = Field(
        default=None, max_length=1000, description="Names of cameras; absent or null: all"
    )
    sites: list[Name] | None = Field(
        default=None, max_length=1000, description="Only cameras of these sites; absent or null: all"
    )
    start: Instant | None = Field(
        default=None, description="Only tracklets that end after it: RFC 3339 with an offset"
    )
    end: Instant | None = Field(
        default=None, description="Only tracklets that start before it: RFC 3339 with an offset"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError("start must be before end")
        return self


class SearchOptions(SearchFilters):
    """Options of every search."""

    limit: int = Field(default=DEFAULT_LIMIT, ge=1, le=MAX_LIMIT, description="Hits on a page")
    keep: int = Field(
        default=KEPT,
        ge=1,
        le=MOST_KEPT,
        description="Hits that are recorded, to be read page by page; at least those of a page are",
    )
    rank_by: RankBy | None = Field(
        default=None,
        description="What orders the hits: `standard_score`, which sets cameras off against each other, or "
        "plain `cosine`. The server's setting if left out",
    )
    rerank: bool = Field(
        default=False,
        description="Whether the first 200 hits are put in the order of the neighbours that they share with "
        "the probe (k-reciprocal re-ranking)",
    )
    exact: bool = Field(
        default=False,
        description="Whether the probe is compared with every tracklet that passes the filters, in a gallery "
        "so large that otherwise most of the nearest are found without that",
    )


class SearchQuery(SearchOptions):
    """The `query` part of a search that brings its photo along."""

    person: int | None = Field(default=None, ge=0, description=_PERSON)
    box: BoxIn | None = Field(default=None, description=_BOX)
    taken_at: Instant | None = Field(default=None, description=_TAKEN_AT)


class SearchRequest(SearchOptions):
    """A search for a person on probes that were uploaded before, or of tracklets."""

    probes: list[ProbeChoice] = Field(
        min_length=1,
        max_length=MOST_PROBES,
        description="Who is searched for: photos and tracklets of one person, which count by their quality",
    )


class PhotoSearch(BaseModel):
    """The form of a search that brings its photo along."""

    file: Annotated[
        str,
        Field(description="The photo: JPEG, PNG or WebP"),
        WithJsonSchema({"type": "string", "format": "binary"}),
    ]
    query: SearchQuery = Field(
        default_factory=SearchQuery,
        description="JSON; without it, everything is searched for the first person",
    )
