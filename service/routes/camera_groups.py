"""Camera groups: what keys may be limited to."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from gallery import GroupInfo
from service.auth import CallerDep
from service.problems import declared
from service.schemas import Name, RequestModel
from service.state import StateDep

router = APIRouter(prefix="/v1/camera-groups", tags=["camera groups"])
GroupPath = Annotated[str, Path(max_length=200, description="The name of the group")]


class CameraGroupIn(RequestModel):
    """The cameras of a group."""

    cameras: list[Name] = Field(max_length=10_000, description="Names of all its cameras; none: it is empty")


class CameraGroupOut(BaseModel):
    """A camera group."""

    name: str = Field(description="Its name, which keys are limited by")
    cameras: list[str] = Field(description="Names of its cameras, in order")


class CameraGroupList(BaseModel):
    """All camera groups."""

    items: list[CameraGroupOut] = Field(description="By name")


@router.get("", operation_id="listCameraGroups", summary="All camera groups")
def list_camera_groups(state: StateDep) -> CameraGroupList:
    """By name, each with its cameras; all on one page."""
    return CameraGroupList(items=[_out(group) for group in state.gallery.groups.list()])


@router.put(
    "/{name:path}",
    operation_id="putCameraGroup",
    summary="Say which cameras a group has",
    responses=declared(404, 413),
)
def put_camera_group(
    state: StateDep, caller: CallerDep, response: Response, name: GroupPath, wanted: CameraGroupIn
) -> CameraGroupOut:
    """Makes the group if there is none. Keys that are limited to it see these cameras from now on.

    Searches of such a key that covered a camera which leaves are not there for it any more.
    """
    group = state.gallery.groups.put(name, wanted.cameras, key_id=caller.key_id)
    response.headers["Content-Location"] = f"/v1/camera-groups/{quote(group.name, safe='')}"
    return _out(group)


@router.delete(
    "/{name:path}",
    operation_id="deleteCameraGroup",
    summary="Delete a camera group",
    status_code=204,
    response_class=Response,
    responses=declared(404, 409),
)
def delete_camera_group(state: StateDep, caller: CallerDep, name: GroupPath) -> None:
    """Its cameras stay. Possible only while no valid key is limited to it."""
    state.gallery.groups.delete(name, key_id=caller.key_id)


def _out(group: GroupInfo) -> CameraGroupOut:
    return CameraGroupOut(name=group.name, cameras=list(group.cameras))
