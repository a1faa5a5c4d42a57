"""The coverage statement: which cameras and times an answer covers, and which it does not."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from gallery import CameraCoverage as Covered
from gallery import CameraInfo, Coverage, Filters, Gallery, Missing, Ranking, Unindexed
from service.answer_schemas import (
    CameraCoverage,
    Cause,
    CoverageOut,
    IntervalOut,
    MissingOut,
    NotSearched,
    UnindexedOut,
)
from service.spans import duration, span

_NAMED: Final = 20  # cameras and recordings named one by one; of more, how many there are for each reason
_SHOWN: Final = 2  # stretches of a camera whose times stand in the text
_LISTED: Final = 5000  # stretches of each kind in an answer, shared by its cameras: it is recorded
_LEAST: Final = 20  # of each camera
_NOTHING: Final = "nothing is indexed for this time"
# What filed recordings explain is told recording by recording.
_REASONS: Final[Mapping[str, tuple[str, Cause]]] = {
    "damaged": ("its index is damaged, `sightline repair` makes it anew", "damaged"),
    "other_model": ("indexed with another model only", "other_model"),
    "no_pictures": ("the recording has no pictures there", "no_pictures"),
    "not_recorded": ("no recording is indexed", "no_recording"),
}


def coverage_statement(
    gallery: Gallery, cameras: Sequence[CameraInfo], filters: Filters, ranking: Ranking, model_id: str
) -> CoverageOut:
    """State what a ranking covers, what not, and why; `cameras` are all cameras of the gallery."""
    found = gallery.catalogue.coverage(filters, model_id, damaged=ranking.damaged, change=ranking.change)
    most = max(_LEAST, _LISTED // max(1, len(found.cameras)))
    return CoverageOut(
        cameras=[_camera(camera, most) for camera in found.cameras],
        not_searched=[*_gaps(found), *_excluded(cameras, filters), *_unfinished(found)],
        tracklets_compared=ranking.compared,
        exact=ranking.exact,
        recall=ranking.approximate.recall if ranking.approximate else 1.0,
        tracklets_approximate=ranking.approximate.tracklets if ranking.approximate else 0,
        change=ranking.change,
    )


def _camera(camera: Covered, most: int) -> CameraCoverage:
    return CameraCoverage(
        camera=camera.name,
        site=camera.site,
        time_zone=camera.time_zone,
        videos=camera.videos,
        seconds=round(camera.seconds_indexed, 3),
        first=camera.first,
        last=camera.last,
        tracklets=camera.tracklets,
        intervals=[IntervalOut(start=one.start, end=one.end) for one in camera.intervals[:most]],
        more_intervals=max(0, len(camera.intervals) - most),
        missing=[MissingOut.model_validate(gap, from_attributes=True) for gap in camera.missing[:most]],
        more_missing=max(0, len(camera.missing) - most),
        unindexed=[UnindexedOut.model_validate(one, from_attributes=True) for one in camera.unindexed[:most]],
        more_unindexed=max(0, len(camera.unindexed) - most),
    )


def _gaps(found: Coverage) -> Iterator[NotSearched]:
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
                part = "" if whole else f"{_stretches(gaps, ZoneInfo(camera.time_zone))} of "
                what = f"{part}{camera.name}"
                yield NotSearched(what=what, reason=reason, cause=cause)


def _stretches(gaps: Sequence[Missing], zone: ZoneInfo) -> str:
    """How long the gaps are together; where there are few, also when, on the camera's clock."""
    together = duration(sum(gap.seconds for gap in gaps))
    if len(gaps) > _SHOWN:
        return f"{together} in {len(gaps)} parts"
    return f"{together} ({', '.join(span(gap.start, gap.end, zone) for gap in gaps)})"


def _excluded(cameras: Sequence[CameraInfo], filters: Filters) -> Iterator[NotSearched]:
    if filters.camera_ids is None:
        return
    left_out = [camera.name for camera in cameras if camera.id not in filters.camera_ids]
    if len(left_out) > _NAMED:
        yield NotSearched(what=f"{len(left_out)} cameras", reason="left out by the filter", cause="filter")
        return
    for name in left_out:
        yield NotSearched(what=name, reason="left out by the filter", cause="filter")


def _unfinished(found: Coverage) -> Iterator[NotSearched]:
    """Recordings that were filed but are not in the gallery (yet), as far as they could pass the filter."""
    filed = [(camera, one) for camera in found.cameras for one in camera.unindexed]
    for camera, one in filed[:_NAMED]:
        what = f"{one.file_name} of {camera.name} ({_when(one, ZoneInfo(camera.time_zone))})"
        yield NotSearched(what=what, reason=_reason(one), cause="not_indexed")
    counts: dict[str, int] = defaultdict(int)
    for _, one in filed[_NAMED:]:
        counts["being indexed" if one.state == "being_indexed" else _reason(one)] += 1
    for reason, count in counts.items():
        noun = "recording" if count == 1 else "recordings"
        yield NotSearched(what=f"{count} more {noun}", reason=reason, cause="not_indexed")


def _when(filed: Unindexed, zone: ZoneInfo) -> str:
    """When a filed recording was made; how long it is may not be known."""
    if filed.end is None:
        return f"from {span(filed.start, filed.start, zone)}"
    return f"{'' if filed.exact else 'within '}{span(filed.start, filed.end, zone)}"


def _reason(filed: Unindexed) -> str:
    if filed.state == "waiting":
        return "waiting to be indexed"
    if filed.state == "being_indexed":
        return f"being indexed, {min(99, int(100 * filed.progress))}% done"
    return f"indexing failed: {filed.reason or 'no reason recorded'}"
