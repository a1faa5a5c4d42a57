"""The answer of a search on a terminal and in a spreadsheet: hits on their cameras' clocks, and gaps."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from sightline import stretches
from sightline.console import errors, local_time, output, print_csv, print_line, print_table

if TYPE_CHECKING:
    from gallery import Catalogue
    from service.answer_schemas import SearchAnswer

# Recordings that exist and pass the filters, but have not been searched.
_UNSEARCHED: Final = frozenset({"not_indexed", "other_model", "damaged"})


def show(answer: "SearchAnswer", catalogue: "Catalogue") -> None:
    """Print a table of the hits, what was compared and what was not, and what should be known besides."""
    from service.searches import hit_table

    marked, far = (any(getattr(hit, name) for hit in answer.hits) for name in ("mark", "beyond_horizon"))
    rows = [
        {
            "rank": hit.rank,
            "score": hit.score,
            "standard_score": hit.standard_score,
            **({"new": "new" if hit.new else ""} if _asked_again_now(answer) else {}),
            **({"probability": hit.probability} if answer.calibration.calibrated else {}),
            "camera": hit.camera.name,
            "local_time": local_time(hit.start, hit.camera.time_zone),
            "seconds": f"{(hit.end - hit.start).total_seconds():.1f}",
            "recording": catalogue.video(hit.video_id).file_name,
            "best_at": hit_table.clock(hit.best_moment.offset_seconds),
            **({"day": "other" if hit.beyond_horizon else ""} if far else {}),
            **({} if hit.pulled_by is None else {"photo": hit.pulled_by + 1}),
            **({"mark": hit.mark.verdict if hit.mark else ""} if marked else {}),
        }
        for hit in answer.hits
    ]
    print_line(f"Search {answer.id}")
    print_table(rows, empty="Nothing was found.")
    count, how = answer.coverage.tracklets_compared, "compared" if answer.coverage.exact else "searched"
    print_line(f"1 tracklet was {how}." if count == 1 else f"{count} tracklets were {how}.")
    if credible := _credible(answer):
        print_line(credible)
    for line in stretches.searched(answer.coverage):
        print_line(line)
    for gap in answer.coverage.not_searched:
        output.print(_said(gap.what, gap.reason), style=_style(gap.cause), soft_wrap=True)
    for text, warns in _told(answer):
        output.print(text, style="yellow" if warns else "dim", soft_wrap=True)


def print_as_csv(answer: "SearchAnswer", catalogue: "Catalogue") -> None:
    """Print the hits for a spreadsheet; what should be known about them goes to standard error."""
    from service.searches import hit_table

    print_csv(hit_table.rows(answer.hits, catalogue), hit_table.COLUMNS)
    for line in stretches.searched(answer.coverage):
        errors.print(line, soft_wrap=True)
    for gap in answer.coverage.not_searched:
        errors.print(_said(gap.what, gap.reason), style=_style(gap.cause), soft_wrap=True)
    for text, warns in _told(answer):
        errors.print(text, style="yellow" if warns else "dim", soft_wrap=True)


def incomplete(answer: "SearchAnswer") -> bool:
    """Return whether recordings that were asked for were not searched, or there was nothing to search."""
    causes = {gap.cause for gap in answer.coverage.not_searched}
    nothing = answer.coverage.tracklets_compared == 0 and "no_recording" in causes
    return nothing or not causes.isdisjoint(_UNSEARCHED)


def _asked_again_now(answer: "SearchAnswer") -> bool:
    return answer.repeats is not None and answer.repeats.on == "now"


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


def _told(answer: "SearchAnswer") -> Iterator[tuple[str, bool]]:
    """Each notice in a line, under its photo, then what else should be known; and whether it warns."""
    told = set()
    for number, probe in enumerate(answer.probes, 1):
        which = f"Photo {number}" if len(answer.probes) > 1 else "Photo"
        for notice in probe.notices:
            told.add(notice.text)
            yield f"{which}: {notice.text}", notice.warns
    for warning in answer.warnings:
        if warning not in told:
            yield f"Note: {warning}", True


def _said(what: str, reason: str) -> str:
    return f"Not searched: {what} ({reason})"


def _style(cause: str | None) -> str:
    return "dim" if cause == "filter" else "yellow"
