"""`sightline models`: the models of a gallery, and which of them is in use."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gallery import GallerySettings, NotFound
from models.names import CARD, DEFAULT, MODELS, SHIPPED, shipped_ids
from service.shipped import is_shipped, kept, shipped_card
from sightline import comparing, deriving
from sightline.console import (
    AsJson,
    DataDir,
    open_gallery,
    output,
    print_json,
    print_line,
    print_note,
    print_table,
    read_settings,
)
from sightline.failures import CommandError
from sightline.importing import Network, as_folder
from sightline.naming import located

if TYPE_CHECKING:
    from gallery import Gallery

app = typer.Typer(
    help="List, import, compare, promote and remove models.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

app.command()(deriving.average)
app.command()(deriving.whiten)

Model = Annotated[str, typer.Argument(help="Name of a model, or how its id begins.", metavar="MODEL")]


@app.callback()
def models(context: typer.Context, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the models, or import, compare, promote and remove them."""
    if context.invoked_subcommand is None:
        list_models(data_dir, as_json)


@app.command("list")
def list_models(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the models of the gallery, and those that come with the program."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        found = gallery.models.all()
        missing = {model.id: gallery.models.missing(model.id) for model in found}
        unpromoted = shipped_ids()[_unpromoted(gallery)]
    used = next((model.id for model in found if model.promoted), unpromoted)
    rows: list[dict[str, object]] = [
        {
            "name": model.name,
            "id": model.id[:12],
            "in_use": "yes" if model.id == used else "",
            "kept": "in the gallery" if model.folder else _elsewhere(model.name, model.id),
            "dimension": model.dimension,
            "videos": model.videos,
            "missing_videos": missing[model.id],
            "tracklets": model.tracklets,
        }
        for model in found
    ]
    known = {model.id for model in found}
    for name in SHIPPED:
        card = shipped_card(name)
        if card["id"] not in known:
            rows.append(
                {
                    "name": name,
                    "id": card["id"][:12],
                    "in_use": "yes" if card["id"] == used else "",
                    "kept": "shipped",
                    "dimension": card["dimension"],
                    "videos": 0,
                    "missing_videos": None,
                    "tracklets": 0,
                }
            )
    if as_json:
        print_json(rows)
    else:
        print_table(rows)


@app.command()
def show(model: Model, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show what is known of a model: its card, and what the gallery holds of it."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        try:
            found = gallery.models.find(model)
        except NotFound:
            if model not in SHIPPED:
                raise
            print_json(shipped_card(model))
            return
        missing, history = gallery.models.missing(found.id), gallery.models.promotions()
    values = {
        **asdict(found),
        "missing_videos": missing,
        "promotions": [asdict(one) for one in history if one.model_id == found.id],
    }
    if as_json:
        print_json(values)
        return
    card = found.card
    print_line(f"{found.name} ({found.id})")
    print_line(f"origin: {card.get('origin') or card.get('training') or 'not said'}")
    print_line(f"in use: {'yes' if found.promoted else 'no'}")
    print_line(
        f"embeddings: {found.tracklets} tracklets of {found.videos} videos; {missing} videos lack them"
    )
    print_json(card)


@app.command("import")
def import_model(
    source: Annotated[
        Path, typer.Argument(help="An .onnx file, an OpenVINO .xml file, or the folder of a checkpoint.")
    ],
    *,
    name: Annotated[str | None, typer.Option(help="Of the model [default: as its card says].")] = None,
    size: Annotated[str, typer.Option(help="Height x width of its pictures.", metavar="HxW")] = "256x128",
    mean: Annotated[
        str | None, typer.Option(help="Of one or three channels [default: ImageNet's; 0 with --scale 255].")
    ] = None,
    std: Annotated[
        str | None, typer.Option(help="Of one or three channels [default: ImageNet's; 1 with --scale 255].")
    ] = None,
    scale: Annotated[int, typer.Option(help="What white is before mean and std: 1 or 255.")] = 1,
    layout: Annotated[str, typer.Option(help="Order of the axes: nchw or nhwc.")] = "nchw",
    channels: Annotated[str, typer.Option(help="Order of the channels: rgb or bgr.")] = "rgb",
    output_name: Annotated[
        str | None, typer.Option("--output", help="Which output has the features, where there are several.")
    ] = None,
    origin: Annotated[str | None, typer.Option(help="Where it comes from, for its card.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Copy a model into the gallery.

    A network is tried first, in a process of its own: one input of the size, an output of one feature a
    picture, finite and the same each time. Nothing is indexed with it yet; `sightline reindex` does that.
    """
    network = Network(size, mean, std, scale, layout, channels, output_name, origin)
    with (
        as_folder(source, name, network) as (folder, info),
        open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery,
    ):
        if info.name in MODELS:
            raise CommandError(f"{info.name} comes with the program", "choose another --name")
        added = gallery.models.add(info, folder)
        missing = gallery.models.missing(added.id)
    print_line(f"{added.name} ({added.id[:12]}) is in the gallery: {added.dimension} numbers a person.")
    if missing:
        print_line(f"{missing} recordings are not indexed with it: `sightline reindex --model {added.name}`.")
    if warning := added.card.get("warning"):
        print_note(warning)


@app.command()
def remove(model: Model, data_dir: DataDir = None) -> None:
    """Remove a model from the gallery, with all embeddings that it made."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        found = gallery.models.find(model)
        if gallery.models.promoted() is None and found.name == _unpromoted(gallery):
            raise CommandError(f"{found.name} is in use", "promote another model first")
        removed = gallery.models.remove(found.id)
    print_line(f"{removed.name} is removed, with the embeddings of {removed.tracklets} tracklets.")


@app.command()
def export(
    model: Model,
    *,
    onnx: Annotated[Path, typer.Option(metavar="DIR", help="New folder for image.onnx and video.onnx.")],
    data_dir: DataDir = None,
) -> None:
    """Write a model as ONNX files for other programs, and compare them with torch."""
    from models import zoo
    from models.exported.exporting import export_onnx

    loaded = zoo.load(located(model, read_settings(GallerySettings, data_dir=data_dir)))
    onnx.mkdir(parents=True)
    worst = export_onnx(loaded, onnx)
    text = json.dumps(dict(loaded.card), indent=2, ensure_ascii=False) + "\n"
    (onnx / CARD).write_text(text, encoding="utf-8")
    print_line(f"{onnx}: image.onnx, video.onnx and the card; they differ from torch by {worst:.1e} at most.")


@app.command()
def compare(
    old: Model,
    new: Model,
    probes: Annotated[int, typer.Option(min=1, max=10_000, help="How many people to ask for.")] = 200,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Ask two models for the same people, and show how their answers differ."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        first, second = gallery.models.find(old), gallery.models.find(new)
        found = comparing.compare(gallery, first, second, probes, data_dir)
    if as_json:
        searches = found.searches and found.searches.model_dump(mode="json")
        print_json({"tracklets": asdict(found.tracklets), "searches": searches})
    else:
        comparing.show(first, second, found)


@app.command()
def promote(
    model: Model,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would change, as `compare` does.")
    ] = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Even if videos are not embedded with it yet.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Let a model be the one in use.

    Servers and workers follow within seconds, without a restart. Searches that are under way end with the
    model they began with. Refused while videos are not embedded with it, for nobody would find them.
    """
    from service.networks import try_model
    from service.settings import ServiceSettings

    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        if dry_run:
            _rehearse(gallery, model, data_dir)
            return
        found = kept(gallery, model)
        if found.folder is not None:
            settings = read_settings(ServiceSettings, data_dir=data_dir)
            try_model(settings, str(found.folder))
        now = gallery.models.promote(found.id, allow_missing=allow_missing)
        missing = gallery.models.missing(now.id)
    print_line(f"{now.name} ({now.id[:12]}) is in use.")
    _say_missing(now.name, missing)


@app.command()
def rollback(data_dir: DataDir = None) -> None:
    """Undo the last promotion: the model before it is in use again."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        now = gallery.models.rollback()
        name = _unpromoted(gallery) if now is None else now.name
        model_id = shipped_ids()[name] if now is None else now.id
        missing = gallery.models.missing(model_id)
    print_line(f"{name} ({model_id[:12]}) is in use.")
    _say_missing(name, missing)


def _unpromoted(gallery: "Gallery") -> str:
    """The name of the shipped model that is in use while none is promoted."""
    return gallery.models.settled(shipped_ids()) or DEFAULT


def _elsewhere(name: str, model_id: str) -> str:
    return "shipped" if is_shipped(name, model_id) else "embeddings only"


def _rehearse(gallery: "Gallery", model: str, data_dir: Path | None) -> None:
    found = gallery.models.find(model)
    used = gallery.models.promoted() or gallery.models.find(_unpromoted(gallery))
    if used.id == found.id:
        raise CommandError(f"{found.name} is in use already", "name another model")
    comparing.show(used, found, comparing.compare(gallery, used, found, comparing.PROBES, data_dir))
    missing = gallery.models.missing(found.id)
    if missing:
        _say_missing(found.name, missing)
    output.print("Nothing was changed.")


def _say_missing(name: str, missing: int) -> None:
    if missing:
        print_note(
            f"{missing} recordings are not indexed with {name} and are not found under it: "
            f"`sightline reindex --model {name}`."
        )
