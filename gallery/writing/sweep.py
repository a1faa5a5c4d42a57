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
from gallery.vectors.segments import Segments
from gallery.writing.cluster import orphan_clusters
from gallery.writing.erase import finish_erasure, noted_erasures
from gallery.writing.thumbnails import settle_thumbnails


@dataclass(frozen=True, slots=True)
class SweepReport:
    """Counts of what was removed.

    Directories of unfinished writing, segments without a row, videos' files without a row, erasures that were
    finished, probe images without a row, models' files without a row, and clusters of segments without a row.
    """

    unfinished: int
    segments: int
    media: int
    erasures: int
    probe_images: int
    models: int
    clusters: int


def sweep(database: Database, segments: Segments) -> SweepReport:
    """Remove what no row names and no living process is about to name.

    Safe at any time, beside writers, readers and other sweeps. What has vectors in Milvus stays while that is
    away.
    """
    data_dir = segments.data_dir
    erasures = noted_erasures(data_dir)
    for video_id in erasures:
        with video_lock(data_dir, video_id):
            finish_erasure(database, data_dir, video_id)
    return SweepReport(
        segments=_sweep_segments(database, segments),
        clusters=sum(segments.discard_clusters(one.name) for one in orphan_clusters(database, data_dir)),
        media=_sweep_media(database, data_dir),
        unfinished=sweep_staging(data_dir, segments.release),
        erasures=len(erasures),
        probe_images=Probes(database, data_dir).sweep(),
        models=sweep_models(database, data_dir),
    )


def orphan_segments(database: Database, data_dir: Path) -> list[Path]:
    """List directories of segments that no row names and no living process is about to name."""
    # The order matters: a writer that was alive at the second step but not at the third has committed or
    # given up.
    found = subdirectories(data_dir / "segments")
    ownerless = [directory for directory in found if not is_live(data_dir, directory.name)]
    with database.read() as session:
        known = set(session.scalars(select(Segment.id)))
    return [directory for directory in ownerless if directory.name not in known]


def orphan_media(database: Database, data_dir: Path) -> list[Path]:
    """List directories of videos' files that no row names, and of strips that wait for a writer that died."""
    orphans = []
    for directory in _unknown_media(database, data_dir):
        with video_lock(data_dir, directory.name.removesuffix(PENDING)):
            if directory.exists() and (directory.name.endswith(PENDING) or _is_gone(database, directory)):
                orphans.append(directory)
    return orphans


def _sweep_segments(database: Database, segments: Segments) -> int:
    orphans = orphan_segments(database, segments.data_dir)
    return sum(segments.discard(directory.name) for directory in orphans)


def _sweep_media(database: Database, data_dir: Path) -> int:
    removed = 0
    for directory in _unknown_media(database, data_dir):
        if directory.name.endswith(PENDING):
            video_id = directory.name.removesuffix(PENDING)
            with video_lock(data_dir, video_id):  # their writer has committed or died
                if directory.exists():
                    settle_thumbnails(database, data_dir, video_id)
            continue
        with video_lock(data_dir, directory.name):  # a writer keeps it from the first file to the commit
            orphan = _is_gone(database, directory)
            removed += orphan and discard_tree(directory, staging_root(data_dir))
    return removed


def _unknown_media(database: Database, data_dir: Path) -> list[Path]:
    """List directories of files that no video's row names right now."""
    found = [*subdirectories(data_dir / "thumbnails"), *subdirectories(data_dir / "cache")]
    if not found:
        return []
    with database.read() as session:
        known = set(session.scalars(select(Video.id)))
    return [directory for directory in found if directory.name not in known]


def _is_gone(database: Database, directory: Path) -> bool:
    with database.read() as session:
        return session.get(Video, directory.name) is None
