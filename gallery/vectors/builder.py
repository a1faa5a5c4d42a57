"""Writes a segment piece by piece: vectors go to the disk as they come, so memory does not grow with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from gallery.disk.files import PRIVATE_DIRECTORY, sync_directory, sync_file, write_durably
from gallery.vectors.block import NUMBER, VIDEO_DTYPE
from gallery.vectors.index import Integers
from gallery.vectors.segment import COLUMNS, MANIFEST, TABLES, VIDEOS, Manifest, describe_file
from gallery.vectors.stores import FILES, SPOOLED_CLIPS, SPOOLED_TRACKLETS, Spooled, VectorStore

_COUNTED = -1  # in the place of a number that follows from the place


@dataclass(frozen=True, slots=True)
class SegmentContent:
    """A video of a segment: its next `count` rows; their times count from `origin_us` (µs since 1970)."""

    video_id: str
    camera_id: int
    count: int
    origin_us: int = 0


class SegmentBuilder:
    """Makes the directory of one segment; nobody sees it before it is finished and renamed.

    Args:
        directory: to make.
        model_id, dimension: of the vectors.
        store: where the vectors go.
    """

    def __init__(self, directory: Path, model_id: str, dimension: int, store: VectorStore = FILES) -> None:
        directory.mkdir(mode=PRIVATE_DIRECTORY)
        self._directory = directory
        self._model_id = model_id
        self._dimension = dimension
        self._store = store
        self._tracklets: BinaryIO = (directory / SPOOLED_TRACKLETS).open("wb")
        self._clips: BinaryIO = (directory / SPOOLED_CLIPS).open("wb")
        self._columns: list[Integers] = []  # 32 bytes a tracklet
        self._tracklet_count = 0
        self._clip_count = 0

    def add(
        self,
        vectors: NDArray[np.float16],
        times_us: Integers,
        clip_counts: Sequence[int] | Integers,
        clips: NDArray[np.float16],
        numbers: Integers | None = None,
    ) -> None:
        """Append N tracklets of a video.

        Args:
            vectors: (N, D).
            times_us: (2, N) start and end.
            clip_counts: (N,).
            clips: (sum of clip_counts, D).
            numbers: (N,) those that they have in the video, ascending; None: counted from 0.
        """
        firsts = self._clip_count + np.concatenate([[0], np.cumsum(clip_counts)]).astype(np.int64)
        named = np.full(len(vectors), _COUNTED) if numbers is None else numbers
        self._columns.append(np.vstack([times_us, firsts[:-1], named]))
        self._tracklets.write(np.ascontiguousarray(vectors, "<f2").data)
        self._clips.write(np.ascontiguousarray(clips, "<f2").data)
        self._tracklet_count += len(vectors)
        self._clip_count = int(firsts[-1])

    def finish(self, videos: Sequence[SegmentContent]) -> Manifest:
        """Write everything else and wait until all of it is on the disk, and its vectors where they belong.

        Raises:
            VectorsUnavailable: the vectors cannot be kept; some may lie there until they are released.
        """
        self.close()
        counts = [video.count for video in videos]
        assert sum(counts) == self._tracklet_count
        columns = np.concatenate([np.zeros((4, 0), np.int64), *self._columns], axis=1)
        columns[:2] += np.repeat(np.array([video.origin_us for video in videos], np.int64), counts)
        firsts = np.cumsum([0, *counts])
        counted = np.arange(len(columns[NUMBER])) - np.repeat(firsts[:-1], counts)
        columns[NUMBER] = np.where(columns[NUMBER] == _COUNTED, counted, columns[NUMBER])
        complete = bool(np.array_equal(columns[NUMBER], counted))
        np.save(self._directory / COLUMNS, columns[:NUMBER] if complete else columns, allow_pickle=False)
        rows = [
            (v.video_id.encode(), v.camera_id, first, v.count)
            for v, first in zip(videos, firsts, strict=False)
        ]
        np.save(self._directory / VIDEOS, np.array(rows, VIDEO_DTYPE), allow_pickle=False)
        kept = self._store.keep(Spooled(self._directory, self._model_id, self._dimension))
        manifest = Manifest(
            format=self._store.formats[not complete],
            model_id=self._model_id,
            dimension=self._dimension,
            tracklets=self._tracklet_count,
            clips=self._clip_count,
            videos=len(videos),
            files={name: describe_file(self._directory / name) for name in TABLES} | kept,
        )
        for name in manifest.local:
            sync_file(self._directory / name)
        write_durably(self._directory / MANIFEST, manifest.encode())
        sync_directory(self._directory.parent)
        return manifest

    def close(self) -> None:
        """Close the files that are being written; again does nothing."""
        self._tracklets.close()
        self._clips.close()
