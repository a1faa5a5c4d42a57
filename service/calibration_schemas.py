"""Requests and answers about calibrations of the gallery's own."""

from datetime import datetime

from pydantic import BaseModel, Field

from service.answer_schemas import ModelOut
from service.schemas import RequestModel


class CalibrationIn(RequestModel):
    """Correct the calibration of the model in use by the marks on hits."""

    dry_run: bool = Field(default=False, description="Only say what would be found, and change nothing")


class CalibrationOut(BaseModel):
    """A calibration of the gallery's own."""

    number: int = Field(description="As answers name it in `calibration.number`")
    learnt_from: str = Field(description="What it was learnt from")
    scale: float | None = Field(description="What log likelihood ratios are multiplied by; 1 leaves them")
    shift: float | None = Field(description="What is added to them then; below 0 makes hits less probable")
    key_id: str | None = Field(description="Whose key made it; null: somebody on the server's machine")
    created_at: datetime = Field(description="From when on it counted")
    undone_by: str | None = Field(description="Whose key took it back")
    undone_at: datetime | None = Field(description="When it was taken back; null: it was not")


class CalibrationList(BaseModel):
    """Calibrations of the gallery's own for the model in use."""

    model: ModelOut = Field(description="The model in use")
    learnt_from: str | None = Field(
        description="What the calibration on the model's card was learnt from; null: it has none"
    )
    current: CalibrationOut | None = Field(description="What counts; null: the one on the model's card")
    items: list[CalibrationOut] = Field(description="All, the newest first, at most 1000")


class CalibrationOutcome(BaseModel):
    """What marks say of the calibration on the model's card, and whether that was acted upon."""

    changed: bool = Field(description="Whether a new calibration counts from now on")
    reason: str = Field(description="What was found, and why nothing was changed, in words")
    marks: int = Field(description="Marks that could be used")
    left_out: dict[str, int] = Field(description="Marks that could not be used, by reason")
    matches: int = Field(description="Of the used ones those that say `match`")
    expected: float | None = Field(description="Matches that the model's calibration expects among them")
    expected_now: float | None = Field(description="Matches that the corrected one expects")
    scale: float | None = Field(description="As of a calibration")
    shift: float | None = Field(description="As of a calibration")
    loss: float | None = Field(description="Mean log loss of the marks by the model's calibration")
    loss_now: float | None = Field(
        description="The same by corrections that were fitted without the search in question"
    )
    calibration: CalibrationOut | None = Field(description="The new one; null if nothing was changed")
