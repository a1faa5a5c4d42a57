"""`sightline backup` and `sightline restore`: a copy of the whole gallery, and a gallery from a copy."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gallery import GallerySettings
from sightline.console import AsJson, DataDir, open_gallery, output, print_json, read_settings
from sightline.erasures import tell_repeated


def backup(
    folder: Annotated[Path, typer.Argument(help="A new folder.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Copy the gallery into a folder while it is used.

    Recordings that were indexed in place are not copied; uploaded ones are.
    """
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        report = gallery.back_up(folder.absolute())
    if as_json:
        print_json(asdict(report))
    else:
        size = f"{report.bytes / 1024**2:.1f} MiB"
        output.print(f"{report.videos} videos, {report.files} files, {size} are in {folder}.", markup=False)


def restore(
    folder: Annotated[Path, typer.Argument(help="A folder that `sightline backup` made.")],
    repeat_erasures: Annotated[
        list[Path] | None,
        typer.Option(help="A certificate of what was erased since, or a folder of them; may be repeated."),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make a gallery from a backup, where there is none yet.

    The database may be of another kind than before, and the data folder another one.
    """
    from gallery import Gallery, read_certificates

    settings = read_settings(GallerySettings, data_dir=data_dir)
    kept = read_certificates(repeat_erasures or [])  # what is wrong with them is said before anything is done
    report = Gallery.restore(settings, folder.absolute())
    repeated = None
    if repeat_erasures:
        with open_gallery(settings) as gallery:
            repeated = gallery.erasures.repeat(kept)
    if as_json:
        print_json(asdict(report) | ({"repeated": asdict(repeated)} if repeated is not None else {}))
        return
    output.print(f"{report.videos} videos are restored to {settings.data_dir}.", markup=False)
    if repeated is not None:
        tell_repeated(repeated)
