"""`sightline adapt`: a model that learns the cameras of the gallery."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gallery import AdaptOptions, GallerySettings
from sightline.completion import camera_names
from sightline.console import (
    AsJson,
    DataDir,
    PlainConsole,
    errors,
    moment,
    open_gallery,
    output,
    print_json,
    print_line,
    print_table,
    read_settings,
)
from sightline.search import time_zone_of

if TYPE_CHECKING:
    from gallery import Gallery
    from indexer.adaptation import Adapted
    from indexer.settings import IndexSettings


def adapt(
    name: Annotated[str, typer.Option(help="Name of the model to make: a-z, 0-9, '.', '_' and '-'.")],
    *,
    model: Annotated[
        str | None,
        typer.Option(help="Model to begin with [default: SIGHTLINE_INDEX_MODEL, or the promoted one]."),
    ] = None,
    camera: Annotated[
        list[str] | None, typer.Option(help="Only this camera; may be repeated.", autocompletion=camera_names)
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", help="Only who was seen after this ISO time.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", help="Only who was seen before this ISO time.")] = None,
    hours: Annotated[
        float | None, typer.Option(help="End after the last round that fits into so many hours.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, max=1000, help="Rounds of clustering and learning.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all chance.")] = 1,
    simulated: Annotated[
        Path | None,
        typer.Option(
            help="Folder of simulated tracklets to go on learning from [default: SIGHTLINE_INDEX_SIMULATED]."
        ),
    ] = None,
    marks: Annotated[
        bool, typer.Option("--marks/--no-marks", help="Let marks on hits say who is one person, and who not.")
    ] = True,
    job: Annotated[bool, typer.Option("--job", help="File a job for the workers and return.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Adapt a model to the cameras of the gallery, without labels; marks on hits help if there are some.

    Takes hours. The same command again continues an interrupted run. The gallery keeps the new model beside
    the others if it passes the gate; the report says what was learnt and how it was judged. Times without an
    offset are those of the cameras. Exits with 1 when the old model stays.
    """
    from indexer.settings import IndexSettings

    settings = read_settings(IndexSettings, model=model, simulated=simulated)
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        zone = time_zone_of(gallery.catalogue, camera) if start or end else "UTC"
        options = AdaptOptions(
            name=name,
            parent=settings.model or _in_use(gallery),
            camera_ids=[gallery.catalogue.camera_named(one).id for one in camera] if camera else None,
            start=None if start is None else moment(start, zone).isoformat(),
            end=None if end is None else moment(end, zone).isoformat(),
            hours=hours,
            rounds=rounds,
            seed=seed,
            marks=marks,
        )
        if job:
            filed = gallery.jobs.file_adapt(options)
            print_line(f"Job {filed.id} adapts {options.parent} as {name}. `sightline worker` runs it.")
            return
        adapted = _run(gallery, options, settings, errors if as_json else output)
        report = gallery.adaptations.folder(name) / adapted.report if adapted.report else None
    if as_json:
        print_json(asdict(adapted) | {"report": report and str(report)})
    else:
        _show(adapted, name, report)
    if adapted.model_id is None:
        raise typer.Exit(1)


def _in_use(gallery: "Gallery") -> str:
    from models.names import DEFAULT, shipped_ids

    promoted = gallery.models.promoted()
    return promoted.name if promoted else gallery.models.settled(shipped_ids()) or DEFAULT


def _run(
    gallery: "Gallery", options: AdaptOptions, settings: "IndexSettings", console: PlainConsole
) -> "Adapted":
    from indexer.adaptation import adapt_gallery
    from indexer.progress import ConsoleProgress

    gallery.jobs.check_adapt(options)
    gallery.audit.record("model.adapt", subject=options.name, detail=asdict(options))
    with ConsoleProgress(console) as bars:
        bar = bars.of(options.name)
        adapted = adapt_gallery(gallery, options, settings, run=secrets.token_hex(8), progress=bar)
        bar.update("done", 1.0, {})
    return adapted


def gate_rows(figures: Iterable[Mapping[str, Any]]) -> list[dict[str, object]]:
    """A gate's figures, as an adaptation and its card keep them, for a table."""
    return [
        {
            "figure": figure["name"],
            "before": f"{figure['before']:.3f}",
            "after": f"{figure['after']:.3f}",
            "allowed": f"{figure['allowed']:.3f}",
            "of": figure["count"],
        }
        for figure in figures
    ]


def _show(adapted: "Adapted", name: str, report: Path | None) -> None:
    print_line(adapted.summary())
    if adapted.figures:
        print_table(gate_rows(adapted.figures))
    if report is not None:
        print_line(f"Report: {report}")
    if adapted.model_id is not None:
        print_line(f"Next: `sightline reindex --model {name}`, then `sightline models promote {name}`.")
