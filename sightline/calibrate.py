"""`sightline calibrate`: learn what a model's scores are evidence for, at large or in a gallery."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sightline import calibrate_gallery
from sightline.console import AsJson, DataDir, print_line, print_table
from sightline.failures import CommandError
from sightline.progress import StageBars, progress_bars

SIZES: Final = (None, 30, 8)  # people in a gallery; None: all of a world

if TYPE_CHECKING:
    from models.calibration.searches import Judgement
    from models.datasets.records import Dataset


def calibrate(
    model: Annotated[
        Path | None,
        typer.Argument(help="Folder of a checkpoint whose card gets a calibration [default: the gallery]."),
    ] = None,
    *,
    dataset: Annotated[str | None, typer.Option(help="Kind of the data sets: simulated, mars, ...")] = None,
    root: Annotated[
        list[Path] | None, typer.Option(help="Folder of one to learn from; may be repeated.")
    ] = None,
    judge: Annotated[
        list[Path] | None, typer.Option(help="Folder of one to judge by, of other people; may be repeated.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda:N.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads on a CPU [default: torch's].")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Of the gallery: only say what would be found.")
    ] = False,
    tracklets: Annotated[
        bool,
        typer.Option(
            "--tracklets", help="Of the gallery: also by people seen side by side; reads recordings again."
        ),
    ] = False,
    reset: Annotated[
        bool, typer.Option("--reset", help="Of the gallery: go back to the model's own calibration.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Of the gallery: list its calibrations of the model in use.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Learn which probability scores stand for: in the gallery by its marks, or with MODEL by data sets.

    Without MODEL the calibration of the model in use is corrected by the marks on hits; searches use it at
    once. Exits with 1 when nothing was changed. With MODEL it learns from searches for people whose tracklets
    are known, judges by searches for others, and writes the result on the model's card.
    """
    if model is None:
        if dataset or root or judge:
            raise CommandError(
                "--dataset, --root and --judge need a MODEL", "name the folder of a checkpoint"
            )
        wanted = calibrate_gallery.Wanted(dry_run, tracklets, reset, show)
        calibrate_gallery.run(data_dir, wanted, as_json=as_json)
        return
    if dry_run or tracklets or reset or show or as_json:
        said = "--dry-run, --tracklets, --reset, --show and --json are of the gallery's calibration"
        raise CommandError(said, "leave MODEL out")
    if dataset is None or not root:
        raise CommandError("--dataset or --root is missing", "say what to learn from")
    _calibrate_card(model, dataset, root, judge or [], device=device, threads=threads)


def _calibrate_card(
    model: Path, dataset: str, root: list[Path], judge: list[Path], *, device: str, threads: int | None
) -> None:
    """Learn from data sets, judge by others, and write the card."""
    from gallery import standard_scores
    from models import checkpoint, datasets
    from models.calibration.calibrator import CALIBRATION
    from models.calibration.searches import Search, fit_searches, searches
    from models.calibration.searches import judge as judged
    from models.embedder import Embedder
    from models.evaluation.protocols import TrackletFeatures
    from models.evaluation.splits import fair

    loaded = checkpoint.load(model)
    if judge and (same := {path.resolve() for path in root} & {path.resolve() for path in judge}):
        raise CommandError(f"{min(same)} is to learn from and to judge by", "judge by other people")
    learnt = [fair(datasets.load(dataset, path), loaded) for path in root]
    unseen = [fair(datasets.load(dataset, path), loaded) for path in judge]
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
            for one, path in zip(unseen, judge, strict=True)
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
