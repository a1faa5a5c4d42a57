"""Where somebody may be seen next."""

from typing import Annotated, Final

from fastapi import APIRouter, Query

from service.cases.onwards import onwards
from service.cases.schemas import OnwardOut, OnwardsOut
from service.problems import declared
from service.state import StateDep

router = APIRouter(prefix="/v1/onwards", tags=["cameras"])
WALKING: Final = 2.0  # metres a second: a brisk walk
WINDOW: Final = 900.0  # seconds
SLACK: Final = 60.0  # seconds


@router.get(
    "", operation_id="listOnwards", summary="Where somebody may be seen next", responses=declared(404)
)
def list_onwards(
    state: StateDep,
    camera: Annotated[str, Query(max_length=200, description="The camera that saw somebody")],
    speed: Annotated[
        float, Query(gt=0, le=100, allow_inf_nan=False, description="Metres a second at most")
    ] = WALKING,
    seconds: Annotated[
        float, Query(gt=0, le=86_400, allow_inf_nan=False, description="Allowed for the way")
    ] = WINDOW,
) -> OnwardsOut:
    """The other cameras by the way that it takes to walk there, as journeys measure it, either direction."""
    seen_by = state.gallery.catalogue.camera_named(camera)
    reach = state.settings.camera_reach
    found = onwards(
        seen_by, state.gallery.catalogue.cameras(), speed=speed, seconds=seconds + SLACK, reach=reach
    )
    return OnwardsOut(
        camera=seen_by.name,
        speed=speed,
        seconds=seconds,
        slack=SLACK,
        reach=reach,
        known=seen_by.latitude is not None and seen_by.longitude is not None,
        items=[OnwardOut.model_validate(one, from_attributes=True) for one in found],
    )
