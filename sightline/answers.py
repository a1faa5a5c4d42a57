"""The answer of a search on a terminal and in a spreadsheet: hits on their cameras' clocks, and gaps."""

from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from sightline.console import errors, local_time, output, print_csv, print_line, print_note, print_table

if TYPE_CHECKING:
    from gallery import Catalogue
    from service.answer_schemas import HitOut, SearchAnswer

_COLUMNS: Final = (
    *("rank", "score", "standard_score", "probability", "camera", "site"),
    *("start", "end", "recording", "best_at", "tracklet_id"),
)
# Recordings that exist and pass the filters, but have not been searched.
_UNSEARCHED: Final = frozenset({"not_indexed", "other_model", "damaged"})


def show(answer: "SearchAnswer", catalogue: "Catalogue") -> None:
    """Print a table of the hits, what was compared and what was not, and what should be known besides."""
    rows = [
        {
            "rank": hit.rank,
            "score": hit.score,
            "standard_score": hit.standard_score,
            **({"probability": hit.probability} if answer.calibration.calibrated else {}),
            "camera": hit.camera.name,
            "local_time": local_time(hit.start, hit.camera.time_zone),
            "seconds": f"{(hit.end - hit.start).total_seconds():.1f}",
            "recording": catalogue.video(hit.video_id).file_name,
            "best_at": _clock(hit.best_moment.offset_seconds),
        }
        for hit in answer.hits
    ]
    print_line(f"Search {answer.id}")
    print_table(rows, empty="Nothing was found.")
    print_line(f"{answer.coverage.tracklets_compared} tracklets were compared.")
    if credible := _credible(answer):
        print_line(credible)
    for gap in answer.coverage.not_searched:
        output.print(_said(gap.what, gap.reason), style=_style(gap.cause), soft_wrap=True)
    for warning in answer.warnings:
        print_note(warning)


def print_as_csv(answer: "SearchAnswer", catalogue: "Catalogue") -> None:
    """Print the hits for a spreadsheet; what should be known about them goes to standard error."""
    print_csv([_row(hit, catalogue) for hit in answer.hits], _COLUMNS)
    for gap in answer.coverage.not_searched:
        errors.print(_said(gap.what, gap.reason), style=_style(gap.cause), soft_wrap=True)
    for warning in answer.warnings:
        errors.print(f"Note: {warning}", style="yellow", soft_wrap=True)


def incomplete(answer: "SearchAnswer") -> bool:
    """Return whether recordings that were asked for were not searched, or there was nothing to search."""
    causes = {gap.cause for gap in answer.coverage.not_searched}
    nothing = answer.coverage.tracklets_compared == 0 and "no_recording" in causes
    return nothing or not causes.isdisjoint(_UNSEARCHED)


def _credible(answer: "SearchAnswer") -> str | None:
    """Say how many hits can be believed; None where nothing was searched or no probability is known."""
    known = answer.calibration
    if not known.calibrated or known.line is None or not answer.hits:
        return None
    if not known.credible:
        return f"No credible match: no hit has a probability of {known.line:.0%} or more."
    return (
        f"{known.credible} credible (probability {known.line:.0%} or more), of which "
        f"{known.wrong_expected:.1f} are expected to show somebody else; more where people and cameras "
        f"differ from those it was learnt from ({known.learnt_from})."
    )


def _row(hit: "HitOut", catalogue: "Catalogue") -> dict[str, object]:
    return {
        "rank": hit.rank,
        "score": hit.score,
        "standard_score": hit.standard_score,
        "probability": hit.probability,
        "camera": hit.camera.name,
        "site": hit.camera.site or "",
        "start": _there(hit.start, hit.camera.time_zone),
        "end": _there(hit.end, hit.camera.time_zone),
        "recording": catalogue.video(hit.video_id).file_name,
        "best_at": _clock(hit.best_moment.offset_seconds),
        "tracklet_id": hit.tracklet_id,
    }


def _there(value: datetime, time_zone: str) -> datetime:
    return value.astimezone(ZoneInfo(time_zone))


def _said(what: str, reason: str) -> str:
    return f"Not searched: {what} ({reason})"


def _style(cause: str | None) -> str:
    return "dim" if cause == "filter" else "yellow"


def _clock(seconds: float) -> str:
    """Seconds into a recording the way players show them."""
    minutes, rest = divmod(max(0.0, seconds), 60)
    return f"{int(minutes // 60)}:{int(minutes % 60):02}:{rest:04.1f}"
