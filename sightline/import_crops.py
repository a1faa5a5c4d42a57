"""`sightline import-crops`: tracklets that others cut out, without their videos."""

from pathlib import Path
from typing import Annotated

import typer

from gallery import GallerySettings
from indexer.names import shown
from sightline.console import DataDir, moment, open_gallery, output, print_note, print_table, read_settings


def import_crops(
    folder: Annotated[Path, typer.Argument(help="Folder of crops named like 0001C1T0001F001.jpg.")],
    *,
    start: Annotated[str, typer.Option(help="When all tracklets are taken to begin: ISO time.")],
    camera_prefix: Annotated[str, typer.Option(help="Camera 1 of the folder becomes PREFIX1.")] = "camera ",
    fps: Annotated[float, typer.Option(min=0.1, help="Frames a second of the crops.")] = 25.0,
    data_dir: DataDir = None,
) -> None:
    """Import a MARS-style folder of crops.

    Every camera of the folder becomes a camera with one video, which can be searched but not played.
    """
    from indexer.importers.mars import CropFolder
    from indexer.importers.mars import import_crops as import_folder
    from indexer.networks import check_settings, in_use, make_embedder
    from indexer.progress import ConsoleProgress
    from indexer.settings import IndexSettings

    crops = CropFolder(folder.absolute(), camera_prefix, moment(start, "UTC"), fps)
    settings = read_settings(IndexSettings)
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        settings = in_use(settings, gallery)
        check_settings(settings)
        embedder = make_embedder(settings, gallery.models.exported)
        with ConsoleProgress(output) as bars:
            bar = bars.of(shown(folder.name))
            reports = import_folder(gallery, embedder, crops, settings, progress=bar)
            found = sum(report.video.tracklet_count for report in reports)
            bar.update("done", 1.0, {"tracklets": found})
        cameras = {camera.id: camera.name for camera in gallery.catalogue.cameras()}
    print_table(
        [
            {
                "camera": cameras[report.video.camera_id],
                "tracklets": report.video.tracklet_count,
                "result": "in the gallery already"
                if report.already
                else "; ".join(["imported", *report.warnings]),
            }
            for report in reports
        ]
    )
    if embedder.warning:
        print_note(embedder.warning)
