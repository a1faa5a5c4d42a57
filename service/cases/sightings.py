"""The journey of a case: from marks to sightings, and what was not recorded meanwhile."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np

from gallery import (
    CameraInfo,
    CaseInfo,
    Filters,
    Gallery,
    ItemKind,
    MarkInfo,
    NotFound,
    TrackletInfo,
    Verdict,
)
from service.cases import journey
from service.cases.journey import Limits, Place, Sighting, Transition
from service.cases.tracks import Track
from service.work import checkpoint

MOST: Final = 500  # sightings whose pairs are judged, and gaps and conflicts that are told


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of time from which there is nothing to search of a camera."""

    camera: str
    time_zone: str
    start: datetime
    end: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Journey:
    """The confirmed sightings of a case, in order.

    Attributes:
        steps: from each sighting to the next.
        conflicts: pairs of sightings that one person cannot have made, the first `MOST` of `conflicts_found`.
        gaps: what was not recorded between the first sighting and the last, the first `MOST` of `gaps_found`.
        places: all cameras, seen at or not.
        left_out: sightings beyond the first `MOST`.
    """

    sightings: Sequence[Sighting]
    steps: Sequence[Transition]
    conflicts: Sequence[Transition]
    conflicts_found: int
    gaps: Sequence[Gap]
    gaps_found: int
    places: Sequence[Place]
    limits: Limits
    left_out: int


def journey_of(gallery: Gallery, case: CaseInfo, limits: Limits, *, only_confirmed: bool = False) -> Journey:
    """The journey that the marks on the hits of a case's searches make, or those that are confirmed alone."""
    cameras = {camera.id: camera for camera in gallery.catalogue.cameras()}
    searches = case.of(ItemKind.SEARCH)
    found = journey.ordered(_sightings(gallery, searches, cameras))
    if only_confirmed:
        found = [one for one in found if any(said.agrees for said in one.confirmations)]
    shown = _with_tracks(gallery, found[:MOST])
    impossible = journey.conflicts(shown, limits)
    gaps = _gaps(gallery, searches, shown, cameras)
    return Journey(
        sightings=shown,
        steps=journey.steps(shown, limits),
        conflicts=impossible[:MOST],
        conflicts_found=len(impossible),
        gaps=gaps[:MOST],
        gaps_found=len(gaps),
        places=[_place(camera) for camera in cameras.values()],
        limits=limits,
        left_out=len(found) - len(shown),
    )


def _sightings(gallery: Gallery, searches: Sequence[str], cameras: dict[int, CameraInfo]) -> list[Sighting]:
    """One sighting a tracklet, however many searches it was marked in."""
    marks = _marks(gallery, searches)
    confirmed = [one for one, of in marks.items() if any(mark.verdict == Verdict.MATCH for mark in of)]
    tracklets = gallery.catalogue.tracklets(confirmed)
    believed = _believed(gallery, searches, tracklets)
    return [
        Sighting(
            tracklet_id=tracklet.id,
            video_id=tracklet.video_id,
            place=_place(cameras[tracklet.camera_id]),
            start=tracklet.start_time,
            end=tracklet.end_time,
            change=tracklet.change,
            searches=[mark.search_id for mark in marks[tracklet.id] if mark.verdict == Verdict.MATCH],
            doubted=[mark.search_id for mark in marks[tracklet.id] if mark.verdict == Verdict.NOT],
            confirmations=[
                mark.confirmation
                for mark in marks[tracklet.id]
                if mark.verdict == Verdict.MATCH and mark.confirmation is not None
            ],
            probability=believed.get(tracklet.id),
        )
        for tracklet in tracklets.values()
        if tracklet.camera_id in cameras
    ]


def _with_tracks(gallery: Gallery, sightings: Sequence[Sighting]) -> list[Sighting]:
    """Say where in the picture those were that another of their video is at the same time as."""
    reached: dict[str, datetime] = {}  # by video: the latest end so far
    latest: dict[str, int] = {}  # by video: whose end that is
    together: set[int] = set()
    for place, one in enumerate(sightings):
        if one.video_id in reached and one.start < reached[one.video_id]:
            together |= {place, latest[one.video_id]}
        if one.video_id not in reached or one.end > reached[one.video_id]:
            reached[one.video_id], latest[one.video_id] = one.end, place
    return [
        replace(one, track=_track(gallery, one)) if place in together else one
        for place, one in enumerate(sightings)
    ]


def _track(gallery: Gallery, one: Sighting) -> Track | None:
    """The boxes of a sighting; None where it was erased meanwhile, or indexed anew."""
    try:
        tracklet = gallery.catalogue.tracklet(one.tracklet_id, with_boxes=True)
    except NotFound:
        return None
    if tracklet.boxes is None or tracklet.change != one.change:
        return None
    columns = [tracklet.boxes[name].astype(np.float64) for name in ("x", "y", "w", "h")]
    return Track(tracklet.boxes["time_us"].astype(np.int64), np.stack(columns, axis=1))


def _marks(gallery: Gallery, search_ids: Sequence[str]) -> Mapping[str, Sequence[MarkInfo]]:
    """The marks of searches by tracklet, each once: a refined search has those of the one before it too."""
    marks: dict[str, list[MarkInfo]] = defaultdict(list)
    for search_id in search_ids:
        checkpoint()
        for mark in gallery.marks.of(search_id):
            if mark not in marks[mark.tracklet_id]:
                marks[mark.tracklet_id].append(mark)
    return marks


def _believed(
    gallery: Gallery, searches: Sequence[str], tracklets: Mapping[str, TrackletInfo]
) -> dict[str, float]:
    """The highest probability that a search gave each of the tracklets, and not another that had its id.

    Searches are read one after the other: a thousand of them with all their hits need not fit into memory.
    """
    believed: dict[str, float] = {}
    for search in map(gallery.searches.get, searches):
        checkpoint()
        for hit in search.hits:
            tracklet = tracklets.get(hit.tracklet_id)
            if hit.probability is not None and tracklet is not None and search.saw(tracklet):
                believed[tracklet.id] = max(hit.probability, believed.get(tracklet.id, 0.0))
    return believed


def _gaps(
    gallery: Gallery,
    searches: Sequence[str],
    sightings: Sequence[Sighting],
    cameras: dict[int, CameraInfo],
) -> list[Gap]:
    """Between the first sighting and the last: where and when nobody could have been seen."""
    if not searches or len(sightings) < 2:
        return []
    asked = ((search.created_at, search.model_id) for search in map(gallery.searches.get, searches))
    _, model_id = max(asked)
    within = Filters(start=sightings[0].start, end=max(one.end for one in sightings))
    gaps = [
        Gap(camera.name, cameras[camera.camera_id].time_zone, one.start, one.end, one.reason)
        for camera in gallery.catalogue.coverage(within, model_id).cameras
        for one in camera.missing
    ]
    return sorted(gaps, key=lambda gap: (gap.start, gap.camera))


def _place(camera: CameraInfo) -> Place:
    position = None
    if camera.latitude is not None and camera.longitude is not None:
        position = (camera.latitude, camera.longitude)
    return Place(camera.name, camera.site, camera.time_zone, position)
