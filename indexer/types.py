"""Records that the first stages pass to each other."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gallery import FiledFile, FileStamp, is_object

Image = NDArray[np.uint8]  # (h, w, 3) RGB


@dataclass(frozen=True, slots=True)
class Recording:
    """A file or object to index: of which camera, and the UTC time of its first frame.

    `pixel_aspect` is the camera's width / height of a pixel, for files that do not say it. `filed` is what
    the file was like when it was filed: another one is not indexed; None: nobody looked. Of an object `url`
    says where it is; once it is at hand, `path` is that of a copy and `stamp` the object's.
    """

    path: Path
    camera_id: int
    start_time: datetime
    file_name: str
    owned: bool = False
    pixel_aspect: float | None = None
    filed: FiledFile | None = None
    url: str | None = None
    stamp: FileStamp | None = None

    @classmethod
    def at(
        cls,
        place: str,
        camera_id: int,
        start_time: datetime,
        file_name: str,
        *,
        owned: bool = False,
        pixel_aspect: float | None = None,
        filed: FiledFile | None = None,
    ) -> "Recording":
        """The recording at a path or URL."""
        url = place if is_object(place) else None
        return cls(Path(place), camera_id, start_time, file_name, owned, pixel_aspect, filed, url)

    @property
    def place(self) -> str:
        """Where it lies, for the record: its URL, or its absolute path."""
        return self.url or str(self.path.absolute())

    def stamp_of(self, status: os.stat_result) -> FileStamp:
        """What tells its content from others without reading it; `status` is that of the file at `path`."""
        return self.stamp or FileStamp.of(status)


@dataclass(frozen=True, slots=True)
class Frame:
    """A sampled frame: number of the decoded frame from 0, µs since the first frame, upright image.

    The image has square pixels; `coded` is its upright width and height as other programs decode it.
    """

    index: int
    time_us: int
    image: Image
    coded: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a recording's sampled frames, in runs of frames that follow each other.

    Runs are numbered from 0; the share has those from `begin` on whose number leaves `number` when divided by
    `of`. A run has at most `frames` frames, and fewer where these would take more than `most_bytes` bytes.
    """

    number: int = 0
    of: int = 1
    begin: int = 0
    frames: int = 1
    most_bytes: int = 1 << 62

    def length(self, frame_bytes: int) -> int:
        """Frames of a run, of so many bytes each."""
        return max(1, min(self.frames, self.most_bytes // max(1, frame_bytes)))

    def has(self, sampled: int, frame_bytes: int) -> bool:
        """Whether the sampled frame of this number is in it."""
        run = sampled // self.length(frame_bytes)
        return run >= self.begin and run % self.of == self.number


@dataclass(frozen=True, slots=True)
class Tracked:
    """A detection that a track was continued with; box is x1, y1, x2, y2 in pixels."""

    track: int
    box: tuple[float, float, float, float]
    score: float
