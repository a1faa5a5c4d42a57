"""Crops of tracklets on disk: written once, read at every step, whole after a kill at any moment."""

import hashlib
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

import numpy as np
from PIL import Image

from models.adaptation.settings import MOST_CROPS
from models.adaptation.source import Crops
from models.errors import BadImage, TrainingError
from models.preprocessing import Crop, Preprocessing, check_image, resample

CROPS: Final = "crops.bin"
INDEX: Final = "crops.jsonl"
QUALITY: Final = 95  # of JPEG, without thinned-out colours
KEPT_TOGETHER: Final = 64  # tracklets between two writes to disk


class Stored(NamedTuple):
    """Where the crops of a tracklet lie.

    Attributes:
        places: (offset, bytes) of each in the file.
        digest: of all of them.
        missing: why there are none, or None.
    """

    places: tuple[tuple[int, int], ...]
    digest: str
    missing: str | None


class CropStore:
    """The crops of a run, no larger than its network sees them.

    Args:
        folder: of the run; what an earlier process wrote there is found again.
        preprocessing: of the network.

    Raises:
        TrainingError: what is there is damaged.
    """

    def __init__(self, folder: Path, preprocessing: Preprocessing) -> None:
        self._size = preprocessing.height, preprocessing.width
        folder.mkdir(parents=True, exist_ok=True)
        self._index, self._crops = folder / INDEX, folder / CROPS
        self._known: dict[str, Stored] = {}
        self._read_index()
        self._waiting: list[str] = []
        self._writing = self._crops.open("ab")
        self._end = self._writing.tell()
        self._reading = os.open(self._crops, os.O_RDONLY | os.O_CLOEXEC)

    @property
    def known(self) -> Mapping[str, Stored]:
        """All tracklets that were looked for, by their ids."""
        return self._known

    def add(self, crops: Crops) -> None:
        """Keep the crops of a tracklet; what cannot be a crop is left out.

        Args:
            crops: if more than eight crops, the first eight count.
        """
        places, digest = [], hashlib.sha256()
        for data in self._encoded(crops.images[:MOST_CROPS]):
            places.append((self._end, len(data)))
            digest.update(data)
            self._writing.write(data)
            self._end += len(data)
        missing = None if places else crops.missing or "its crops cannot be read"
        stored = Stored(tuple(places), digest.hexdigest(), missing)
        self._known[crops.id] = stored
        self._waiting.append(json.dumps({"id": crops.id, **stored._asdict()}) + "\n")
        if len(self._waiting) >= KEPT_TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Bring to disk what was added: the crops before the index that names them."""
        self._writing.flush()
        os.fsync(self._writing.fileno())
        with self._index.open("a", encoding="utf-8") as file:
            file.writelines(self._waiting)
            file.flush()
            os.fsync(file.fileno())
        self._waiting = []

    def count(self, tracklet: str) -> int:
        """How many crops there are of a tracklet."""
        return len(self._known[tracklet].places)

    def encoded(self, tracklet: str, crop: int) -> bytes:
        """One crop of a tracklet as JPEG."""
        offset, length = self._known[tracklet].places[crop]
        return os.pread(self._reading, length, offset)

    def read(self, tracklet: str, crop: int) -> Crop:
        """One crop of a tracklet. Raises TrainingError where the file is damaged."""
        try:
            with Image.open(io.BytesIO(self.encoded(tracklet, crop))) as image:
                return np.asarray(image.convert("RGB"))
        except (OSError, SyntaxError, ValueError) as error:
            raise TrainingError(f"{self._crops} is damaged: {error}; begin in another folder") from error

    def close(self) -> None:
        """Bring to disk what was added, and let the files go."""
        self.flush()
        self._writing.close()
        os.close(self._reading)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _encoded(self, images: Sequence[Crop]) -> Iterable[bytes]:
        height, width = self._size
        for image in images:
            try:
                check_image(image)
            except BadImage:
                continue
            crop = image
            if crop.shape[0] * crop.shape[1] > height * width:
                crop = resample(crop, height, width, mode="bicubic").permute(1, 2, 0).numpy()
            buffer = io.BytesIO()
            Image.fromarray(np.ascontiguousarray(crop)).save(buffer, "JPEG", quality=QUALITY, subsampling=0)
            yield buffer.getvalue()

    def _read_index(self) -> None:
        """Find what was kept, and cut off what a kill left half written."""
        lines = self._index.read_bytes().splitlines(keepends=True) if self._index.exists() else []
        whole = [line for line in lines if line.endswith(b"\n")]
        end = 0
        try:
            for line in whole:
                values = json.loads(line)
                places = tuple((int(offset), int(length)) for offset, length in values["places"])
                self._known[values["id"]] = Stored(places, values["digest"], values["missing"])
                end = max([end, *(offset + length for offset, length in places)])
        except (ValueError, KeyError, TypeError) as error:
            raise TrainingError(f"{self._index} is damaged: {error!r}; begin in another folder") from error
        if len(whole) < len(lines):
            os.truncate(self._index, sum(map(len, whole)))
        if self._crops.exists():
            if self._crops.stat().st_size < end:
                raise TrainingError(f"{self._crops} is shorter than its index says; begin in another folder")
            os.truncate(self._crops, end)
