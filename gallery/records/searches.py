"""Recorded searches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class SearchInfo:
    """A recorded search with its whole answer; `hits` are JSON objects as the service wrote them."""

    id: str
    key_id: str | None
    query: Mapping[str, Any]
    model_id: str
    change: int
    coverage: Mapping[str, Any]
    hits: Sequence[Mapping[str, Any]]
    created_at: datetime
