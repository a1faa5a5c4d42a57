"""What `sightline calibrate` does without a MODEL: correct the probabilities of the gallery by its marks."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sightline.console import (
    errors,
    open_gallery,
    print_json,
    print_line,
    print_note,
    print_table,
    read_settings,
)
from sightline.failures import CommandError

if TYPE_CHECKING:
    from gallery import CalibrationInfo
    from models.calibration.strangers import Strangers
    from service.calibrating import Calibrated
    from service.state import State


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: calibrate, also by tracklets or only to see what would come of it; go back; list."""

    dry_run: bool
    tracklets: bool
    reset: bool
    show: bool


def run(data_dir: Path | None, wanted: Wanted, *, as_json: bool) -> None:
    """Correct, go back, or show. Exits with 1 when nothing was changed that was to be.

    Raises:
        CommandError: options that exclude each other.
    """
    from service.auth import Caller
    from service.calibrating import calibrate
    from service.networks import LateNetworks
    from service.settings import ServiceSettings
    from service.state import make_state

    if (wanted.dry_run or wanted.tracklets) + wanted.reset + wanted.show > 1:
        raise CommandError(
            "--reset, --show and calibrating, with --dry-run or --tracklets, exclude each other",
            "choose one of them",
        )
    settings = read_settings(ServiceSettings, data_dir=data_dir)
    with open_gallery(settings) as gallery:
        state = make_state(settings, gallery, LateNetworks(settings, gallery))
        if wanted.reset:
            _reset(state, as_json=as_json)
        elif wanted.show:
            _show(gallery.calibrations.all(state.networks.embedder.id), as_json=as_json)
        else:
            beside = _strangers(state) if wanted.tracklets else None
            ended = calibrate(state, Caller(None), dry_run=wanted.dry_run, strangers=beside)
            _say(ended, as_json=as_json)
            if not (ended.changed or wanted.dry_run):
                raise typer.Exit(1)


def _strangers(state: "State") -> "Strangers | None":
    """What people seen side by side say of the model in use; None where there are too few, which is said."""
    from indexer.networks import make_embedder
    from indexer.progress import ConsoleProgress
    from indexer.settings import IndexSettings
    from indexer.strangers import evidence_of_strangers
    from models.calibration.calibrator import calibrator_of
    from models.calibration.strangers import lacking_strangers, strangers
    from service.networks import in_use

    own = state.networks.embedder
    calibrator = calibrator_of(own.card, own.id)
    if calibrator is None:  # calibrating says so
        return None
    model = in_use(state.settings, state.gallery).model
    settings = read_settings(IndexSettings).model_copy(update={"model": model})
    with ConsoleProgress(errors) as bars:
        bar = bars.of("tracklets")
        found = evidence_of_strangers(
            state.gallery, make_embedder(settings), settings, seen=lambda _: bar.update("photos", 0.0, {})
        )
        bar.update("done", 1.0, {})
    if (why := lacking_strangers(found)) is not None:
        print_note(why)
        return None
    return strangers(calibrator, found)


def _reset(state: "State", *, as_json: bool) -> None:
    taken_back = state.gallery.calibrations.reset(state.networks.embedder.id)
    if as_json:
        print_json({"taken_back": taken_back})
    else:
        print_line(f"The calibration on the card of {state.networks.embedder.name} counts again.")


def _say(ended: "Calibrated", *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(ended))
        return
    print_line(ended.reason)
    if ended.calibration is not None:
        print_line(
            f"Searches use calibration {ended.calibration.id} from now on; `sightline calibrate --reset` "
            "goes back."
        )
    for reason, count in ended.left_out.items():
        print_note(f"Marks {reason}, which were left out: {count}.")


def _show(found: "list[CalibrationInfo]", *, as_json: bool) -> None:
    from service.searches.credibility import learnt_from

    if as_json:
        print_json([asdict(one) for one in found])
        return
    current = next((one.id for one in found if one.undone_at is None), None)
    rows: list[dict[str, object]] = [
        {
            "number": one.id,
            "in_use": "yes" if one.id == current else "",
            "learnt_from": learnt_from(one.calibrator.get("fitted_on", {})),
            "created_at": one.created_at,
            "taken_back": one.undone_at,
        }
        for one in found
    ]
    print_table(rows, empty="The gallery has no calibration of its own: the one on the model's card counts.")
