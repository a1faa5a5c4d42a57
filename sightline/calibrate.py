"""`sightline calibrate`: learn what a model's scores are evidence for."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sightline.console import print_line, print_table
from sightline.failures import CommandError
from sightline.progress import StageBars, progress_bars

SIZES: Final = (None, 30, 8)  # people in a gallery; None: all of a world

if TYPE_CHECKING:
    from models.calibration.searches import Judgement
    from models.datasets.records import Dataset


def calibrate(
    model: Annotated[Path, typer.Argument(help="Folder of the checkpoint whose card gets the calibration.")],
    *,
    dataset: Annotated[str, typer.Option(help="Kind of the data sets: simulated, mars, ...")],
    root: Annotated[list[Path], typer.Option(help="Folder of one to learn from; may be repeated.")],
    judge: Annotated[
        list[Path] | None, typer.Option(help="Folder of one to judge by, of other people; may be repeated.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda:N.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads on a CPU [default: torch's].")] = None,
) -> None:
    """Learn which probability a model's scores stand for, and write it on the model's card.

    Learns from searches for people whose tracklets are known, and judges by searches for others.
    """
    from gallery import standard_scores
    from models import checkpoint, datasets
    from models.calibration.calibrator import CALIBRATION
    from models.calibration.searches import Search, fit_searches, searches
    from models.calibration.searches import judge as judged
    from models.embedder import Embedder
    from models.evaluation.protocols import TrackletFeatures

    loaded = checkpoint.load(model)
    if judge and (same := {path.resolve() for path in root} & {path.resolve() for path in judge}):
        raise CommandError(f"{min(same)} is to learn from and to judge by", "judge by other people")
    learnt = [datasets.load(dataset, path) for path in root]
    unseen = [datasets.load(dataset, path) for path in judge or ()]
    embedder = Embedder(loaded, device=device, threads=threads)
    with progress_bars() as bars:
        features = TrackletFeatures(embedder, StageBars(bars, "embedding"))

        def known(one: "Dataset", people: int | None) -> list[Search]:
            parts = (searches(features, split, standard_scores, people=people) for split in one.splits)
            return [search for part in parts for search in part]

        learnt_from = [search for one in learnt for people in SIZES for search in known(one, people)]
        fitted_on = {
            "datasets": [one.name for one in learnt],
            "people": len({search.identity for search in learnt_from}),
            "pairs": sum(len(search.same) for search in learnt_from),
            "date": datetime.now(UTC).date().isoformat(),
        }
        calibrator = fit_searches(learnt_from, loaded.id, fitted_on)
        judgements = [
            judged(calibrator, known(one, people), f"{one.name} in {path.name}")
            for one, path in zip(unseen, judge or (), strict=True)
            for people in SIZES
        ]
    facts = tuple(judgement.facts() for judgement in judgements)
    found = calibrator.model_copy(update={"measured": facts}).model_dump(mode="json")
    checkpoint.amend(model, {CALIBRATION: found})
    print_line(f"Learnt from {fitted_on['pairs']:,} pairs of {fitted_on['people']:,} people: {model}")
    if judgements:
        _show(judgements)


def _show(judgements: "list[Judgement]") -> None:
    print_table(
        [
            {
                "judged by": one.dataset,
                "searches": f"{one.searches:,} of {one.compared:,.0f} tracklets",
                "calibration error": f"{one.error:.3f}",
                "credible": f"{one.credible:.1%}",
                "credible without a match": f"{one.credible_without:.1%}",
                "wrong, expected": f"{one.wrong_expected:.2f}",
                "wrong, found": f"{one.wrong_found:.2f}",
            }
            for one in judgements
        ]
    )
