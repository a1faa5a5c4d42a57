"""Hits of a recorded search as the API says them."""

from collections.abc import Sequence
from datetime import timedelta

from gallery import (
    CameraInfo,
    MarkInfo,
    QueriedProbe,
    RecordedHit,
    SearchInfo,
    SearchQuery,
    Selection,
    StillThere,
    TrackletInfo,
)
from service.answer_schemas import CameraRef, Gone, HitOut, IgnoredOut, MarkOut, Moment, SearchedProbe
from service.probing import notices_out
from service.searches import clothes
from service.state import State


def hits_out(
    state: State,
    recorded: SearchInfo,
    stored: Sequence[tuple[int, RecordedHit]],
    there: StillThere,
    known: Sequence[CameraInfo] = (),
) -> list[HitOut]:
    """Hits of a search with their ranks as the API says them, of those only that are still what it saw."""
    tracklets = there.tracklets
    cameras = {camera.id: camera for camera in known}
    if any(tracklet.camera_id not in cameras for tracklet in tracklets.values()):  # one was added meanwhile
        cameras = {camera.id: camera for camera in state.gallery.catalogue.cameras()}
    marks = {mark.tracklet_id: mark for mark in state.gallery.marks.of(recorded.id)}
    return [
        _hit(rank, hit, tracklets[hit.tracklet_id], cameras, marks.get(hit.tracklet_id), recorded.query)
        for rank, hit in stored
        if hit.tracklet_id in tracklets
    ]


def probes_out(recorded: SearchInfo, there: StillThere) -> list[SearchedProbe]:
    """What a search looked for, how it was chosen, and whether a tracklet is still that.

    Earlier versions did not record how it was chosen.
    """
    found = [_probe(probe, there) for probe in recorded.query.probes]
    if not recorded.selections:
        return found
    return [_selected(probe, one) for probe, one in zip(found, recorded.selections, strict=True)]


def _probe(probe: QueriedProbe, there: StillThere) -> SearchedProbe:
    said = SearchedProbe.model_validate(probe, from_attributes=True)
    if probe.tracklet_id is None or probe.tracklet_id in there.tracklets:
        return said
    gone = Gone.INDEXED_ANEW if probe.tracklet_id in there.anew else Gone.ERASED
    return said.model_copy(update={"gone": gone})


def _selected(probe: SearchedProbe, how: Selection) -> SearchedProbe:
    ignored = [IgnoredOut.model_validate(one, from_attributes=True) for one in how.ignored]
    update = {"selected_by": how.by, "found": how.found, "ignored": ignored}
    return probe.model_copy(update=update | {"notices": notices_out(how.notices)})


def camera_ref(camera: CameraInfo) -> CameraRef:
    """A camera as hits and tracklets name it."""
    return CameraRef(name=camera.name, site=camera.site, time_zone=camera.time_zone)


def moment(tracklet: TrackletInfo, start_us: int, end_us: int) -> Moment:
    """A part of a tracklet, given in µs inside its video."""
    origin = tracklet.start_time - timedelta(microseconds=tracklet.start_us)
    return Moment(
        start=origin + timedelta(microseconds=start_us),
        end=origin + timedelta(microseconds=end_us),
        offset_seconds=start_us / 1e6,
    )


def _hit(  # noqa: PLR0917  (what is known of a hit)
    rank: int,
    stored: RecordedHit,
    tracklet: TrackletInfo,
    cameras: dict[int, CameraInfo],
    mark: MarkInfo | None,
    query: SearchQuery,
) -> HitOut:
    clip = next((clip for clip in tracklet.clips if clip.number == stored.clip), None)
    url = f"/v1/tracklets/{tracklet.id}"
    best = (clip.start_us, clip.end_us) if clip else (tracklet.start_us, tracklet.end_us)
    return HitOut(
        rank=rank,
        score=stored.score,
        standard_score=stored.standard_score,
        probability=stored.probability,
        neighbour_distance=stored.neighbour_distance,
        pulled_by=stored.pulled_by,
        new=stored.new,
        tracklet_id=tracklet.id,
        video_id=tracklet.video_id,
        camera=camera_ref(cameras[tracklet.camera_id]),
        start=tracklet.start_time,
        end=tracklet.end_time,
        beyond_horizon=clothes.beyond(query, tracklet.start_time, tracklet.end_time),
        best_moment=moment(tracklet, *best),
        thumbnail_url=f"{url}/thumbnail?change={tracklet.change}",
        clip_url=f"{url}/clip?moment={stored.clip}&change={tracklet.change}",
        tracklet_url=f"{url}?change={tracklet.change}",
        mark=None if mark is None else MarkOut.model_validate(mark, from_attributes=True),
    )
