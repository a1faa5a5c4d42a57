"""Tables of `sightline evaluate`: the figures of each protocol, and how two models differ."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sightline.console import output, print_note, print_table

if TYPE_CHECKING:
    from models.evaluation.bootstrap import Interval
    from models.evaluation.comparison import Comparison
    from models.evaluation.report import Evaluation, Figures


def show(found: Sequence["Evaluation"], warning: str | None) -> None:
    """Print how many queries were judged, and the tables of closed and open sets."""
    first, counts = found[0], found[0].counts
    where = first.dataset if len(first.splits) == 1 else f"{len(first.splits)} splits of {first.dataset}"
    output.print(
        f"{first.model} on {where}: {counts.queries} queries for {counts.identities} people, "
        f"{counts.skipped} without a match left out, {counts.gallery} in the gallery.",
        markup=False,
        soft_wrap=True,
    )
    closed, opened = [], []
    for evaluation in found:
        name = _named(evaluation.protocol, evaluation.ranked_by)
        if evaluation.dataset != first.dataset:
            name += f" ({evaluation.dataset})"
        closed.append(_closed(name, evaluation.figures, evaluation.intervals))
        opened.append(_opened(name, evaluation.figures))
        if evaluation.figures.single_gallery_shot is not None:
            closed.append(_ranks(f"{name} single-shot", evaluation.figures.single_gallery_shot))
        if evaluation.reranked is not None:
            closed.append(_closed(f"{name} re-ranked", evaluation.reranked, {}))
    print_table(closed)
    print_table(opened)
    if warning:
        print_note(warning)


def _named(protocol: str, ranked_by: str) -> str:
    return protocol if ranked_by == "cosine" else f"{protocol} by standard score"


def show_comparisons(comparisons: Sequence["Comparison"]) -> None:
    """Print by how much one model is better than another, by the same queries."""
    first = comparisons[0]
    output.print(
        f"{', '.join(first.model)} less {', '.join(first.against)} by the same queries (paired bootstrap):",
        markup=False,
        soft_wrap=True,
    )
    print_table([_comparison(one) for one in comparisons])


def _comparison(one: "Comparison") -> dict[str, str]:
    row = {"data set": one.dataset, "protocol": _named(one.protocol, one.ranked_by)}
    for name, heading in (
        ("rank_1", "rank-1"),
        ("map_standard", "mAP (standard)"),
        ("map_trapezoid", "mAP (trapezoid)"),
    ):
        found = one.differences[name]
        low, high = 100 * found.low, 100 * found.high
        row[heading] = f"{100 * found.value:+.1f} [{low:+.1f}, {high:+.1f}], p {found.p:.3f}"
    return row


def _ranks(name: str, shares: Mapping[int, float], of_rank_1: "Interval | None" = None) -> dict[str, str]:
    texts = {f"rank-{k}": _percent(share, of_rank_1 if k == 1 else None) for k, share in shares.items()}
    return {"protocol": name, **texts}


def _closed(name: str, figures: "Figures", intervals: Mapping[str, "Interval"]) -> dict[str, str]:
    return {
        **_ranks(name, figures.rank, intervals.get("rank_1")),
        "mAP (standard)": _percent(figures.map_standard, intervals.get("map_standard")),
        "mAP (trapezoid)": _percent(figures.map_trapezoid, intervals.get("map_trapezoid")),
        "mINP": _percent(figures.minp),
    }


def _opened(name: str, figures: "Figures") -> dict[str, str]:
    rates = {f"TAR at FAR {far:.1%}": _percent(tar) for far, tar in figures.tar_at_far.items()}
    for far, found in (figures.dir_at_far or {}).items():
        rates[f"DIR at FAR {far:.0%}"] = _percent(found)
    return {"protocol": name, **rates}


def _percent(share: float, interval: "Interval | None" = None) -> str:
    text = f"{100 * share:.1f}"
    return text if interval is None else f"{text} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"
