"""The segments of a gallery: made, opened, compared and removed, wherever their vectors lie."""

import logging
from dataclasses import replace
from pathlib import Path

from gallery.disk.files import discard_tree
from gallery.disk.locks import Staging, staging_root
from gallery.errors import CorruptSegment, InvalidInput, VectorsUnavailable
from gallery.vectors.block import Rows
from gallery.vectors.builder import SegmentBuilder
from gallery.vectors.clusters import NOTE, DamagedClusters, open_clusters
from gallery.vectors.milvus import Milvus
from gallery.vectors.segment import MILVUS_NOTE, Manifest, read_manifest, segment_directory
from gallery.vectors.stores import FILES, MilvusStore, VectorStore

log = logging.getLogger(__name__)
BUILT = "segment"  # in a staging directory: what becomes a segment


class Segments:
    """Each manifest says where the vectors of its segment lie, so both kinds may be in one gallery.

    Args:
        data_dir: the gallery's.
        milvus: where vectors are that are in Milvus; None: nowhere.
        into_milvus: whether those of new segments go there.

    Attributes:
        data_dir: the gallery's.
    """

    def __init__(self, data_dir: Path, milvus: Milvus | None = None, *, into_milvus: bool = False) -> None:
        self.data_dir = data_dir
        self._milvus = milvus
        self._remote = None if milvus is None else MilvusStore(milvus)
        self._new: VectorStore = self._remote if into_milvus and self._remote is not None else FILES
        self._refused: dict[str, tuple[int, int]] = {}  # damaged clusters, which are told of once

    @property
    def into_milvus(self) -> bool:
        """Whether the vectors of new segments go into Milvus."""
        return self._new is not FILES

    def towards(self, into_milvus: bool) -> "Segments":
        """Return the same segments; new ones go into Milvus, or into files.

        Raises:
            InvalidInput: nothing says where Milvus is.
        """
        if into_milvus and self._milvus is None:
            raise InvalidInput("SIGHTLINE_MILVUS_URI does not say where Milvus is")
        return Segments(self.data_dir, self._milvus, into_milvus=into_milvus)

    def check(self) -> str | None:
        """Return the version of Milvus where new vectors go there; None where they do not.

        Raises:
            VectorsUnavailable: it cannot be reached.
        """
        return self._milvus.version() if self._milvus is not None and self.into_milvus else None

    def directory(self, segment_id: str) -> Path:
        """Name the directory of a segment."""
        return segment_directory(self.data_dir, segment_id)

    def clusters(self, segment_id: str) -> Path:
        """Name the directory of a segment's clusters, which are there only where somebody made them."""
        return clusters_root(self.data_dir) / segment_id

    def clustered(self, rows: Rows) -> Rows:
        """Return the rows of one segment with the clusters that it has now.

        Damaged ones are none, and the log says so: what they would have found is compared one by one.
        """
        segment_id = rows.parts[0].segment_id
        directory = self.clusters(segment_id)
        try:
            stat = (directory / NOTE).stat()
        except OSError:
            return rows if rows.clusters is None else replace(rows, clusters=None)
        stamp = (stat.st_ino, stat.st_mtime_ns)
        if rows.clusters is not None and rows.clusters.stamp == stamp:
            return rows
        if self._refused.get(segment_id) != stamp:
            try:
                return replace(rows, clusters=open_clusters(directory, len(rows), rows.vectors.dimension))
            except DamagedClusters as error:
                self._refused[segment_id] = stamp
                log.warning("segment %s is searched exactly: %s", segment_id, error)
        return replace(rows, clusters=None)

    def builder(self, staging: Staging, model_id: str, dimension: int) -> SegmentBuilder:
        """Begin a segment; its id will be that of the staging directory that it is made in."""
        return SegmentBuilder(staging.directory / BUILT, model_id, dimension, self._new)

    def end(self, staging: Staging) -> None:
        """Give up a staging directory; vectors that were kept for it and not put in place go too."""
        staging.release(keep=not self.release(staging.directory))

    def open(self, segment_id: str) -> Rows:
        """Open a segment to search it.

        Raises:
            SegmentVanished: there is no such directory.
            CorruptSegment: something is missing or is not what was written.
            VectorsUnavailable: Milvus, which has its vectors, cannot be reached.
        """
        directory = self.directory(segment_id)
        return self._store(directory).open(directory)

    def open_staged(self, staging: Staging) -> Rows:
        """Open a segment that is built and not in its place yet. Raises as `open`."""
        directory = staging.directory / BUILT
        return self._store(directory).open(directory)

    def verify(self, segment_id: str) -> Manifest:
        """Compare everything of a segment with its SHA-256. Raises as `open`."""
        directory = self.directory(segment_id)
        return self._store(directory).verify(directory)

    def is_remote(self, segment_id: str) -> bool:
        """Tell whether a segment is there and its vectors are in Milvus, or should be."""
        directory = self.directory(segment_id)
        if (directory / MILVUS_NOTE).exists():
            return True
        try:
            return read_manifest(directory).in_milvus
        except CorruptSegment:
            return False

    def export(self, segment_id: str, target: Path) -> None:
        """Write a segment whose vectors are in Milvus into an empty directory, as one with vectors in files.

        Everything is compared with its SHA-256 on the way. Raises as `open`.
        """
        directory = self.directory(segment_id)
        store = self._store(directory)
        if isinstance(store, MilvusStore):
            store.export(directory, target)

    def discard(self, segment_id: str) -> bool:
        """Remove a segment, whole at one instant for everybody who opens it; False: there is none.

        Its clusters, which are vectors of the same people, go first. What Milvus cannot remove now, the next
        sweep does.
        """
        self.discard_clusters(segment_id)
        return discard_tree(self.directory(segment_id), staging_root(self.data_dir), self.release)

    def discard_clusters(self, segment_id: str) -> bool:
        """Remove the clusters of a segment, whole at one instant; False: there are none."""
        directory = self.clusters(segment_id)
        return directory.exists() and discard_tree(directory, staging_root(self.data_dir))

    def release(self, directory: Path) -> bool:
        """Remove vectors that a directory, about to go, stands for elsewhere; False if that has to wait."""
        noted = [one for one in (directory, directory / BUILT) if (one / MILVUS_NOTE).exists()]
        return all(self._remote is not None and self._remote.release(one) for one in noted)

    def is_waiting(self) -> bool:
        """Tell whether removed segments still have vectors in Milvus, which the next sweep removes."""
        return any(True for _ in staging_root(self.data_dir).glob(f"trash-*/{MILVUS_NOTE}"))

    def close(self) -> None:
        """Close the connection to Milvus, if there is one."""
        if self._milvus is not None:
            self._milvus.close()

    def _store(self, directory: Path) -> VectorStore:
        if not read_manifest(directory).in_milvus:
            return FILES
        if self._remote is None:
            raise VectorsUnavailable(
                "vectors are in Milvus, and SIGHTLINE_MILVUS_URI does not say where it is"
            )
        return self._remote


def clusters_root(data_dir: Path) -> Path:
    """Return the folder of the clusters of all segments."""
    return data_dir / "clusters"
