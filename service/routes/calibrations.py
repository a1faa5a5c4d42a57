"""Calibrations of the gallery's own: by marks, and back to the model's."""

from fastapi import APIRouter, Request, Response

from gallery import CalibrationInfo
from models.calibration.calibrator import calibrator_of
from service import calibrating
from service.answer_schemas import ModelOut
from service.auth import CallerDep
from service.calibrating import Calibrated
from service.calibration_schemas import (
    CalibrationIn,
    CalibrationList,
    CalibrationOut,
    CalibrationOutcome,
)
from service.problems import declared
from service.searches.credibility import CORRECTED, learnt_from
from service.state import State, StateDep

router = APIRouter(prefix="/v1/calibrations", tags=["models"])


@router.get("", operation_id="listCalibrations", summary="Calibrations of the gallery's own")
def list_calibrations(state: StateDep) -> CalibrationList:
    """Those of the model in use, with the one that counts. Answers name it in `calibration.number`."""
    return _listed(state)


@router.post(
    "",
    operation_id="calibrate",
    summary="Correct probabilities by the marks of the gallery",
    responses=declared(413),
)
async def calibrate(
    state: StateDep, caller: CallerDep, wanted: CalibrationIn, *, request: Request
) -> CalibrationOutcome:
    """Compares what the model's calibration says of judged hits with the marks, of all keys, on them.

    Searches use the result from then on. Too few marks, marks of one kind only, and a correction that judges
    no better change nothing; `reason` says so.
    """

    def work() -> CalibrationOutcome:
        return _outcome(calibrating.calibrate(state, caller, dry_run=wanted.dry_run))

    return await state.reports_lane.run(caller.key_id, request, work)


@router.delete(
    "",
    operation_id="resetCalibration",
    summary="Go back to the model's own calibration",
    status_code=204,
    response_class=Response,
    responses=declared(404, 409),
)
def reset_calibration(state: StateDep, caller: CallerDep) -> None:
    """Takes back all calibrations of the gallery's own for the model in use; 409 if there are none."""
    state.gallery.calibrations.reset(state.networks.embedder.id, key_id=caller.key_id)


def _listed(state: State) -> CalibrationList:
    """The calibrations of the model in use."""
    embedder = state.networks.embedder
    own = calibrator_of(embedder.card, embedder.id)
    current = state.gallery.calibrations.current(embedder.id)
    return CalibrationList(
        model=ModelOut(id=embedder.id, name=embedder.name, warning=embedder.warning),
        learnt_from=own and learnt_from(own.fitted_on),
        current=None if current is None else _out(current),
        items=[_out(one) for one in state.gallery.calibrations.all(embedder.id)],
    )


def _outcome(ended: Calibrated) -> CalibrationOutcome:
    """How calibrating ended, as the API says it."""
    found = ended.correction
    return CalibrationOutcome(
        changed=ended.changed,
        reason=ended.reason,
        marks=ended.marks,
        left_out=dict(ended.left_out),
        matches=ended.matches,
        expected=found and round(found.expected, 3),
        expected_now=found and round(found.expected_now, 3),
        scale=found and round(found.scale, 4),
        shift=found and round(found.shift, 4),
        loss=found and round(found.loss, 4),
        loss_now=found and round(found.loss_now, 4),
        calibration=None if ended.calibration is None else _out(ended.calibration),
    )


def _out(info: CalibrationInfo) -> CalibrationOut:
    """A calibration as the API says it."""
    facts = info.calibrator.get("fitted_on", {})
    corrected = facts.get(CORRECTED, {})
    return CalibrationOut(
        number=info.id,
        learnt_from=learnt_from(facts),
        scale=corrected.get("scale"),
        shift=corrected.get("shift"),
        key_id=info.key_id,
        created_at=info.created_at,
        undone_by=info.undone_by,
        undone_at=info.undone_at,
    )
