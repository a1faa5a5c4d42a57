"""`sightline compact`: merge small segments and remove erased vectors from the disk."""

from dataclasses import asdict

from gallery import GallerySettings
from sightline.console import AsJson, DataDir, open_gallery, print_json, print_table, read_settings


def compact(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Merge small segments, remove erased vectors, make the clusters of large galleries.

    Searches continue in the meantime.
    """
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        report = asdict(gallery.compact())
        report["clustered"] = 0
        while gallery.cluster().made is not None:
            report["clustered"] += 1
    if as_json:
        print_json(report)
    else:
        print_table([report])
