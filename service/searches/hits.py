"""Hits of a recorded search as the API says them."""

from collections.abc import Sequence
from datetime import timedelta

from gallery import CameraInfo, MarkInfo, RecordedHit, SearchInfo, TrackletInfo
from service.answer_schemas import CameraRef, HitOut, MarkOut, Moment
from service.state import State


def hits_out(
    state: State,
    recorded: SearchInfo,
    stored: Sequence[tuple[int, RecordedHit]],
    known: Sequence[CameraInfo] = (),
) -> list[HitOut]:
    """Hits of a search with their ranks as the API says them, without those erased since."""
    tracklets = state.gallery.catalogue.tracklets([hit.tracklet_id for _, hit in stored])
    cameras = {camera.id: camera for camera in known}
    if any(tracklet.camera_id not in cameras for tracklet in tracklets.values()):  # one was added meanwhile
        cameras = {camera.id: camera for camera in state.gallery.catalogue.cameras()}
    marks = {mark.tracklet_id: mark for mark in state.gallery.marks.of(recorded.id)}
    return [
        _hit(rank, hit, tracklets[hit.tracklet_id], cameras, marks.get(hit.tracklet_id))
        for rank, hit in stored
        if hit.tracklet_id in tracklets
    ]


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


def _hit(
    rank: int,
    stored: RecordedHit,
    tracklet: TrackletInfo,
    cameras: dict[int, CameraInfo],
    mark: MarkInfo | None,
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
        best_moment=moment(tracklet, *best),
        thumbnail_url=f"{url}/thumbnail",
        clip_url=f"{url}/clip?moment={stored.clip}",
        tracklet_url=url,
        mark=None if mark is None else MarkOut.model_validate(mark, from_attributes=True),
    )
