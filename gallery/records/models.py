"""Models that a gallery keeps, and which of them is in use."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A model as the gallery knows it.

    Attributes:
        id: SHA-256 of its weights.
        name: what people call it; unique among the models whose files are kept.
        dimension: of its embeddings.
        card: what it says of itself.
        created_at: when the gallery first heard of it.
        folder: of its files, for `models.zoo.load`; None where only its embeddings are here.
        promoted: whether it is in use.
        videos: how many are embedded with it.
        tracklets: how many of its embeddings can be searched.
    """

    id: str
    name: str
    dimension: int
    card: Mapping[str, Any]
    created_at: datetime
    folder: Path | None
    promoted: bool
    videos: int
    tracklets: int


@dataclass(frozen=True, slots=True)
class PromotionInfo:
    """A model became the one in use at `created_at`, by the order of `key_id`, until `undone_at` if ever."""

    model_id: str
    model_name: str
    key_id: str | None
    created_at: datetime
    undone_at: datetime | None
