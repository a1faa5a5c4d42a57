"""`sightline cameras`: the cameras of the gallery."""

from dataclasses import asdict

from gallery import GallerySettings
from sightline.console import AsJson, DataDir, open_gallery, print_json, print_table, read_settings


def cameras(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List the cameras."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        found = gallery.catalogue.cameras()
    if as_json:
        print_json([asdict(camera) for camera in found])
        return
    rows = [{"name": c.name, "site": c.site, "time_zone": c.time_zone, "since": c.created_at} for c in found]
    print_table(rows, empty="No camera yet: `sightline index` adds the one it is given.")
