"""The stretches of time that an answer covers, and those it does not, on their cameras' clocks."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from service.answer_schemas import CameraCoverage, CoverageOut, UnindexedOut

COLUMNS: Final = ("camera", "site", "start", "end", "seconds", "what", "at_most", "recording", "reason")
_CAMERAS: Final = 20  # that are told one by one
_SHOWN: Final = 3  # stretches of a camera whose times are told


def searched(coverage: "CoverageOut") -> Iterator[str]:
    """Say in a line a camera how much of it was searched, and when."""
    from service.spans import duration

    there = [camera for camera in coverage.cameras if camera.seconds]
    for camera in there[:_CAMERAS]:
        yield f"Searched: {duration(camera.seconds)} of {camera.camera} ({_when(camera)})"
    if rest := there[_CAMERAS:]:
        together = duration(sum(camera.seconds for camera in rest))
        yield f"Searched: {together} of {len(rest)} more camera{'' if len(rest) == 1 else 's'}"


def rows(coverage: "CoverageOut") -> list[dict[str, object]]:
    """All stretches for a spreadsheet, under COLUMNS: by camera and start.

    `what` is "searched" or why it was not; a row with a `recording` is about that: its end may be unknown.
    """
    return [row for camera in coverage.cameras for row in _rows(camera)]


def _when(camera: "CameraCoverage") -> str:
    from service.spans import span

    zone = ZoneInfo(camera.time_zone)
    spans = camera.intervals or []
    if 1 <= len(spans) + camera.more_intervals <= _SHOWN:
        return ", ".join(span(one.start, one.end, zone) for one in spans)
    parts = f"in {len(spans) + camera.more_intervals} parts, " if spans else ""
    assert camera.first is not None
    assert camera.last is not None
    return f"{parts}{span(camera.first, camera.last, zone)}"


def _rows(camera: "CameraCoverage") -> list[dict[str, object]]:
    told: list[tuple[datetime, datetime | None, dict[str, object]]] = []
    told += [(one.start, one.end, {"what": "searched"}) for one in camera.intervals or []]
    told += [(gap.start, gap.end, {"what": gap.reason, "at_most": gap.at_most}) for gap in camera.missing]
    told += [(one.start, one.end, _filed(one)) for one in camera.unindexed]
    # Sorted in UTC: on one clock that goes back, Python compares what it shows.
    found = [_row(camera, start, end, about) for start, end, about in sorted(told, key=lambda one: one[0])]
    left_out = camera.more_intervals + camera.more_missing + camera.more_unindexed
    if left_out:
        found.append(_row(camera, None, None, {"what": f"{left_out} more are not listed"}))
    return found


def _filed(one: "UnindexedOut") -> dict[str, object]:
    return {
        "what": one.state,
        "at_most": not one.exact,
        "recording": one.file_name,
        "reason": one.reason or "",
    }


def _row(
    camera: "CameraCoverage", start: datetime | None, end: datetime | None, about: dict[str, object]
) -> dict[str, object]:
    zone = ZoneInfo(camera.time_zone)
    return {
        "camera": camera.camera,
        "site": camera.site or "",
        "start": start.astimezone(zone) if start else "",
        "end": end.astimezone(zone) if end else "",
        "seconds": (end - start).total_seconds() if start and end else "",
        "at_most": "",
        "recording": "",
        "reason": "",
        **about,
    }
