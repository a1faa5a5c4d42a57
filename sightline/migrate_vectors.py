"""`sightline migrate-vectors`: move all vectors into Milvus, or out of it."""

from dataclasses import asdict
from typing import Annotated, Literal

import typer
from rich.progress import Progress

from gallery import GallerySettings
from sightline.console import AsJson, DataDir, open_gallery, output, print_json, print_line, read_settings


def migrate_vectors(
    target: Annotated[Literal["milvus", "faiss"], typer.Argument(help="Where all vectors are to lie.")],
    *,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Move all vectors into Milvus, or out of it.

    Each vector is compared before it counts as moved. Searches continue in the meantime; started again it
    goes on where it was stopped. Set SIGHTLINE_VECTORS first: it says where new vectors go. Exits with 1 when
    a segment could not be moved.
    """
    settings = read_settings(GallerySettings, data_dir=data_dir)
    with open_gallery(settings) as gallery, Progress(console=output, disable=as_json) as bars:
        task = bars.add_task("Segments", total=None)
        report = gallery.migrate_vectors(
            target == "milvus", lambda done, of: bars.update(task, completed=done, total=of)
        )
    if as_json:
        print_json(asdict(report))
    else:
        print_line(
            f"{report.segments} segments moved with {report.vectors} vectors, each compared; "
            f"{report.there} were there already."
        )
        if settings.vectors != target:
            print_line(f"New vectors go elsewhere: set SIGHTLINE_VECTORS={target}.")
        for segment in report.damaged:
            print_line(f"Segment {segment} is damaged and stays where it is: `sightline repair`.")
    if report.damaged:
        raise typer.Exit(1)
