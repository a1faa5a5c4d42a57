"""Uploaded probe photos."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class ProbeInfo:
    """An uploaded image; `path` is where its bytes lie, `persons` as in the probe table."""

    id: str
    key_id: str | None
    image_hash: str
    media_type: str
    width: int
    height: int
    persons: Sequence[Mapping[str, Any]]
    created_at: datetime
    path: str
