"""Thumbnail strips that are not what was written: which they are, and others in their place."""

import hashlib
from pathlib import Path

from sqlalchemy import select

from gallery.catalogue.digests import rows_digest
from gallery.disk.files import make_private, write_durably
from gallery.disk.locks import video_lock
from gallery.disk.media import thumbnails_directory
from gallery.errors import NotFound
from gallery.sql.database import Database
from gallery.sql.tables import Tracklet, Video
from gallery.upkeep.files import is_found, is_lost, lost, sha256_of, wrong_strips


class Strips:
    """Strips of videos, by the ids of their tracklets."""

    def __init__(self, database: Database, data_dir: Path) -> None:
        self._database = database
        self._data_dir = data_dir

    def wrong(self, video_id: str) -> frozenset[str]:
        """Return the tracklets whose strips are missing, changed or marked as lost."""
        strips = self._recorded(video_id)
        names = wrong_strips(thumbnails_directory(self._data_dir, video_id), strips)
        wrong = [n for n, digest in strips.items() if f"{n}.jpg" in names or is_lost(digest)]
        return frozenset(f"{video_id}-{number}" for number in wrong)

    def put(self, tracklet_id: str, jpeg: bytes) -> bool:
        """Put a strip in its place; False if it is another picture than the one that was recorded.

        Raises:
            NotFound: no such tracklet.
        """
        video_id, _, number = tracklet_id.rpartition("-")
        with video_lock(self._data_dir, video_id):
            if int(number) not in (recorded := self._recorded(video_id)):
                raise NotFound(f"no tracklet {tracklet_id}")
            directory = thumbnails_directory(self._data_dir, video_id)
            make_private(directory)
            write_durably(directory / f"{number}.jpg", jpeg)
            digest, before = hashlib.sha256(jpeg).hexdigest(), recorded[int(number)]
            if digest != before:
                self._record(video_id, tracklet_id, digest)
            return digest == before or is_found(before, digest)

    def lose(self, tracklet_id: str) -> None:
        """Mark a strip as lost: nobody is shown it, until it is drawn anew or found again."""
        video_id, _, number = tracklet_id.rpartition("-")
        with video_lock(self._data_dir, video_id):
            before = self._recorded(video_id).get(int(number))
            if not is_lost(before):
                self._record(video_id, tracklet_id, lost(before))

    def tidy(self, video_id: str) -> int:
        """Remove files that no row names from among the strips, and take back those that are found again.

        Returns:
            How many were lost and are found.
        """
        directory, found = thumbnails_directory(self._data_dir, video_id), 0
        with video_lock(self._data_dir, video_id):
            recorded = {f"{number}.jpg": digest for number, digest in self._recorded(video_id).items()}
            for file in directory.glob("*.jpg"):
                if file.name not in recorded:
                    file.unlink()
                elif is_found(recorded[file.name], digest := sha256_of(file)):
                    assert digest is not None
                    self._record(video_id, f"{video_id}-{file.stem}", digest)
                    found += 1
        return found

    def _recorded(self, video_id: str) -> dict[int, str | None]:
        query = select(Tracklet.number, Tracklet.thumbnail_sha256).where(Tracklet.video_id == video_id)
        with self._database.read() as session:
            return dict(session.execute(query).all())

    def _record(self, video_id: str, tracklet_id: str, digest: str) -> None:
        """Record another checksum of a strip; the seal of the rows follows where it was whole."""
        with self._database.write() as session:
            video = session.get(Video, video_id, with_for_update=True)
            tracklet = session.get(Tracklet, tracklet_id)
            if video is None or tracklet is None:
                raise NotFound(f"no tracklet {tracklet_id}")
            whole = video.rows_sha256 is not None and rows_digest(session, video_id) == video.rows_sha256
            tracklet.thumbnail_sha256 = digest
            session.flush()
            if whole:
                video.rows_sha256 = rows_digest(session, video_id)
