"""Answers: what was found, where it was looked for, and what it is worth."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from gallery import FiledState, IgnoredFor, MissingReason, RankBy, RepeatOn, SelectedBy, Verdict
from service.schemas import BoxOut, NoticeOut

TimeZoneOut = Annotated[str, Field(description="IANA name of the camera's time zone, for showing times")]


class ModelOut(BaseModel):
    """The model that compared."""

    id: str = Field(description="SHA-256 of its weights")
    name: str = Field(description="Its name, such as tkp-efficientnet-lite0")
    warning: str | None = Field(
        description="What is known against this model; also among the answer's warnings"
    )


class Gone(StrEnum):
    """Why a tracklet is not what a search saw any more."""

    ERASED = "erased"
    INDEXED_ANEW = "indexed_anew"


class IgnoredOut(BaseModel):
    """A person who was found on a photo and not searched for."""

    index: int = Field(description="Its index on the probe")
    box: BoxOut
    reason: IgnoredFor = Field(
        description="`ranked_lower`: its score times height is less than that of the person who was taken; "
        "`not_chosen`: the caller chose another person, or a box"
    )


class SearchedProbe(BaseModel):
    """The person, box or tracklet that was searched for: what was found, chosen and ignored, and why."""

    id: str | None = Field(description="The probe, unless a tracklet was searched for")
    person: int | None = Field(description="Index of the person on the probe; null for a box or a tracklet")
    box: BoxOut | None = Field(
        description="x, y, width, height in pixels of the upright photo; null for a tracklet"
    )
    tracklet_id: str | None = Field(default=None, description="The tracklet, if one was searched for")
    weight: float = Field(default=1.0, description="What it counts among several, by its quality; at most 1")
    gone: Gone | None = Field(
        default=None,
        description="Why the tracklet is not there any more: `erased`, or `indexed_anew`: its id may be "
        "another person's now. Null for what is there, and for photos",
    )
    taken_at: datetime | None = Field(
        default=None, description="When the photo was taken, if the caller said so, or the tracklet recorded"
    )
    selected_by: SelectedBy | None = Field(
        default=None,
        description="`default`: the first person found, as none was named; `person`, `box`: as the caller "
        "said; `whole`: the whole photo, as nobody was found; `tracklet`. Null in searches of before it was "
        "recorded",
    )
    found: int | None = Field(default=None, description="How many persons were found; null for a tracklet")
    ignored: list[IgnoredOut] = Field(default_factory=list, description="Those who were not searched for")
    notices: list[NoticeOut] = Field(
        default_factory=list, description="What is to be known of the photo and of what was chosen on it"
    )


class RefinedOut(BaseModel):
    """How a search was refined."""

    parent: str = Field(description="The search whose marks refined it")
    method: str = Field(description="`rocchio`, or from five marks of both kinds on `svm`")
    matches: list[str] = Field(description="Tracklets that were marked as showing the person")
    others: list[str] = Field(description="Tracklets that were marked as showing somebody else")


class FiltersOut(BaseModel):
    """The filters of the answer, times in UTC."""

    cameras: list[str] | None = Field(description="Names of cameras; null: all")
    sites: list[str] | None = Field(description="Only cameras of these sites; null: all")
    start: datetime | None = Field(description="Only tracklets that end after it")
    end: datetime | None = Field(description="Only tracklets that start before it")


Cause = Literal["filter", "no_recording", "no_pictures", "not_indexed", "other_model", "damaged"]


class IntervalOut(BaseModel):
    """A stretch of time, from start up to end."""

    start: datetime = Field(description="Its first instant")
    end: datetime = Field(description="The first instant after it")


class MissingOut(IntervalOut):
    """A stretch of a camera's time that was not searched."""

    reason: MissingReason = Field(
        description="`not_recorded`: no video of it; `no_pictures`: a hole in a video; `waiting`, "
        "`being_indexed`, `failed`: a recording that was filed and is not in the gallery; `other_model`: "
        "indexed with another model only; `damaged`: its vectors are"
    )
    at_most: bool = Field(
        default=False,
        description="How long the recording that waits or failed is, is not known: it may cover less. The "
        "stretch ends where the camera's next recording begins",
    )


class UnindexedOut(BaseModel):
    """A recording that was filed and is not in the gallery."""

    file_name: str = Field(description="As it was filed")
    start: datetime = Field(description="When it begins")
    end: datetime | None = Field(description="When it ends, at the latest; null where nothing is known")
    exact: bool = Field(description="Whether `end` was read from the file")
    state: FiledState = Field(description="What has become of it so far")
    reason: str | None = Field(description="Why it failed")


class CameraCoverage(BaseModel):
    """The searched time of one camera, within the filters."""

    camera: str = Field(description="Its name")
    site: str | None = Field(description="Its site")
    time_zone: str = Field(default="UTC", description="IANA name of the zone of its clock")
    videos: int = Field(description="Its videos within the filters that were searched")
    seconds: float = Field(description="Length of what was searched: overlaps once, holes not at all")
    first: datetime | None = Field(description="When the first searched stretch begins")
    last: datetime | None = Field(description="When the last searched stretch ends")
    tracklets: int = Field(description="Its tracklets within the filters")
    intervals: list[IntervalOut] | None = Field(
        default=None,
        description="The searched stretches, united and in order; pauses under a second are closed. Null in "
        "searches recorded before they were told",
    )
    more_intervals: int = Field(default=0, description="Searched stretches after these that are not listed")
    missing: list[MissingOut] = Field(
        default_factory=list,
        description="The stretches of a second and more that were not searched, in order",
    )
    more_missing: int = Field(default=0, description="Such stretches after these that are not listed")
    unindexed: list[UnindexedOut] = Field(
        default_factory=list, description="Recordings of this time that wait, are being indexed, or failed"
    )
    more_unindexed: int = Field(default=0, description="Such recordings after these that are not listed")


class NotSearched(BaseModel):
    """A camera, time or video that was not searched."""

    what: str = Field(description="The camera, with times on its clock, or the recording")
    reason: str = Field(description="Why not, in words")
    cause: Cause | None = Field(
        default=None, description="The reason for programs; null in searches recorded before it was told"
    )


class CoverageOut(BaseModel):
    """Which cameras and times were searched: no hits may mean that nobody was there, or nothing searched."""

    cameras: list[CameraCoverage] = Field(description="What was searched")
    not_searched: list[NotSearched] = Field(description="What could have been meant and was not searched")
    tracklets_compared: int = Field(description="How many tracklets passed the filters and were compared")
    exact: bool = Field(description="Whether the probe was compared with each of them exactly")
    recall: float = Field(
        description="Share of an exact search's best that is found, as measured on the gallery's own vectors "
        "when it was made ready to be searched like this; 1 if exact"
    )
    tracklets_approximate: int = Field(
        default=0, description="How many of the tracklets were not compared one by one; 0 if exact"
    )
    change: int = Field(description="The gallery's change sequence that was searched")


class Calibration(BaseModel):
    """What the probabilities of an answer are worth."""

    calibrated: bool = Field(description="Whether hits have probabilities")
    reason: str | None = Field(description="Why they have none")
    learnt_from: str | None = Field(
        description="Which people they were learnt from; for others they may be too high or too low"
    )
    number: int | None = Field(
        description="Of the gallery's own calibration; null: the one on the model's card"
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

    name: str = Field(description="Its name")
    site: str | None = Field(description="Its site")
    time_zone: TimeZoneOut


class Moment(BaseModel):
    """A part of a tracklet."""

    start: datetime = Field(description="Its beginning")
    end: datetime = Field(description="Its end")
    offset_seconds: float = Field(description="Its start in seconds since the first frame of the video")


class ConfirmationOut(BaseModel):
    """What a second person says of a mark."""

    agrees: bool = Field(description="True: they confirm it; false: they dispute it")
    key_id: str = Field(description="The key that said so, which is not the one that made the mark")
    at: datetime = Field(description="When")


class MarkOut(BaseModel):
    """Somebody's verdict on a hit."""

    verdict: Verdict = Field(description="Whether the hit shows the person: `match` or `not`")
    key_id: str | None = Field(description="The key that marked it; null for the command line")
    created_at: datetime = Field(description="When it was marked")
    confirmation: ConfirmationOut | None = Field(
        description="What a second person says of it; null: nobody did since it was last changed"
    )


class HitOut(BaseModel):
    """One ranked tracklet."""

    rank: int = Field(description="Its place in the whole answer, from 1")
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
    pulled_by: int | None = Field(
        description="Which of several `probes` the hit resembles most, from 0; null with one"
    )
    new: bool = Field(
        default=False,
        description="In an answer that asks an earlier search again now: whether that could not find it",
    )
    neighbour_distance: float | None = Field(
        default=None,
        description="Distance from the probe by the neighbours that both have, 0 to 1, smaller is closer; "
        "null where the hit was not re-ranked",
    )
    tracklet_id: str = Field(description="The tracklet; name it in a search to find more like it")
    video_id: str = Field(description="The video it is in")
    camera: CameraRef = Field(description="The camera that saw it")
    start: datetime = Field(description="When the person appeared")
    end: datetime = Field(description="When the person was last seen")
    beyond_horizon: bool = Field(
        default=False,
        description="Whether it was recorded farther than `horizon_hours` from the time of the probe: the "
        "person may have worn other clothes. False where that time is not known",
    )
    best_moment: Moment = Field(description="The part of the tracklet that is most like the probe")
    thumbnail_url: str = Field(description="Path of four pictures of it in a strip")
    clip_url: str = Field(description="Plays the best moment; without `moment` it plays the whole tracklet")
    tracklet_url: str = Field(description="Path of its clips and boxes")
    mark: MarkOut | None = Field(description="The verdict on it, if it was marked")


class ErasedOut(BaseModel):
    """A hit of an earlier answer that cannot be found any more."""

    rank: int = Field(description="Its place in the earlier answer, from 1")
    tracklet_id: str = Field(description="The tracklet that it was")


class RepeatOut(BaseModel):
    """Which earlier search an answer asks again, and how the two compare."""

    search_id: str = Field(description="The earlier search")
    on: RepeatOn = Field(
        description="`snapshot`: among the tracklets that it was asked among; `now`: among all there are"
    )
    same_ranking: bool | None = Field(
        description="On the snapshot: whether the hits of the earlier answer that are left rank as they did"
    )
    erased: list[ErasedOut] = Field(
        description="Hits of the earlier answer that were erased or indexed anew since"
    )
    erased_tracklets: int | None = Field(
        description="On the snapshot: how many of the tracklets compared then were erased or indexed anew"
    )
    new_hits: int | None = Field(
        description="Now: how many hits, on all pages, the earlier search could not find"
    )
    damaged: list[ErasedOut] = Field(
        default_factory=list,
        description="Hits of the earlier answer that are there and cannot be compared: damaged vectors",
    )
    damaged_tracklets: int | None = Field(
        default=None,
        description="On the snapshot: how many of the tracklets compared then have damaged vectors",
    )


class SearchAnswer(BaseModel):
    """A search and one page of its answer."""

    id: str = Field(description="Names the recorded search")
    created_at: datetime = Field(description="When it was asked")
    model: ModelOut = Field(description="The model that compared")
    probe: SearchedProbe = Field(description="Who was searched for: the first of `probes`")
    probes: list[SearchedProbe] = Field(description="All photos and tracklets that were searched for")
    refined: RefinedOut | None = Field(description="The marks that refined the search, if any did")
    filters: FiltersOut = Field(description="Where it was searched")
    coverage: CoverageOut = Field(description="What the answer rests on: what was searched, and what was not")
    calibration: Calibration = Field(description="What the probabilities of the hits are worth")
    ranked_by: RankBy = Field(description="What orders the hits")
    repeats: RepeatOut | None = Field(
        default=None, description="The earlier search that was asked again, if it was"
    )
    reranked: int = Field(
        default=0, description="How many of the first hits were then put in the order of shared neighbours"
    )
    hits: list[HitOut] = Field(description="The tracklets of this page, best first")
    next_cursor: str | None = Field(description="Pass it on as `cursor` for the next page; null on the last")
    horizon_hours: float | None = Field(
        default=None, description="After so long people may wear other clothes; null: nothing is marked"
    )
    notices: list[NoticeOut] = Field(
        default_factory=list,
        description="What is to be known of the answer as a whole; those of each photo are in `probes`",
    )
    warnings: list[str] = Field(
        description="What is to be known before the hits are believed: show them. Among them are the "
        "sentences of all notices that warn"
    )


class ClipOut(BaseModel):
    """A clip of a tracklet: name its number as `moment` to play it."""

    number: int = Field(description="Its number in the tracklet, from 0")
    start: datetime = Field(description="Time of its first frame")
    end: datetime = Field(description="Time of its last frame")
    offset_seconds: float = Field(description="Its start in seconds since the first frame of the video")
    frame_count: int = Field(description="How many sampled frames it has")


class TrackletOut(BaseModel):
    """One person followed without a break in one video."""

    id: str = Field(description="Names it in searches")
    video_id: str = Field(description="The video it is in")
    camera: CameraRef = Field(description="The camera that saw it")
    start: datetime = Field(description="When the person appeared")
    end: datetime = Field(description="When the person was last seen")
    offset_seconds: float = Field(description="Its start in seconds since the first frame of the video")
    frame_count: int = Field(description="How many sampled frames show the person")
    quality: dict[str, float] = Field(description="Medians over its frames, such as the height in pixels")
    clips: list[ClipOut] = Field(description="Its parts, in order of time")
    width: int = Field(description="Width of the upright video in pixels, the unit of the boxes")
    height: int = Field(description="Height of the upright video in pixels")
    boxes: list[tuple[float, float, float, float, float, float]] = Field(
        description="Seconds since the first frame of the video, x, y, width, height, the detector's score"
    )
    thumbnail_url: str = Field(description="Path of four pictures of it in a strip")
    clip_url: str = Field(description="Path of its clip")
