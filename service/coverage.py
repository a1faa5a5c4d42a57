"""The coverage statement: which cameras and times an answer covers, and which it does not."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from gallery import CameraCoverage as Covered
from gallery import CameraInfo, Coverage, Filters, Gallery, Missing, Ranking, RecordingInfo
from service.answer_schemas import CameraCoverage, Cause, CoverageOut, MissingOut, NotSearched

_NAMED: Final = 20  # cameras and recordings named one by one; of more, how many there are for each reason
_SHOWN: Final = 2  # stretches of a camera whose times stand in the text
_LISTED: Final = 20  # stretches of a camera that are listed for programs
_UNINDEXED: Final = 500  # recordings not indexed that are looked at
_NOTHING: Final = "nothing is indexed for this time"
_REASONS: Final[Mapping[str, tuple[str, Cause]]] = {
    "damaged": ("its vectors are damaged, `sightline repair` makes them anew", "damaged"),
    "other_model": ("indexed with another model only", "other_model"),
    "no_pictures": ("the video has no pictures there", "no_pictures"),
    "not_recorded": ("no video is indexed", "no_recording"),
}


def coverage_statement(
    gallery: Gallery, cameras: Sequence[CameraInfo], filters: Filters, ranking: Ranking, model_id: str
) -> CoverageOut:
    """State what a ranking covers, what not, and why; `cameras` are all cameras of the gallery."""
    found = gallery.catalogue.coverage(filters, model_id, damaged=ranking.damaged)
    zones = {camera.id: camera.time_zone for camera in cameras}
    return CoverageOut(
        cameras=[_camera(camera) for camera in found.cameras],
        not_searched=[
            *_gaps(found, zones),
            *_excluded(cameras, filters),
            *_unfinished(gallery, {camera.id: camera.name for camera in cameras}, filters),
        ],
        tracklets_compared=ranking.compared,
        exact=ranking.exact,
        recall=1.0,
        change=ranking.change,
    )


def _camera(camera: Covered) -> CameraCoverage:
    return CameraCoverage(
        camera=camera.name,
        site=camera.site,
        videos=camera.videos,
        seconds=round(camera.seconds_indexed, 3),
        first=camera.first,
        last=camera.last,
        tracklets=camera.tracklets,
        missing=[MissingOut.model_validate(gap, from_attributes=True) for gap in camera.missing[:_LISTED]],
    )


def _gaps(found: Coverage, zones: Mapping[int, str]) -> Iterator[NotSearched]:
    """The missing time of each camera, one line a reason."""
    for camera in found.cameras:
        by_reason: dict[str, list[Missing]] = defaultdict(list)
        for gap in camera.missing:
            by_reason[gap.reason].append(gap)
        if not camera.intervals and set(by_reason) <= {"not_recorded"}:
            yield NotSearched(what=camera.name, reason=_NOTHING, cause="no_recording")
            continue
        for name, (reason, cause) in _REASONS.items():
            gaps = by_reason.get(name)
            if gaps:
                whole = not camera.intervals and len(by_reason) == 1
                zone = ZoneInfo(zones.get(camera.camera_id, "UTC"))
                part = "" if whole else f"{_stretches(gaps, zone)} of "
                what = f"{part}{camera.name}"
                yield NotSearched(what=what, reason=reason, cause=cause)


def _stretches(gaps: Sequence[Missing], zone: ZoneInfo) -> str:
    """How long the gaps are together; where there are few, also when, on the camera's clock."""
    together = _duration(sum(gap.seconds for gap in gaps))
    if len(gaps) > _SHOWN:
        return f"{together} in {len(gaps)} parts"
    return f"{together} ({', '.join(_span(gap.start, gap.end, zone) for gap in gaps)})"


def _span(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    first, last = start.astimezone(zone), end.astimezone(zone)
    same_day = first.date() == last.date()
    return f"{first:%Y-%m-%d %H:%M:%S} to {last:{'%H:%M:%S' if same_day else '%Y-%m-%d %H:%M:%S'}}"


def _duration(seconds: float) -> str:
    """A length of time in its two largest units."""
    left = max(1, round(seconds))
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        parts.append(f"{count} {unit}" if count else "")
    first = next(index for index, part in enumerate(parts) if part)
    return " ".join(part for part in parts[first : first + 2] if part)


def _excluded(cameras: Sequence[CameraInfo], filters: Filters) -> Iterator[NotSearched]:
    if filters.camera_ids is None:
        return
    left_out = [camera.name for camera in cameras if camera.id not in filters.camera_ids]
    if len(left_out) > _NAMED:
        yield NotSearched(what=f"{len(left_out)} cameras", reason="left out by the filter", cause="filter")
        return
    for name in left_out:
        yield NotSearched(what=name, reason="left out by the filter", cause="filter")


def _unfinished(gallery: Gallery, names: Mapping[int | None, str], filters: Filters) -> Iterator[NotSearched]:
    """Recordings that were filed but are not in the gallery (yet), as far as they could pass the filter."""
    # How long an unread recording is, nobody knows: one is left out only when it begins too late.
    found = gallery.jobs.unindexed(camera_ids=filters.camera_ids, before=filters.end, limit=_UNINDEXED)
    for recording in found[:_NAMED]:
        camera = names.get(recording.camera_id, "?")
        yield NotSearched(
            what=f"{recording.file_name} of {camera}", reason=_reason(recording), cause="not_indexed"
        )
    counts: dict[str, int] = defaultdict(int)
    for recording in found[_NAMED:]:
        counts["being indexed" if recording.state == "running" else _reason(recording)] += 1
    for reason, count in counts.items():
        many = f"at least {count}" if len(found) == _UNINDEXED else str(count)
        noun = "video" if count == 1 else "videos"
        yield NotSearched(what=f"{many} more {noun}", reason=reason, cause="not_indexed")


def _reason(recording: RecordingInfo) -> str:
    if recording.state == "queued":
        return "waiting to be indexed"
    if recording.state == "running":
        return f"being indexed, {min(99, int(100 * recording.progress))}% done"
    return f"indexing failed: {recording.reason or 'no reason recorded'}"
