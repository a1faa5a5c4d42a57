"""Index jobs: requests are checked and filed here; workers do the work."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from gallery import (
    CameraInfo,
    FiledFile,
    JobInfo,
    JobKind,
    NewRecording,
    NotFound,
    is_object,
    object_name,
)
from gallery.errors import KeyReused
from service.auth import Caller
from service.errors import InvalidRequest
from service.media_folder import version_of
from service.missing import no_camera
from service.record_schemas import IndexJobIn, RecordingIn
from service.recordings import media_path, object_state
from service.state import State
from service.upload_notes import Upload


def file_job(state: State, caller: Caller, wanted: IndexJobIn, idempotency_key: str | None) -> JobInfo:
    """File a job, or find the one that the same request filed before.

    Raises:
        InvalidRequest: an unknown camera, upload or path, an unfinished upload, a file that changed since it
            was listed, or an idempotency key used before for another request.
    """
    cameras = {camera.name: camera for camera in state.gallery.catalogue.cameras()}
    checked = [
        _recording(state, caller, cameras, recording, f"/recordings/{index}")
        for index, recording in enumerate(wanted.recordings)
    ]
    recordings = [recording for recording, _ in checked]
    uploads = {upload.id: upload for _, upload in checked if upload is not None}
    try:
        with key_used_once(), state.uploads.filing([*uploads.values()]) as belongs_to:
            job = state.gallery.jobs.file(
                recordings,
                key_id=caller.key_id,
                idempotency_key=idempotency_key,
                request_hash=hashlib.sha256(wanted.model_dump_json().encode()).hexdigest(),
            )
            belongs_to(job.id)
    except NotFound as error:  # removed since it was checked
        raise InvalidRequest(f"There is {error}.", "/recordings") from error
    return job


@contextmanager
def key_used_once() -> Iterator[None]:
    """Say of an idempotency key that was used for another request where in the request it stands."""
    try:
        yield
    except KeyReused as error:
        message = "This Idempotency-Key was used for another request."
        raise InvalidRequest(message, "Idempotency-Key") from error


def find(state: State, job_id: str) -> JobInfo:
    """An index job. Raises NotFound."""
    job = state.gallery.jobs.get(job_id)
    if job.kind != JobKind.INDEX:
        raise NotFound(f"no index job {job_id}")
    return job


def _recording(
    state: State,
    caller: Caller,
    cameras: dict[str, CameraInfo],
    wanted: RecordingIn,
    pointer: str,
) -> tuple[NewRecording, Upload | None]:
    """One recording to file, and the upload that it names."""
    if wanted.camera not in cameras:
        raise no_camera(state.gallery, wanted.camera, f"{pointer}/camera", "; add it first")
    upload = filed = None
    if wanted.upload_id is not None:
        upload = _complete_upload(state, caller, wanted.upload_id, f"{pointer}/upload_id")
        path, name = str(state.uploads.path(upload)), wanted.file_name or upload.file_name or upload.id
    else:
        assert wanted.path is not None
        if caller.cameras is not None:
            # The media folder holds the recordings of all cameras: what lies there is not told either.
            raise InvalidRequest("A key that is limited to cameras uploads its files.", f"{pointer}/path")
        path, filed = _on_server(state, wanted.path, f"{pointer}/path")
        name = wanted.file_name or object_name(path)
        _require_as_listed(filed, wanted.version, f"{pointer}/version")
    recording = NewRecording(
        camera_id=cameras[wanted.camera].id,
        path=path,
        file_name=_bare(name),
        owned=upload is not None,
        start_time=wanted.start,
        filed=filed,
    )
    return recording, upload


def _on_server(state: State, wanted: str, pointer: str) -> tuple[str, FiledFile | None]:
    """The place of a recording that the server can read, and what it is like now.

    Raises:
        InvalidRequest: there is none, or it lies elsewhere than the operator allows.
        ObjectsUnavailable: the object store cannot be reached.
    """
    if is_object(wanted):
        url, found = object_state(state.gallery, wanted, pointer)
        return url, found.filed
    path = media_path(state.settings.media_dir, wanted, pointer)
    return str(path), FiledFile.at(path)


def _require_as_listed(filed: FiledFile | None, version: str | None, pointer: str) -> None:
    """Raise InvalidRequest if what is filed is not as it was when it was listed."""
    if version is not None and (filed is None or version_of(filed) != version):
        raise InvalidRequest("The file changed since it was listed or its start was read.", pointer)


def _bare(name: str) -> str:
    """A file's name without the folders that some programs put before it."""
    bare = name.replace("\\", "/").rsplit("/", 1)[-1]
    return bare if bare.strip(". ") else "recording"


def _complete_upload(state: State, caller: Caller, upload_id: str, pointer: str) -> Upload:
    try:
        upload = state.uploads.get(upload_id, caller)
        size = state.uploads.size(upload)
    except NotFound as error:
        raise InvalidRequest(f"There is no upload {upload_id}.", pointer) from error
    if size == 0 or (upload.size_bytes is not None and size != upload.size_bytes):
        raise InvalidRequest(f"The upload is not complete: it has {size} bytes.", pointer)
    return upload
