"""Evidence packages while they are made."""

from typing import Annotated

from fastapi import APIRouter, Path

from service.auth import CallerDep
from service.evidence_schemas import ProgressOut
from service.problems import declared
from service.state import StateDep

router = APIRouter(prefix="/v1/evidence-packages", tags=["evidence"])
PackageId = Annotated[str, Path(max_length=64, description="`Sightline-Package` of the answer it comes in")]


@router.get(
    "/{package_id}/progress",
    operation_id="getEvidenceProgress",
    summary="How far an evidence package is",
    responses=declared(404),
)
def get_evidence_progress(state: StateDep, caller: CallerDep, package_id: PackageId) -> ProgressOut:
    """For the key that takes it. To cancel it, close the connection that it comes in.

    404: the process that answers does not make it, as when another of several servers does.
    """
    progress = state.packages.of(package_id, caller.key_id)
    return ProgressOut.model_validate(progress, from_attributes=True)
