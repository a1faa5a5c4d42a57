"""Hits as rows of a spreadsheet, on the clocks of their cameras."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from gallery import NotFound
from service.answer_schemas import HitOut

if TYPE_CHECKING:
    from gallery import Catalogue

COLUMNS: Final = (
    *("rank", "score", "standard_score", "probability", "mark", "camera", "site"),
    *("start", "end", "beyond_horizon", "recording", "best_at", "tracklet_id"),
)
# Before what a spreadsheet computes. Where commas are decimal, a semicolon ends cells, quoted or not.
_FORMULA: Final = re.compile(r"(^|;)(?= *[=+\-@\t\r])")


def rows(hits: Sequence[HitOut], catalogue: "Catalogue") -> list[dict[str, object]]:
    """A row for each hit, by COLUMNS."""
    names: dict[str, str] = {}
    for video_id in {hit.video_id for hit in hits}:
        with suppress(NotFound):  # erased just now
            names[video_id] = catalogue.video(video_id).file_name
    return [_row(hit, names.get(hit.video_id, "")) for hit in hits]


def written(table: Sequence[Mapping[str, object]], columns: Sequence[str]) -> str:
    """Rows as CSV under the names of `columns`.

    Text that a spreadsheet would compute is preceded by an apostrophe, for names come from outside.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _inert(row[name]) for name in columns} for row in table)
    return text.getvalue()


def clock(seconds: float) -> str:
    """Seconds into a recording the way players show them."""
    minutes, rest = divmod(max(0.0, seconds), 60)
    return f"{int(minutes // 60)}:{int(minutes % 60):02}:{rest:04.1f}"


def _row(hit: HitOut, recording: str) -> dict[str, object]:
    return {
        "rank": hit.rank,
        "score": hit.score,
        "standard_score": hit.standard_score,
        "probability": hit.probability,
        "mark": None if hit.mark is None else hit.mark.verdict.value,
        "camera": hit.camera.name,
        "site": hit.camera.site or "",
        "start": hit.start.astimezone(ZoneInfo(hit.camera.time_zone)),
        "end": hit.end.astimezone(ZoneInfo(hit.camera.time_zone)),
        "beyond_horizon": "yes" if hit.beyond_horizon else "",
        "recording": recording,
        "best_at": clock(hit.best_moment.offset_seconds),
        "tracklet_id": hit.tracklet_id,
    }


def _inert(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return _FORMULA.sub(r"\1'", value) if isinstance(value, str) else value
