"""Requests and responses of jobs about models."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from service.schemas import Instant, Name, RequestModel

Cameras = Annotated[list[Name], Field(min_length=1, max_length=1000)]


class ReindexJobIn(RequestModel):
    """Embed the recordings of the gallery with another model, from the boxes that are kept."""

    kind: Literal["reindex"] = Field(description="What to do")
    model: Name = Field(description="Name of a model that is shipped or that the gallery keeps")
    cameras: Cameras | None = Field(default=None, description="Only recordings of these; null for all")


class AdaptJobIn(RequestModel):
    """Adapt a model to the cameras of the gallery."""

    kind: Literal["adapt"] = Field(description="What to do")
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="Of the model to make")
    parent: Name | None = Field(default=None, description="Model to begin with; null for the one in use")
    cameras: Cameras | None = Field(default=None, description="Learn from these only; null for all")
    start: Instant | None = Field(default=None, description="Learn from who was seen after it")
    end: Instant | None = Field(default=None, description="Learn from who was seen before it")
    hours: float | None = Field(
        default=None, gt=0, le=8784, allow_inf_nan=False, description="End after the last round that fits"
    )
    rounds: int = Field(default=6, ge=1, le=1000, description="The most rounds of clustering and learning")
    seed: int = Field(
        default=1, ge=0, lt=2**31, description="Of the random numbers: the same seed learns the same"
    )

    marks: bool = Field(
        default=True, description="Let marks on hits say which tracklets are one person, and which are not"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start is not None and self.end is not None and self.start >= self.end:
            raise ValueError("end must be after start")
        return self


ModelJobIn = ReindexJobIn | AdaptJobIn


class NotableRecording(BaseModel):
    """A recording of a job that is being embedded, or was not."""

    camera: str | None = Field(description="Name of the camera that recorded it")
    file_name: str = Field(description="Its name as it came")
    state: str = Field(description="running, skipped, failed or cancelled")
    reason: str | None = Field(description="Why it was skipped or failed")
    progress: float = Field(description="0 to 1")


class AdaptOutcome(BaseModel):
    """How an adaptation ended."""

    outcome: str = Field(description="adapted, or kept: the gate did not let the new model pass")
    reason: str = Field(description="Why it ended so, in words")
    model_id: str | None = Field(description="Of the new model")
    counts: dict[str, int] = Field(description="Tracklets by what became of them")
    figures: list[dict[str, Any]] = Field(description="Figures of the gate before and after")
    report_url: str | None = Field(description="Path of the report as an HTML page")


class ModelJobOut(BaseModel):
    """The current state of a job."""

    id: str = Field(description="Names the job")
    kind: str = Field(description="reindex or adapt")
    options: dict[str, Any] = Field(description="What was asked for")
    state: str = Field(description="queued, running, succeeded, failed, cancelled or partial")
    stage: str | None = Field(description="What is being done now")
    progress: float = Field(description="0 to 1")
    eta_seconds: float | None = Field(description="Until it ends, as far as can be told")
    cancel_requested: bool = Field(description="Whether somebody asked to stop it")
    created_at: datetime = Field(description="When it was filed")
    counts: dict[str, int] = Field(description="Recordings by state; an adaptation has one")
    recordings: list[NotableRecording] = Field(
        description="Of a reindex job those that run or need a look, at most 100"
    )
    reason: str | None = Field(description="Why an adaptation failed, was cancelled, or ended as it did")
    outcome: AdaptOutcome | None = Field(
        description="How an adaptation ended; null for others and until then"
    )


class ModelJobList(BaseModel):
    """Jobs, the newest first, a page at a time."""

    items: list[ModelJobOut] = Field(description="The jobs of this page")
    next_cursor: str | None = Field(description="Pass it on as `cursor` for the next page; null on the last")
