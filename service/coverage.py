"""The coverage statement: what an answer rests on, and what it could not know."""

from collections.abc import Iterator
from typing import Final

from gallery import CameraInfo, Filters, Gallery, Ranking, RecordingInfo
from service.schemas import CameraCoverage, CoverageOut, NotSearched

_NAMED: Final = 20  # recordings named one by one; the others are counted
_UNINDEXED: Final = 500  # recordings not indexed that are looked at
_WHOLE: Final = 0.99  # of the requested time: rounding at the edges is no gap


def coverage_statement(gallery: Gallery, filters: Filters, ranking: Ranking, model_id: str) -> CoverageOut:
    """What was searched for this ranking, and what was not and why."""
    found = gallery.catalogue.coverage(filters, model_id, damaged=ranking.damaged)
    cameras = [
        CameraCoverage(
            camera=camera.name,
            site=camera.site,
            videos=camera.videos,
            seconds=round(camera.seconds_indexed, 3),
            first=camera.first,
            last=camera.last,
            tracklets=camera.tracklets,
        )
        for camera in found.cameras
    ]
    everyone = gallery.catalogue.cameras()
    gaps = [
        *_gaps(cameras, filters),
        *(
            NotSearched(
                what=f"{camera.videos_without_model} recordings of camera {camera.name}",
                reason="indexed with another model only",
                cause="other_model",
            )
            for camera in found.cameras
            if camera.videos_without_model
        ),
        *_excluded(everyone, filters),
        *_unfinished(gallery, everyone, filters),
    ]
    return CoverageOut(
        cameras=cameras,
        not_searched=gaps,
        tracklets_compared=ranking.compared,
        exact=ranking.exact,
        recall=1.0,
        change=ranking.change,
    )


def _gaps(cameras: list[CameraCoverage], filters: Filters) -> Iterator[NotSearched]:
    """Cameras with no recordings in the time asked for, or with too few to fill it."""
    asked = (filters.end - filters.start).total_seconds() if filters.start and filters.end else None
    for camera in cameras:
        if camera.videos == 0:
            yield NotSearched(
                what=f"camera {camera.camera}",
                reason="nothing is indexed for this time",
                cause="no_recording",
            )
        elif asked is not None and camera.seconds < _WHOLE * asked:
            missing = 100 * (1 - camera.seconds / asked)
            yield NotSearched(
                what=f"{missing:.0f} % of the time at camera {camera.camera}",
                reason="no recording is indexed",
                cause="no_recording",
            )


def _excluded(everyone: list[CameraInfo], filters: Filters) -> Iterator[NotSearched]:
    if filters.camera_ids is None:
        return
    left_out = [camera.name for camera in everyone if camera.id not in filters.camera_ids]
    if len(left_out) > _NAMED:
        yield NotSearched(what=f"{len(left_out)} cameras", reason="left out by the filter", cause="filter")
        return
    for name in left_out:
        yield NotSearched(what=f"camera {name}", reason="left out by the filter", cause="filter")


def _unfinished(gallery: Gallery, everyone: list[CameraInfo], filters: Filters) -> Iterator[NotSearched]:
    """Recordings that were filed but are not in the gallery (yet), as far as they could pass the filter."""
    # How long an unread recording is, nobody knows: one is left out only when it begins too late.
    found = gallery.jobs.unindexed(camera_ids=filters.camera_ids, before=filters.end, limit=_UNINDEXED)
    names = {camera.id: camera.name for camera in everyone}
    for recording in found[:_NAMED]:
        camera = names.get(recording.camera_id, "?")
        yield NotSearched(
            what=f"{recording.file_name} of camera {camera}", reason=_reason(recording), cause="not_indexed"
        )
    if len(found) > _NAMED:
        many = "many" if len(found) == _UNINDEXED else str(len(found) - _NAMED)
        yield NotSearched(what=f"{many} more recordings", reason="not indexed (yet)", cause="not_indexed")


def _reason(recording: RecordingInfo) -> str:
    if recording.state == "queued":
        return "waiting to be indexed"
    if recording.state == "running":
        return f"being indexed, {recording.progress:.0%} done"
    return f"indexing failed: {recording.reason or 'no reason recorded'}"
