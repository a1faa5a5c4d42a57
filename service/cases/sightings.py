"""The journey of a case: from marks to sightings, and what was not recorded meanwhile."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gallery import (
    CameraInfo,
    CaseInfo,
    Filters,
    Gallery,
    ItemKind,
    MarkInfo,
    SearchInfo,
    TrackletInfo,
    Verdict,
)
from service.cases import journey
from service.cases.journey import Limits, Place, Sighting, Transition

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


def journey_of(gallery: Gallery, case: CaseInfo, limits: Limits) -> Journey:
    """The journey that the marks on the hits of a case's searches make."""
    cameras = {camera.id: camera for camera in gallery.catalogue.cameras()}
    searches = [gallery.searches.get(one) for one in case.of(ItemKind.SEARCH)]
    found = journey.ordered(_sightings(gallery, searches, cameras))
    shown = found[:MOST]
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


def _sightings(
    gallery: Gallery, searches: Sequence[SearchInfo], cameras: dict[int, CameraInfo]
) -> list[Sighting]:
    """One sighting a tracklet, however many searches it was marked in."""
    marks: dict[str, list[MarkInfo]] = defaultdict(list)
    for search in searches:
        for mark in gallery.marks.of(search.id):
            marks[mark.tracklet_id].append(mark)
    confirmed = [one for one, of in marks.items() if any(mark.verdict == Verdict.MATCH for mark in of)]
    tracklets = gallery.catalogue.tracklets(confirmed)
    believed = _believed(searches, tracklets)
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
            probability=believed.get(tracklet.id),
        )
        for tracklet in tracklets.values()
        if tracklet.camera_id in cameras
    ]


def _believed(searches: Sequence[SearchInfo], tracklets: Mapping[str, TrackletInfo]) -> dict[str, float]:
    """The highest probability that a search gave each of the tracklets, and not another that had its id."""
    believed: dict[str, float] = {}
    for search in searches:
        for hit in search.hits:
            tracklet = tracklets.get(hit.tracklet_id)
            if hit.probability is not None and tracklet is not None and search.saw(tracklet):
                believed[tracklet.id] = max(hit.probability, believed.get(tracklet.id, 0.0))
    return believed


def _gaps(
    gallery: Gallery,
    searches: Sequence[SearchInfo],
    sightings: Sequence[Sighting],
    cameras: dict[int, CameraInfo],
) -> list[Gap]:
    """Between the first sighting and the last: where and when nobody could have been seen."""
    if not searches or len(sightings) < 2:
        return []
    newest = max(searches, key=lambda search: search.created_at)
    within = Filters(start=sightings[0].start, end=max(one.end for one in sightings))
    gaps = [
        Gap(camera.name, cameras[camera.camera_id].time_zone, one.start, one.end, one.reason)
        for camera in gallery.catalogue.coverage(within, newest.model_id).cameras
        for one in camera.missing
    ]
    return sorted(gaps, key=lambda gap: (gap.start, gap.camera))


def _place(camera: CameraInfo) -> Place:
    position = None
    if camera.latitude is not None and camera.longitude is not None:
        position = (camera.latitude, camera.longitude)
    return Place(camera.name, camera.site, camera.time_zone, position)
