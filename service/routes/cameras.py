"""Cameras."""

import zoneinfo
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Response

from gallery import CameraInfo
from service.auth import CallerDep
from service.errors import InvalidRequest
from service.problems import declared
from service.record_schemas import CameraIn, CameraList, CameraOut
from service.state import StateDep

router = APIRouter(prefix="/v1/cameras", tags=["cameras"])


@router.get("", operation_id="listCameras", summary="All cameras")
def list_cameras(state: StateDep) -> CameraList:
    """By name; all on one page."""
    cameras = sorted(state.gallery.catalogue.cameras(), key=lambda camera: camera.name)
    return CameraList(items=[_out(camera) for camera in cameras])


@router.post(
    "", operation_id="createCamera", summary="Add a camera", status_code=201, responses=declared(409, 413)
)
def create_camera(state: StateDep, caller: CallerDep, response: Response, camera: CameraIn) -> CameraOut:
    """A camera must exist before recordings of it can be indexed."""
    if camera.time_zone not in zoneinfo.available_timezones():
        raise InvalidRequest(f"There is no time zone {camera.time_zone!r}.", "/time_zone")
    added = state.gallery.catalogue.add_camera(key_id=caller.key_id, **camera.model_dump())
    response.headers["Location"] = f"/v1/cameras/{quote(added.name, safe='')}"
    return _out(added)


@router.get("/{name:path}", operation_id="getCamera", summary="A camera", responses=declared(404))
def get_camera(state: StateDep, name: Annotated[str, Path(max_length=200)]) -> CameraOut:
    """By its name."""
    return _out(state.gallery.catalogue.camera_named(name))


def _out(camera: CameraInfo) -> CameraOut:
    return CameraOut.model_validate(camera, from_attributes=True)
