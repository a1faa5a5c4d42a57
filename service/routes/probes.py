"""Probes: uploaded photos and the persons found on them."""

from functools import partial
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, File, Request, Response, UploadFile
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse

from service import probing
from service.auth import CallerDep
from service.problems import binary, declared
from service.routes.files import OpenedFile
from service.schemas import ProbeOut
from service.state import StateDep

router = APIRouter(prefix="/v1/probes", tags=["probes"])
# Client generators take `format: binary` for a file, and what FastAPI says by itself for text.
Photo = Annotated[
    UploadFile, File(description="The photo: JPEG, PNG or WebP", json_schema_extra={"format": "binary"})
]
ProbeId = Annotated[str, PathParameter(max_length=64, description="The probe")]


@router.post(
    "",
    operation_id="createProbe",
    summary="Upload a photo and find the persons on it",
    status_code=201,
    responses=declared(400, 413, 415, 507),
)
async def create_probe(
    state: StateDep, caller: CallerDep, request: Request, response: Response, file: Photo
) -> ProbeOut:
    """Accepts JPEG, PNG and WebP. The photo is turned upright and stored without metadata, smaller if large.

    `persons` is ordered by score times height: a search takes the first one unless told otherwise. On a photo
    without persons a search takes the whole photo; a warning says so.
    """
    data = await file.read()
    photo = await state.photos_lane.run(
        caller.key_id, request, partial(probing.read_photo, state, caller, data)
    )
    add = partial(probing.add_probe, state, caller, photo)
    probe, _ = await state.networks_lane.run(caller.key_id, request, add)
    response.headers["Location"] = f"/v1/probes/{probe.id}"
    return probing.probe_out(probe)


@router.get(
    "/{probe_id}",
    operation_id="getProbe",
    summary="A probe and its persons",
    responses=declared(404),
)
def get_probe(state: StateDep, caller: CallerDep, probe_id: ProbeId) -> ProbeOut:
    """Only the key that uploaded a probe sees it."""
    return probing.probe_out(probing.own_probe(state, caller, probe_id))


@router.get(
    "/{probe_id}/image",
    operation_id="getProbeImage",
    summary="The photo of a probe",
    response_class=FileResponse,
    responses={200: binary("image/jpeg", "image/png"), **declared(404, 416)},
)
def get_probe_image(state: StateDep, caller: CallerDep, probe_id: ProbeId) -> FileResponse:
    """Upright, as JPEG, or as PNG where the photo is small; a large photo scaled down.

    Boxes are measured in pixels of the photo as it came: its `width` and `height` are those of the probe.
    """
    probe = probing.own_probe(state, caller, probe_id)
    photo = OpenedFile(Path(probe.path), probe.media_type)
    state.gallery.audit.record("probe.view", key_id=caller.key_id, subject=probe_id)
    return photo


@router.delete(
    "/{probe_id}",
    operation_id="deleteProbe",
    summary="Delete a probe and its photo",
    status_code=204,
    response_class=Response,
    responses=declared(404),
)
def delete_probe(state: StateDep, caller: CallerDep, probe_id: ProbeId) -> None:
    """Recorded searches keep the probe's id, not its photo."""
    probing.delete_probe(state, caller, probe_id)
