"""Videos as they are stored and recorded, and the models that embedded them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Which model made the vectors: `id` is the SHA-256 of its weights."""

    id: str
    name: str
    dimension: int
    card: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class NewVideo:
    """A recording to store, known in full only when it has been read to its end."""

    content_hash: str
    camera_id: int
    file_name: str
    path: str
    owned: bool
    size_bytes: int
    start_time: datetime
    duration_us: int
    width: int
    height: int
    frames_decoded: int
    frames_bad: int
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """A video as recorded; `tracklet_count` over all its tracklets."""

    id: str
    content_hash: str
    camera_id: int
    file_name: str
    path: str
    owned: bool
    size_bytes: int
    start_time: datetime
    end_time: datetime
    duration_us: int
    width: int
    height: int
    frames_decoded: int
    frames_bad: int
    report: Mapping[str, Any]
    indexed_at: datetime
    tracklet_count: int
