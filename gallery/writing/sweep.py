"""Sweeping: removing what processes left behind that died before they were done."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from gallery.disk.files import discard_tree, subdirectories
from gallery.disk.locks import is_live, staging_root, sweep_staging, video_lock
from gallery.disk.media import PENDING
from gallery.investigation.probes import Probes
from gallery.registry.files import sweep_models
from gallery.sql.database import Database
from gallery.sql.tables import Segment, Video
from gallery.writing.erase import finish_erasure, noted_erasures
from gallery.writing.thumbnails import settle_thumbnails


@dataclass(frozen=True, slots=True)
class SweepReport:
    """Counts of what was removed.

    Directories of unfinished writing, segments without a row, videos' files without a row, erasures that were
    finished, probe images without a row, and models' files without a row.
    """

    unfinished: int
    segments: int
    media: int
    erasures: int
    probe_images: int
    models: int


def sweep(database: Database, data_dir: Path) -> SweepReport:
    """Remove what no row names and no living process is about to name.

    Safe at any time, beside writers, readers and other sweeps.
    """
    erasures = noted_erasures(data_dir)
    for video_id in erasures:
        with video_lock(data_dir, video_id):
            finish_erasure(database, data_dir, video_id)
    return SweepReport(
        segments=_sweep_segments(database, data_dir),
        media=_sweep_media(database, data_dir),
        unfinished=sweep_staging(data_dir),
        erasures=len(erasures),
        probe_images=Probes(database, data_dir).sweep(),
        models=sweep_models(database, data_dir),
    )


def _sweep_segments(database: Database, data_dir: Path) -> int:
    # The order matters: a writer that was alive at the second step but not at the third has committed or
    # given up.
    found = subdirectories(data_dir / "segments")
    ownerless = [directory for directory in found if not is_live(data_dir, directory.name)]
    with database.read() as session:
        known = set(session.scalars(select(Segment.id)))
    orphans = [directory for directory in ownerless if directory.name not in known]
    return sum(discard_tree(directory, staging_root(data_dir)) for directory in orphans)


def _sweep_media(database: Database, data_dir: Path) -> int:
    found = [*subdirectories(data_dir / "thumbnails"), *subdirectories(data_dir / "cache")]
    if not found:
        return 0
    with database.read() as session:
        known = set(session.scalars(select(Video.id)))
    removed = 0
    for directory in found:
        if directory.name in known:
            continue
        if directory.name.endswith(PENDING):
            video_id = directory.name.removesuffix(PENDING)
            with video_lock(data_dir, video_id):  # their writer has committed or died
                if directory.exists():
                    settle_thumbnails(database, data_dir, video_id)
            continue
        with video_lock(data_dir, directory.name):  # a writer keeps it from the first file to the commit
            with database.read() as session:
                orphan = session.get(Video, directory.name) is None
            removed += orphan and discard_tree(directory, staging_root(data_dir))
    return removed
