"""What of a model's card is shown: what it is for, its limits, the figures it was judged by.

A card may come from anywhere with its model: what has another form than ours is left out, not trusted.
"""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

MOST: Final = 50  # limits or figures of a card


class ModelFigure(BaseModel):
    """How well a model finds people in a data set."""

    dataset: str = Field(max_length=200, description="The data set's name")
    protocol: str = Field(max_length=20, description="i2v: photos among tracklets; v2v, i2i likewise")
    ranked_by: str = Field(
        "cosine", max_length=40, description="`cosine`, or `standard_score` as searches rank"
    )
    queries: int = Field(ge=0, description="People searched for, in all splits")
    rank_1: float = Field(ge=0, le=1, description="Share of searches whose first hit is the person")
    map: float = Field(ge=0, le=1, description="Mean average precision, the standard one")


class ModelCard(BaseModel):
    """A model's card, in so far as it can be read."""

    intended_use: str | None = Field(description="What it is for")
    limits: list[str] = Field(description="What it is known to do badly")
    figures: list[ModelFigure] = Field(description="What it was judged by")


class _Measured(BaseModel):
    """An entry of `figures` as evaluation writes it."""

    model_config = ConfigDict(strict=True, extra="ignore")

    dataset: str
    protocol: str
    ranked_by: str = "cosine"
    queries: int
    rank: dict[str, float]
    map_standard: float


def read_card(card: Mapping[str, Any]) -> ModelCard:
    """What can be read of a card; the rest is left out."""
    use, limits = card.get("intended_use"), card.get("limits")
    return ModelCard(
        intended_use=use[:2000] if isinstance(use, str) else None,
        limits=[one[:2000] for one in _list(limits) if isinstance(one, str)],
        figures=[figure for one in _list(card.get("figures")) if (figure := _figure(one)) is not None],
    )


def _list(value: object) -> list[Any]:
    return value[:MOST] if isinstance(value, list) else []


def _figure(value: object) -> ModelFigure | None:
    try:
        one = _Measured.model_validate(value)
        return ModelFigure(
            dataset=one.dataset,
            protocol=one.protocol,
            ranked_by=one.ranked_by,
            queries=one.queries,
            rank_1=one.rank["1"],
            map=one.map_standard,
        )
    except (ValidationError, KeyError):
        return None
