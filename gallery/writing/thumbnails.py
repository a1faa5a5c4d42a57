"""Thumbnails that replace others: the rows decide which of the two a video has."""

import hashlib
from pathlib import Path

from sqlalchemy import select

from gallery.disk.files import discard_tree, move_durably
from gallery.disk.locks import staging_root
from gallery.disk.media import cache_directory, pending_thumbnails, thumbnails_directory
from gallery.sql.database import Database
from gallery.sql.tables import Tracklet


def settle_thumbnails(database: Database, data_dir: Path, video_id: str) -> None:
    """Put waiting thumbnails into their place if they are those of the rows, else remove them.

    Call it with the video locked, after the transaction that they were written for has ended or died.
    """
    pending, staging = pending_thumbnails(data_dir, video_id), staging_root(data_dir)
    query = select(Tracklet.number, Tracklet.thumbnail_sha256).where(Tracklet.video_id == video_id)
    with database.read() as session:
        recorded = {f"{number}.jpg": digest for number, digest in session.execute(query)}
    if recorded != _digests(pending):
        discard_tree(pending, staging)
        return
    # Clips that were cut show the boxes of the tracklets before.
    discard_tree(cache_directory(data_dir, video_id), staging)
    discard_tree(thumbnails_directory(data_dir, video_id), staging)
    move_durably(pending, thumbnails_directory(data_dir, video_id))


def _digests(directory: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.glob("*.jpg")}
