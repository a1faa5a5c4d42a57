"""The table of calibrations; a part of the catalogue like those in `gallery.sql.tables`."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gallery.sql.base import Base


class Calibration(Base):
    """A model's calibration was corrected for this gallery. The last row that is not undone counts.

    Rows are added and undone, never changed otherwise, so that each answer's number leads to what it was
    calibrated by.
    """

    __tablename__ = "calibration"
    __table_args__ = (Index("ix_calibration_model_id", "model_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[str] = mapped_column(ForeignKey("model.id", ondelete="CASCADE"))
    calibrator: Mapped[
        dict[str, Any]
    ]  # a models.calibration.calibrator.Calibrator, which the gallery does not read
    key_id: Mapped[str | None] = mapped_column(String(32))  # who did it
    created_at: Mapped[datetime]
    undone_by: Mapped[str | None] = mapped_column(String(32))
    undone_at: Mapped[datetime | None]
