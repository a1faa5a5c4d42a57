"""Requests and responses of cameras, videos, uploads and index jobs."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, StringConstraints, model_validator

from service.schemas import Id, Instant, Name, RequestModel

CameraName = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f/\\]+$", min_length=1, max_length=100)
]


TimeZone = Annotated[str, Field(max_length=64, examples=["Europe/Berlin"], description="IANA name")]


class CameraSettings(RequestModel):
    """Optional settings of a camera."""

    site: CameraName | None = None
    latitude: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False)
    longitude: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False)
    detector_input: Literal[320, 416, 640] | None = Field(
        default=None,
        description="Long side of the detector's input: 640 for small people, 320 for close ones",
    )
    pixel_aspect: float | None = Field(
        default=None,
        ge=0.25,
        le=4,
        allow_inf_nan=False,
        description="Width / height of a pixel, for videos that do not say it; null for square pixels",
    )


class CameraIn(CameraSettings):
    """A camera to add."""

    name: CameraName
    time_zone: TimeZone = "UTC"


class CameraPatch(CameraSettings):
    """Changes of a camera: a field left out stays as it is, null clears a setting."""

    name: CameraName | None = Field(default=None, description="A new name; null keeps the old one")
    time_zone: TimeZone | None = Field(default=None, description="IANA name; null keeps the old one")


class CameraOut(BaseModel):
    """A camera as recorded."""

    name: str
    site: str | None
    time_zone: str
    latitude: float | None
    longitude: float | None
    detector_input: int | None
    pixel_aspect: float | None
    created_at: datetime


class CameraList(BaseModel):
    """All cameras, by name."""

    items: list[CameraOut]
    next_cursor: str | None = None


class VideoOut(BaseModel):
    """An indexed video."""

    id: str
    camera: str
    file_name: str
    start: datetime
    end: datetime
    seconds: float
    width: int
    height: int
    size_bytes: int
    content_hash: str = Field(description="SHA-256 of the file")
    frames_decoded: int
    frames_bad: int
    tracklets: int
    indexed_at: datetime
    report: dict[str, Any] = Field(
        description="Counters of the indexing stages and reasons of what was dropped"
    )


class VideoPatch(RequestModel):
    """Corrections of a video: a field left out, or null, stays as it is."""

    camera: Name | None = Field(default=None, description="Name of the camera that recorded it")
    start: Instant | None = Field(default=None, description="Time of the first frame")
    file_name: str | None = Field(default=None, min_length=1, max_length=255)


class VideoList(BaseModel):
    """Videos, a page at a time."""

    items: list[VideoOut]
    next_cursor: str | None


class UploadIn(RequestModel):
    """A video file about to be uploaded."""

    file_name: str | None = Field(default=None, min_length=1, max_length=255)
    size_bytes: int | None = Field(
        default=None, ge=1, description="If said, more is refused and less is unfinished"
    )


class UploadOut(BaseModel):
    """An upload: send the next chunk at offset `size`."""

    id: str
    size: int
    file_name: str | None
    size_bytes: int | None
    max_bytes: int
    expires_at: datetime | None = Field(
        description="When it is removed unless continued; null once a job was filed"
    )


class RecordingIn(RequestModel):
    """A video file to index: an upload, or a file under the server's media folder."""

    upload_id: Id | None = None
    path: str | None = Field(
        default=None, min_length=1, max_length=1000, description="Relative to the media folder"
    )
    camera: Name
    start: Instant = Field(description="Time of the first frame")
    file_name: str | None = Field(default=None, min_length=1, max_length=255)

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.upload_id is None) == (self.path is None):
            raise ValueError("name either upload_id or path")
        return self


class IndexJobIn(RequestModel):
    """Video files to index."""

    recordings: list[RecordingIn] = Field(min_length=1, max_length=1000)


class RecordingOut(BaseModel):
    """The current state of one video file of a job."""

    camera: str
    file_name: str
    start: datetime
    state: str = Field(description="queued, running, succeeded, skipped, failed or cancelled")
    reason: str | None = Field(description="Why it was skipped or failed")
    video_id: str | None
    stage: str | None
    progress: float = Field(description="0 to 1")
    counters: dict[str, Any]
    attempts: int
    started_at: datetime | None
    finished_at: datetime | None


class IndexJobOut(BaseModel):
    """The current state of a job."""

    id: str
    state: str = Field(description="queued, running, succeeded, failed, cancelled or partial")
    progress: float = Field(description="0 to 1 over its video files")
    eta_seconds: float | None
    cancel_requested: bool
    created_at: datetime
    recordings: list[RecordingOut]


class IndexJobList(BaseModel):
    """Jobs, the newest first, a page at a time."""

    items: list[IndexJobOut]
    next_cursor: str | None
