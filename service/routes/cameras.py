"""Cameras."""

import zoneinfo
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Response

from gallery import CameraInfo
from service.auth import CallerDep
from service.errors import InvalidRequest
from service.problems import declared
from service.record_schemas import CameraIn, CameraList, CameraOut, CameraPatch
from service.state import StateDep

router = APIRouter(prefix="/v1/cameras", tags=["cameras"])
CameraPath = Annotated[str, Path(max_length=200, description="The name of the camera")]


@router.get("", operation_id="listCameras", summary="All cameras")
def list_cameras(state: StateDep) -> CameraList:
    """By name; all on one page."""
    cameras = sorted(state.gallery.catalogue.cameras(), key=lambda camera: camera.name)
    return CameraList(items=[_out(camera) for camera in cameras])


@router.post(
    "", operation_id="createCamera", summary="Add a camera", status_code=201, responses=declared(409, 413)
)
def create_camera(state: StateDep, caller: CallerDep, response: Response, camera: CameraIn) -> CameraOut:
    """A camera must exist before its videos can be indexed."""
    _require_zone(camera.time_zone)
    added = state.gallery.catalogue.add_camera(key_id=caller.key_id, **camera.model_dump())
    response.headers["Location"] = _path(added)
    return _out(added)


@router.get("/{name:path}", operation_id="getCamera", summary="A camera", responses=declared(404))
def get_camera(state: StateDep, name: CameraPath) -> CameraOut:
    """By its name."""
    return _out(state.gallery.catalogue.camera_named(name))


@router.patch(
    "/{name:path}",
    operation_id="changeCamera",
    summary="Change a camera",
    responses=declared(404, 409, 413),
)
def change_camera(
    state: StateDep, caller: CallerDep, response: Response, name: CameraPath, changes: CameraPatch
) -> CameraOut:
    """Fields left out stay as they are. New settings apply to videos indexed from now on."""
    catalogue = state.gallery.catalogue
    wanted = changes.model_dump(exclude_unset=True)
    for kept in ("name", "time_zone"):
        if wanted.get(kept) is None:
            wanted.pop(kept, None)
    if "time_zone" in wanted:
        _require_zone(wanted["time_zone"])
    changed = catalogue.update_camera(catalogue.camera_named(name).id, key_id=caller.key_id, **wanted)
    response.headers["Content-Location"] = _path(changed)
    return _out(changed)


@router.delete(
    "/{name:path}",
    operation_id="deleteCamera",
    summary="Delete a camera",
    status_code=204,
    response_class=Response,
    responses=declared(404, 409),
)
def delete_camera(state: StateDep, caller: CallerDep, name: CameraPath) -> None:
    """Possible only while it has no videos, indexed, waiting or being indexed."""
    catalogue = state.gallery.catalogue
    catalogue.remove_camera(catalogue.camera_named(name).id, key_id=caller.key_id)


def _require_zone(name: str) -> None:
    """Raise InvalidRequest unless this is a time zone."""
    if name not in zoneinfo.available_timezones():
        raise InvalidRequest(f"There is no time zone {name!r}.", "/time_zone")


def _path(camera: CameraInfo) -> str:
    return f"/v1/cameras/{quote(camera.name, safe='')}"


def _out(camera: CameraInfo) -> CameraOut:
    return CameraOut.model_validate(camera, from_attributes=True)
