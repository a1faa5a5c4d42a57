"""Tracklets on their way into the gallery: everything lies on the disk, nothing waits in memory."""

import hashlib
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from gallery.catalogue.boxes import pack
from gallery.disk.files import PRIVATE_DIRECTORY, sync_directory, sync_file
from gallery.errors import InvalidInput
from gallery.records.tracklets import NewClip, NewTracklet
from gallery.validation import json_object
from gallery.vectors.builder import SegmentBuilder
from gallery.vectors.embedding import checked_vector

_LENGTHS = struct.Struct("<II")
_JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class SpooledTracklet:
    """The rows of a tracklet as they will be inserted; clips are (start_us, end_us, frame_count)."""

    number: int
    start_us: int
    end_us: int
    frame_count: int
    quality: dict[str, Any]
    clips: list[list[int]]
    thumbnail_sha256: str
    boxes: bytes


class Spool:
    """Takes tracklets one after the other: vectors into a segment, thumbnails into files, rows into a log."""

    def __init__(self, directory: Path, builder: SegmentBuilder, dimension: int) -> None:
        self.thumbnails = directory / "thumbnails"
        self.thumbnails.mkdir(mode=PRIVATE_DIRECTORY)
        self.builder = builder
        self.count = 0
        self._dimension = dimension
        self._path = directory / "rows"
        self._rows: BinaryIO = self._path.open("wb")

    def add(self, tracklet: NewTracklet) -> int:
        """Take a tracklet and return its number.

        Raises:
            InvalidInput: a vector, box, clip or thumbnail that cannot be stored; nothing was taken.
        """
        boxes = pack(tracklet.boxes)
        feature = checked_vector(tracklet.feature, self._dimension, "the feature of a tracklet")
        clips = self._checked_clips(tracklet)
        if not tracklet.thumbnail.startswith(_JPEG):
            raise InvalidInput("a thumbnail is no JPEG")
        row = {
            "number": self.count,
            "start_us": int(tracklet.boxes["time_us"][0]),
            "end_us": int(tracklet.boxes["time_us"][-1]),
            "frame_count": len(tracklet.boxes),
            "quality": json_object(tracklet.quality, "the quality of a tracklet"),
            "clips": [[clip.start_us, clip.end_us, clip.frame_count] for clip in tracklet.clips],
            "thumbnail_sha256": hashlib.sha256(tracklet.thumbnail).hexdigest(),
        }
        (self.thumbnails / f"{self.count}.jpg").write_bytes(tracklet.thumbnail)
        self.builder.add(
            feature[np.newaxis].astype(np.float16),
            np.array([[row["start_us"]], [row["end_us"]]], np.int64),
            [len(clips)],
            clips.astype(np.float16),
        )
        head = json.dumps(row).encode()
        self._rows.write(_LENGTHS.pack(len(head), len(boxes)) + head + boxes)
        self.count += 1
        return self.count - 1

    def _checked_clips(self, tracklet: NewTracklet) -> "np.ndarray[tuple[int, int], np.dtype[np.float32]]":
        if not tracklet.clips:
            raise InvalidInput("a tracklet without clips")
        for clip in tracklet.clips:
            if not _is_plausible(clip):
                raise InvalidInput(
                    f"a clip from {clip.start_us} to {clip.end_us} µs of {clip.frame_count} frames"
                )
        if any(later.start_us < earlier.start_us for earlier, later in pairwise(tracklet.clips)):
            raise InvalidInput("the clips of a tracklet must be in the order of time")
        return np.stack(
            [
                checked_vector(clip.feature, self._dimension, "the feature of a clip")
                for clip in tracklet.clips
            ]
        )

    def close(self) -> None:
        """Close all files; again does nothing."""
        self._rows.close()
        self.builder.close()

    def sync_thumbnails(self) -> None:
        """Wait until the thumbnails are on the disk."""
        for path in self.thumbnails.iterdir():
            sync_file(path)
        sync_directory(self.thumbnails)

    def rows(self) -> Iterator[SpooledTracklet]:
        """Read the rows back, in the order of their numbers."""
        self._rows.close()
        with self._path.open("rb") as file:
            while lengths := file.read(_LENGTHS.size):
                head, boxes = _LENGTHS.unpack(lengths)
                yield SpooledTracklet(**json.loads(file.read(head)), boxes=file.read(boxes))


def _is_plausible(clip: NewClip) -> bool:
    return 0 <= clip.start_us <= clip.end_us < 2**62 and clip.frame_count >= 1
