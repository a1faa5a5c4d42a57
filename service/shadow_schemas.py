"""The answers of a shadow report: what would change for real searches under another model."""

from typing import Literal

from pydantic import BaseModel, Field

from service.schemas import RequestModel

LeftOut = Literal[
    "not_allowed",
    "asked_before",
    "photo_gone",
    "tracklet_gone",
    "camera_gone",
    "unreadable",
    "nothing_there",
]
MOST_SEARCHES = 500


class ShadowIn(RequestModel):
    """Which searches both models are to answer."""

    searches: int = Field(default=100, ge=1, le=MOST_SEARCHES, description="How many, the last ones")


class ShadowModel(BaseModel):
    """One of the two models."""

    id: str = Field(description="SHA-256 of its weights")
    name: str = Field(description="Its name")


class Share(BaseModel):
    """A mean over the searches that were replayed."""

    value: float = Field(description="0 to 1")
    low: float | None = Field(
        description="Where its 95 % interval begins, by drawing searches; null below 20 of them"
    )
    high: float | None = Field(description="Where that ends")


class Change(BaseModel):
    """A mean under both models, over the same searches."""

    before: float = Field(description="Under the model in use")
    after: float = Field(description="Under the other one")
    low: float | None = Field(
        description="Where the 95 % interval of `after` less `before` begins, paired; null below 20 searches"
    )
    high: float | None = Field(description="Where that ends")


class MarkedRanks(BaseModel):
    """Where hits that people had marked would stand; beyond 1000 hits the rank counts as 1001."""

    marks: int = Field(description="How many marks")
    searches: int = Field(description="On how many searches")
    median_before: float = Field(description="Median rank under the model in use")
    median_after: float = Field(description="Median rank under the other one")
    first_ten: Change | None = Field(description="Share of them among the first ten hits")
    reciprocal: Change | None = Field(description="Mean of one over the rank, 0 beyond 1000 hits")


class ShadowReport(BaseModel):
    """What would change for real searches if another model were in use, without the answers themselves."""

    before: ShadowModel = Field(description="The model in use")
    after: ShadowModel = Field(description="The other one")
    searches: int = Field(description="How many recorded searches were looked at")
    replayed: int = Field(description="How many of them both models answered")
    left_out: dict[LeftOut, int] = Field(
        description=(
            "How many were not, by reason. `not_allowed`: it has photos, and SIGHTLINE_COMPARE_SEARCHES is "
            "not set. "
            "`asked_before`: it refines or repeats another. `photo_gone`: a photo was deleted or expired. "
            "`tracklet_gone`: what was searched for was erased, or has no embedding of one of the models. "
            "`camera_gone`: a camera or site of its filters is not there. `unreadable`: a photo cannot be "
            "read. `nothing_there`: neither model found anything"
        )
    )
    same_first: Share | None = Field(description="Share with the same first hit; null: none was replayed")
    overlap_10: Share | None = Field(description="Mean share of the first ten hits that both have")
    overlap_20: Share | None = Field(description="The same of the first twenty")
    matches: MarkedRanks | None = Field(description="Of hits marked as the person; null: there are none")
    others: MarkedRanks | None = Field(description="Of hits marked as somebody else; null: there are none")
    seconds: Change | None = Field(description="How long one search took, embedding included")
