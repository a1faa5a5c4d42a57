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
        learnt_from: how many videos of the gallery it learnt from, by adaptation.
        erased: how many of these were erased since: it still contains what it learnt from them.
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
    learnt_from: int = 0
    erased: int = 0


@dataclass(frozen=True, slots=True)
class PromotionInfo:
    """A model became the one in use at `created_at`, by the order of `key_id`, until `undone_at` if ever."""

    model_id: str
    model_name: str
    key_id: str | None
    created_at: datetime
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class CalibrationInfo:
    """A calibration that a gallery has for a model beside the one on its card.

    Attributes:
        id: its number, which answers name.
        model_id: of the model.
        calibrator: as `models.calibration.calibrator` reads it.
        key_id: who made it; None: somebody on this machine.
        created_at: from when on it counted.
        undone_by, undone_at: who took it back and when, if anybody did.
    """

    id: int
    model_id: str
    calibrator: Mapping[str, Any]
    key_id: str | None
    created_at: datetime
    undone_by: str | None
    undone_at: datetime | None


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How well a model finds the other half of a tracklet among all others; shares of the probes.

    Attributes:
        rank_1: whose other half comes first.
        rank_10: whose other half is among the first ten.
        map: mean of the reciprocal ranks, which is mAP where one answer is right.
    """

    rank_1: float
    rank_10: float
    map: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models asked for the same tracklets.

    Attributes:
        count: of the tracklets that were asked for.
        overlap: mean share of the first ten that both have.
        same_first: share of them with the same first hit.
        median_rank: of the first hit of the one, in the answers of the other.
        lost_first: share of them whose first hit is not among the first ten of the other.
        before, after: how well each finds the other half; None where no tracklet has two clips.

    Shares are None without a tracklet.
    """

    count: int
    overlap: float | None
    same_first: float | None
    median_rank: float | None
    lost_first: float | None
    before: Retrieval | None
    after: Retrieval | None
