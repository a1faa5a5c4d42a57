"""Requests and answers of the history of searches."""

from datetime import datetime

from pydantic import BaseModel, Field

from gallery import RankBy, RepeatOn
from service.answer_schemas import FiltersOut, ModelOut, SearchedProbe
from service.schemas import RequestModel


class RepeatIn(RequestModel):
    """How to ask a search again."""

    on: RepeatOn = Field(
        default=RepeatOn.SNAPSHOT,
        description="`snapshot`: among the tracklets that it was asked among; `now`: among all there are",
    )


class SearchSummary(BaseModel):
    """A recorded search without its hits."""

    id: str = Field(description="Names the search")
    created_at: datetime = Field(description="When it was asked")
    model: ModelOut = Field(description="The model that compared")
    probes: list[SearchedProbe] = Field(description="Who was searched for")
    probes_kept: bool = Field(
        description="Whether all its photos and tracklets are still there: then it can be asked again"
    )
    filters: FiltersOut = Field(description="Where it was searched")
    ranked_by: RankBy = Field(description="What orders the hits")
    tracklets_compared: int = Field(description="How many tracklets passed the filters and were compared")
    hits: int = Field(description="How many hits are recorded")
    credible: int | None = Field(
        description="How many of them are credible; null where the model's scores are not calibrated"
    )
    repeats: str | None = Field(description="The earlier search that it asks again, if it does")
    refines: str | None = Field(description="The earlier search whose marks refined it, if it was refined")


class SearchList(BaseModel):
    """Searches of a key, the newest first, a page at a time."""

    items: list[SearchSummary] = Field(description="The searches of this page")
    next_cursor: str | None = Field(description="Pass it on as `cursor` for the next page; null on the last")
