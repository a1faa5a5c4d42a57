"""Files that nothing names: what processes left behind that died. A sweep removes them."""

from pathlib import Path

from gallery.disk.locks import dead_staging
from gallery.investigation.probes import Probes
from gallery.registry.files import orphan_models
from gallery.sql.database import Database
from gallery.upkeep.faults import Part, Remedy
from gallery.upkeep.findings import Findings
from gallery.writing.cluster import orphan_clusters
from gallery.writing.erase import noted_erasures
from gallery.writing.sweep import orphan_media, orphan_segments


def find_leftovers(database: Database, data_dir: Path, found: Findings) -> None:
    """Name what the next sweep removes. What living processes write is none of it."""
    for entry in dead_staging(data_dir):
        found.add(Part.LEFTOVERS, f"{_named(entry, data_dir)}: unfinished writing", Remedy.REMOVE)
    for directory in (*orphan_segments(database, data_dir), *orphan_media(database, data_dir)):
        found.add(Part.LEFTOVERS, f"{_named(directory, data_dir)}: no row names it", Remedy.REMOVE)
    for file in Probes(database, data_dir).orphans():
        found.add(Part.LEFTOVERS, f"{_named(file, data_dir)}: no row names it", Remedy.REMOVE)
    for directory in (*orphan_models(database, data_dir), *orphan_clusters(database, data_dir)):
        found.add(Part.LEFTOVERS, f"{_named(directory, data_dir)}: no row names it", Remedy.REMOVE)
    for video_id in noted_erasures(data_dir):
        found.add(Part.LEFTOVERS, f"the erasure of video {video_id} was interrupted", Remedy.REMOVE)


def _named(path: Path, data_dir: Path) -> str:
    return str(path.relative_to(data_dir))
