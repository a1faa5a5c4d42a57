"""Vectors that a backup fetches from Milvus: they are files in it, as those of all other segments."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from gallery.disk.files import make_private, remove_tree
from gallery.errors import CorruptSegment
from gallery.sql.tables import Segment
from gallery.upkeep.files import sha256_of
from gallery.vectors.segment import MANIFEST, describe_file, segment_directory
from gallery.vectors.segments import Segments


class Exports:
    """The segments of a backup that had their vectors in Milvus.

    Args:
        segments: the gallery's.
        root: where the backup has its files.
        names: of the files of a segment.
    """

    def __init__(self, segments: Segments, root: Path, names: Sequence[str]) -> None:
        self._segments, self._root, self._names = segments, root, names
        self._manifests: dict[str, str] = {}  # their SHA-256, by segment

    def add(self, rows: Session, copied: dict[str, str]) -> set[str]:
        """Fetch what rows name and is not fetched yet, and add its files to `copied`, with their SHA-256.

        The rows, which are the backup's, get the manifests of what has become files.

        Returns:
            The files of segments that are damaged, or were compacted meanwhile: they are left out whole.

        Raises:
            VectorsUnavailable: Milvus cannot be reached.
        """
        lost = set()
        for segment in rows.scalars(select(Segment)):
            if segment.id not in self._manifests and self._segments.is_remote(segment.id):
                folder = segment_directory(self._root, segment.id)
                inside = folder.relative_to(self._root)
                files = self._exported(segment, folder)
                copied |= {f"{inside}/{name}": digest for name, digest in files.items()}
                lost |= {f"{inside}/{name}" for name in self._names if name not in files}
            if segment.manifest_sha256 is not None:
                segment.manifest_sha256 = self._manifests.get(segment.id, segment.manifest_sha256)
        return lost

    def _exported(self, segment: Segment, folder: Path) -> dict[str, str]:
        """The files that a segment has become, with their SHA-256; none of one that is damaged or gone."""
        written = self._segments.directory(segment.id) / MANIFEST
        if segment.manifest_sha256 not in {None, sha256_of(written)}:
            return {}  # it was rewritten together with its manifest, or is gone
        make_private(folder)
        try:
            self._segments.export(segment.id, folder)
        except CorruptSegment:
            remove_tree(folder)
            return {}
        files = {name: str(describe_file(folder / name)["sha256"]) for name in self._names}
        self._manifests[segment.id] = files[MANIFEST]
        return files
