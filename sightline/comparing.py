"""Two models asked for the same people, before one takes the place of the other."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sightline.adapt import gate_rows
from sightline.console import output, print_line, print_table, read_settings
from sightline.failures import CommandError

if TYPE_CHECKING:
    from gallery import Comparison, Gallery, RegisteredModel
    from service.shadow_schemas import ShadowReport

PROBES: Final = 200


@dataclass(frozen=True, slots=True)
class Compared:
    """Two models asked for the same tracklets, and for recent searches where these may be used."""

    tracklets: "Comparison"
    searches: "ShadowReport | None"


def compare(
    gallery: "Gallery", old: "RegisteredModel", new: "RegisteredModel", probes: int, data_dir: Path | None
) -> Compared:
    """By tracklets, and by recent searches where SIGHTLINE_COMPARE_SEARCHES allows to use their photos."""
    from service.networks import Networks, try_registered
    from service.settings import ServiceSettings
    from service.shadow import shadow_report
    from service.state import make_state

    for model in (old, new):
        if not model.tracklets:
            remedy = f"`sightline reindex --model {model.name}` does it"
            raise CommandError(f"nothing is embedded with {model.name}", remedy)
    by_tracklets = gallery.compare(old.id, new.id, probes=probes)
    settings = read_settings(ServiceSettings, data_dir=data_dir)
    if not settings.compare_searches:
        return Compared(by_tracklets, None)
    first, second = (try_registered(settings, model) for model in (old, new))
    state = make_state(settings, gallery, Networks())
    return Compared(by_tracklets, shadow_report(state, first, second, searches=probes, key_id=None))


def show(old: "RegisteredModel", new: "RegisteredModel", found: Compared) -> None:
    """Print what would change."""
    print_line(f"{new.name} ({new.id[:12]}) instead of {old.name} ({old.id[:12]}):")
    one = found.tracklets
    print_table(
        [
            {
                "probes": f"{one.count} tracklets",
                "first ten in common": _percent(one.overlap),
                "same first": _percent(one.same_first),
                "median rank of the old first": _plain(one.median_rank),
                "old first not in the first ten": _percent(one.lost_first),
            }
        ]
    )
    halves = [
        {
            "other half of a tracklet": name,
            "rank-1": _percent(half.rank_1),
            "rank-10": _percent(half.rank_10),
            "mAP": _percent(half.map),
        }
        for name, half in ((old.name, one.before), (new.name, one.after))
        if half is not None
    ]
    if halves:
        print_table(halves)
    else:
        output.print("No tracklet has two clips: how well each finds the other half of one is not known.")
    if found.searches is not None:
        _show_searches(found.searches)
    for model in (old, new):
        if gate := model.card.get("adaptation", {}).get("gate"):
            print_line(f"{model.name} was adapted; its gate, before and after:")
            print_table(gate_rows(gate))


def _show_searches(report: "ShadowReport") -> None:
    """Print what would change for recorded searches."""
    left = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in report.left_out.items())
    print_line(
        f"{report.replayed} of the last {report.searches} searches were answered by both"
        f"{f' (not: {left})' if left else ''}:"
    )
    shares = {
        "same first hit": report.same_first,
        "first ten in common": report.overlap_10,
        "first twenty in common": report.overlap_20,
    }
    print_table(
        [
            {"of searches": name, "share": _percent(one.value), "95 %": _between(one.low, one.high, 100)}
            for name, one in shares.items()
            if one is not None
        ]
    )
    marked = {"the person": report.matches, "somebody else": report.others}
    changes = [
        (f"{one.marks} marked as {who}: {name}", change, 100)
        for who, one in marked.items()
        if one is not None
        for name, change in (("in the first ten, %", one.first_ten), ("mean of 1 / rank, %", one.reciprocal))
    ]
    changes.append(("seconds a search", report.seconds, 1))
    print_table(
        [
            {
                "figure": name,
                "before": f"{scale * one.before:.2f}",
                "after": f"{scale * one.after:.2f}",
                "95 % of the change": _between(one.low, one.high, scale),
            }
            for name, one, scale in changes
            if one is not None
        ]
    )


def _between(low: float | None, high: float | None, scale: float) -> str:
    return "-" if low is None or high is None else f"{scale * low:.2f} to {scale * high:.2f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"
