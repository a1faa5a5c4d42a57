"""Recorded searches."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from gallery.records.notices import Notice
from gallery.records.searching import RankBy
from gallery.records.tracklets import TrackletInfo

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class QueriedProbe:
    """The target of a search: a person or a box on the probe `id`, or a tracklet.

    `weight` is what it counts among several of the same person, by its quality; `taken_at` is when the person
    was seen so, if it is known.
    """

    id: str | None
    person: int | None
    box: Box | None
    tracklet_id: str | None = None
    weight: float = 1.0
    taken_at: datetime | None = None


class SelectedBy(StrEnum):
    """Why it was this person of a photo.

    DEFAULT: the first one found, as nobody said otherwise. PERSON: the caller named it. BOX: the caller drew
    it. WHOLE: the whole photo, as nobody was found. TRACKLET: it is no photo.
    """

    DEFAULT = "default"
    PERSON = "person"
    BOX = "box"
    WHOLE = "whole"
    TRACKLET = "tracklet"


class IgnoredFor(StrEnum):
    """Why a person on a photo was not searched for.

    RANKED_LOWER: the detector's score times the height is less than that of the one who was taken.
    NOT_CHOSEN: the caller chose another person, or a box.
    """

    RANKED_LOWER = "ranked_lower"
    NOT_CHOSEN = "not_chosen"


@dataclass(frozen=True, slots=True)
class IgnoredPerson:
    """A person who was found on a photo and not searched for."""

    index: int
    box: Box
    reason: IgnoredFor


@dataclass(frozen=True, slots=True)
class Selection:
    """What was found on a photo, what was chosen, what was ignored, and what is to be known of it.

    `found` is how many persons were; None of a tracklet.
    """

    by: SelectedBy
    found: int | None = None
    ignored: Sequence[IgnoredPerson] = ()
    notices: Sequence[Notice] = ()


@dataclass(frozen=True, slots=True)
class QueriedFilters:
    """The filters of a search, by name; None for no restriction.

    `camera_ids` are the cameras that were meant, whatever they are called now; None also in searches that
    were recorded without.
    """

    cameras: Sequence[str] | None
    sites: Sequence[str] | None
    start: datetime | None
    end: datetime | None
    camera_ids: Sequence[int] | None = None


@dataclass(frozen=True, slots=True)
class Refinement:
    """How a search was refined: by which marks of the search `parent`, and how they moved its probe.

    `matches` and `others` are the tracklets that were marked as showing the person, and somebody else.
    """

    parent: str
    method: str
    matches: Sequence[str]
    others: Sequence[str]


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A question as it was asked; `limit` hits make a page, and `by` ordered them.

    `more` are further photos and tracklets of the same person. The first `reranked` hits were put in the
    order of the neighbours that they share with the probe. Hits that are farther than `horizon_hours` from
    the time of the probe may show other clothes; 0 where that was switched off, or not known yet. `exact`:
    it was asked to compare each tracklet, however many there are.
    """

    probe: QueriedProbe
    filters: QueriedFilters
    limit: int
    by: RankBy = RankBy.COSINE
    more: Sequence[QueriedProbe] = ()
    refined: Refinement | None = None
    reranked: int = 0
    horizon_hours: float = 0.0
    exact: bool = False

    @property
    def probes(self) -> Sequence[QueriedProbe]:
        """All that was searched for together."""
        return (self.probe, *self.more)


@dataclass(frozen=True, slots=True)
class RecordedHit:
    """A hit as it was answered: the tracklet may have been erased since. `clip` is the number of the best.

    `probability` that it shows the person is there if the scores were calibrated; `pulled_by` is which of
    several photos the hit resembles most, from 0. `new`: it could not be found by the search that this one
    asks again.
    """

    tracklet_id: str
    score: float
    clip: int
    standard_score: float | None = None
    probability: float | None = None
    pulled_by: int | None = None
    new: bool = False
    neighbour_distance: float | None = None  # 0 to 1, of a hit that was re-ranked


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchCalibration:
    """What the probabilities of an answer are worth.

    Attributes:
        calibrated: whether hits have probabilities.
        reason: why they have none.
        learnt_from: which people the probabilities were learnt from.
        number: of the gallery's own calibration; None for the one on the model's card.
        line: the probability from which on a hit is credible.
        credible: how many hits are.
        wrong_expected: how many of these are expected to show somebody else.
    """

    calibrated: bool = False
    reason: str | None = None
    learnt_from: str | None = None
    number: int | None = None
    line: float | None = None
    credible: int | None = None
    wrong_expected: float | None = None


class RepeatOn(StrEnum):
    """Where a search is asked again.

    SNAPSHOT: among the tracklets that it was asked among, as far as they are still there.
    NOW: among all that are there.
    """

    SNAPSHOT = "snapshot"
    NOW = "now"


@dataclass(frozen=True, slots=True)
class ErasedHit:
    """A hit of an earlier answer that cannot be found any more."""

    rank: int
    tracklet_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRepeat:
    """Which search an answer asks again, and how the answers compare.

    Attributes:
        search_id: the earlier one.
        on: among which tracklets it was asked again.
        same_ranking: on the snapshot, whether those hits of the earlier answer that are left rank as then.
        erased: hits of the earlier answer that are gone: erased, or indexed anew.
        erased_tracklets: on the snapshot, how many of the tracklets compared then are gone.
        damaged: hits of the earlier answer that are there and whose vectors cannot be read.
        damaged_tracklets: on the snapshot, how many of the tracklets compared then are like that.
        new_hits: now, how many hits the earlier search could not find.
    """

    search_id: str
    on: RepeatOn
    same_ranking: bool | None = None
    erased: Sequence[ErasedHit] = ()
    erased_tracklets: int | None = None
    new_hits: int | None = None
    damaged: Sequence[ErasedHit] = ()
    damaged_tracklets: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSearch:
    """An answered search to record.

    `change` is that of the snapshot that answered, `coverage` the coverage statement as the service gives it.
    `selections` are one for each probe of the query, or none in searches of before they were recorded;
    `notices` are about the answer as a whole. `cameras` are the ids of all that the caller saw, whatever the
    filters left of them; None: all there were.
    """

    key_id: str | None
    query: SearchQuery
    model_id: str
    model_name: str
    model_warning: str | None
    change: int
    coverage: Mapping[str, Any]
    calibration: SearchCalibration
    warnings: Sequence[str]
    hits: Sequence[RecordedHit]
    repeats: SearchRepeat | None = None
    selections: Sequence[Selection] = ()
    notices: Sequence[Notice] = ()
    cameras: Collection[int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchInfo(NewSearch):
    """A search as recorded; `marks_erased` marks on its hits went with the recordings they were on."""

    id: str
    created_at: datetime
    marks_erased: int = 0

    def saw(self, tracklet: TrackletInfo) -> bool:
        """Whether the search was asked among this tracklet, and not among another that had its id then.

        Indexed anew, a recording gives the ids of its tracklets to others, who may be other people.
        """
        return tracklet.change <= self.change


@dataclass(frozen=True, slots=True)
class StillThere:
    """What is left of tracklets that a search names.

    Attributes:
        tracklets: those that are what the search saw, by id.
        anew: ids that others have now: their recordings were indexed anew since.
    """

    tracklets: Mapping[str, TrackletInfo]
    anew: frozenset[str]
