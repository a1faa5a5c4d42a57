"""The calibrations of a gallery's own: corrections of a model's, for the people and cameras that are here.

The one on the model's card stays as it is underneath; taking all corrections back leads to it again.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gallery.errors import Conflict, NotFound
from gallery.records.models import CalibrationInfo
from gallery.sql.calibration_table import Calibration
from gallery.sql.chain import add_event
from gallery.sql.copying import copied
from gallery.sql.database import Database
from gallery.sql.sight import ALL, Sight
from gallery.sql.tables import Model
from gallery.validation import json_object, optional_text

MOST: Final = 1000  # returned at once


class Calibrations:
    """Calibrations by model. What they hold, the gallery keeps and does not read.

    They are learnt from hits of all cameras, so a limited sight has none: the one on the card counts there.
    """

    def __init__(self, database: Database, sight: Sight = ALL) -> None:
        self._database = database
        self._sight = sight

    def current(self, model_id: str) -> CalibrationInfo | None:
        """Return the calibration of a model that counts here; None where it is the one on its card."""
        if self._sight.limited:
            return None
        query = select(Calibration).where(Calibration.model_id == model_id, Calibration.undone_at.is_(None))
        with self._database.read() as session:
            row = session.scalar(query.order_by(Calibration.id.desc()).limit(1))
            return None if row is None else copied(CalibrationInfo, row)

    def all(self, model_id: str) -> list[CalibrationInfo]:
        """Return the last calibrations of a model, those taken back too, the newest first."""
        if self._sight.limited:
            return []
        query = select(Calibration).where(Calibration.model_id == model_id)
        with self._database.read() as session:
            rows = session.scalars(query.order_by(Calibration.id.desc()).limit(MOST))
            return [copied(CalibrationInfo, row) for row in rows]

    def add(
        self, model_id: str, calibrator: Mapping[str, Any], *, key_id: str | None = None
    ) -> CalibrationInfo:
        """Let a calibration count from now on; running servers have it with their next answer.

        Raises:
            NotFound: the gallery has no such model.
            InvalidInput: it is no JSON object that can be stored.
        """
        kept = json_object(calibrator, "a calibration")
        with self._database.write() as session:
            _held(session, model_id)
            row = Calibration(
                model_id=model_id,
                calibrator=kept,
                key_id=optional_text(key_id, "key id", longest=32),
                created_at=datetime.now(UTC),
            )
            session.add(row)
            session.flush()
            detail = {"calibration": row.id, "learnt_from": kept.get("fitted_on")}
            add_event(session, "calibration.add", key_id=key_id, subject=model_id, detail=detail)
            return copied(CalibrationInfo, row)

    def reset(self, model_id: str, *, key_id: str | None = None) -> int:
        """Take all calibrations of a model back: the one on its card counts again. Returns how many.

        Raises:
            NotFound: the gallery has no such model.
            Conflict: there is none to take back.
        """
        with self._database.write() as session:
            _held(session, model_id)
            valid = (Calibration.model_id == model_id, Calibration.undone_at.is_(None))
            ids = list(session.scalars(select(Calibration.id).where(*valid).order_by(Calibration.id)))
            if not ids:
                raise Conflict("this gallery has no calibration of its own to take back")
            values = {
                "undone_at": datetime.now(UTC),
                "undone_by": optional_text(key_id, "key id", longest=32),
            }
            session.execute(update(Calibration).where(*valid).values(**values))
            detail = {"calibrations": ids}
            add_event(session, "calibration.reset", key_id=key_id, subject=model_id, detail=detail)
            return len(ids)


def _held(session: Session, model_id: str) -> None:
    """Hold a model's row: changes of its calibration come one after the other. Raises NotFound."""
    if session.get(Model, model_id, with_for_update=True) is None:
        raise NotFound(f"no model {model_id!r} in the gallery"[:200])
