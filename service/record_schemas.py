"""Requests and responses of cameras, videos, uploads and index jobs."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, model_validator

from service.schemas import GivenName, Id, Instant, Name, RequestModel

CameraName = Annotated[GivenName, Field(pattern=r"^[^\x00-\x1f\x7f/\\]+$", max_length=100)]
Version = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
FileName = Annotated[GivenName, Field(max_length=255)]


TimeZone = Annotated[str, Field(max_length=64, examples=["Europe/Berlin"], description="IANA name")]


class CameraSettings(RequestModel):
    """Optional settings of a camera."""

    site: CameraName | None = Field(
        default=None, description="Where it stands; cameras of a site are searched together"
    )
    latitude: float | None = Field(
        default=None, ge=-90, le=90, allow_inf_nan=False, description="Degrees north"
    )
    longitude: float | None = Field(
        default=None, ge=-180, le=180, allow_inf_nan=False, description="Degrees east"
    )
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

    name: CameraName = Field(description="Its name, unique in the gallery")
    time_zone: TimeZone = "UTC"


class CameraPatch(CameraSettings):
    """Changes of a camera: a field left out stays as it is, null clears a setting."""

    name: CameraName | None = Field(default=None, description="A new name; null keeps the old one")
    time_zone: TimeZone | None = Field(default=None, description="IANA name; null keeps the old one")


class CameraOut(BaseModel):
    """A camera as recorded."""

    name: str = Field(description="Its name, unique in the gallery")
    site: str | None = Field(description="Where it stands")
    time_zone: str = Field(description="IANA name; times are shown on its clock")
    latitude: float | None = Field(description="Degrees north")
    longitude: float | None = Field(description="Degrees east")
    detector_input: int | None = Field(description="Long side of the detector's input; null: the default")
    pixel_aspect: float | None = Field(description="Width / height of a pixel; null: as the videos say")
    created_at: datetime = Field(description="When it was added")


class CameraList(BaseModel):
    """All cameras, by name."""

    items: list[CameraOut] = Field(description="The cameras")
    next_cursor: str | None = Field(default=None, description="Always null: all cameras come on one page")


class VideoOut(BaseModel):
    """An indexed video."""

    id: str = Field(description="Names the video")
    camera: str = Field(description="Name of the camera that recorded it")
    file_name: str = Field(description="Its name as it came")
    start: datetime = Field(description="Time of the first frame")
    end: datetime = Field(description="Time of the last frame")
    seconds: float = Field(description="Its length")
    width: int = Field(description="Width of the upright picture in pixels")
    height: int = Field(description="Height of the upright picture in pixels")
    size_bytes: int = Field(description="Size of the file")
    content_hash: str = Field(description="SHA-256 of the file")
    frames_decoded: int = Field(description="Frames that could be read")
    frames_bad: int = Field(description="Frames that could not be read")
    tracklets: int = Field(description="How many tracklets it has")
    indexed_at: datetime = Field(description="When it became searchable")
    report: dict[str, Any] = Field(
        description="Counters of the indexing stages and reasons of what was dropped"
    )


class VideoPatch(RequestModel):
    """Corrections of a video: a field left out, or null, stays as it is."""

    camera: Name | None = Field(default=None, description="Name of the camera that recorded it")
    start: Instant | None = Field(default=None, description="Time of the first frame")
    file_name: FileName | None = Field(default=None, description="A new name")


class VideoList(BaseModel):
    """Videos, a page at a time."""

    items: list[VideoOut] = Field(description="The videos of this page")
    next_cursor: str | None = Field(description="Pass it on as `cursor` for the next page; null on the last")


class UploadIn(RequestModel):
    """A video file about to be uploaded."""

    file_name: FileName | None = Field(default=None, description="The name that the video is to have")
    size_bytes: int | None = Field(
        default=None, ge=1, description="If said, more is refused and less is unfinished"
    )


class UploadOut(BaseModel):
    """An upload: send the next chunk at offset `size`."""

    id: str = Field(description="Names the upload")
    size: int = Field(description="Bytes received so far: where to go on")
    file_name: str | None = Field(description="The name that the video is to have")
    size_bytes: int | None = Field(description="Size of the whole file, if it was said")
    max_bytes: int = Field(description="The largest file that is taken")
    expires_at: datetime | None = Field(
        description="When it is removed unless continued; null once a job was filed"
    )


class RecordingIn(RequestModel):
    """A video file to index: an upload, or a file under the server's media folder."""

    upload_id: Id | None = Field(default=None, description="An upload of this key; or else name a path")
    path: str | None = Field(
        default=None,
        min_length=1,
        max_length=1100,
        description="Relative to the media folder; or s3://BUCKET/KEY, below SIGHTLINE_OBJECT_ROOTS",
    )
    camera: Name = Field(description="Name of the camera that recorded it")
    start: Instant = Field(description="Time of the first frame")
    file_name: FileName | None = Field(
        default=None,
        description="The name that the video is to have; by default that of the file",
    )
    version: Version | None = Field(
        default=None,
        description="Of the file at `path`, as listed or as its start was read: 422 if it has changed",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.upload_id is None) == (self.path is None):
            raise ValueError("name either upload_id or path")
        if self.version is not None and self.path is None:
            raise ValueError("an upload has no version")
        return self


class IndexJobIn(RequestModel):
    """Video files to index."""

    recordings: list[RecordingIn] = Field(min_length=1, max_length=1000, description="The video files")


class MediaFile(BaseModel):
    """A file that may be a recording; nobody has looked into it yet."""

    path: str = Field(description="What an index job names it by, relative to the media folder")
    name: str = Field(description="Its name")
    size_bytes: int = Field(description="Its size")
    written_at: datetime = Field(description="When it was written last")
    version: Version = Field(description="Another one once the file is written to or replaced")


class MediaStart(BaseModel):
    """When a file of the media folder began, as its metadata say."""

    path: str = Field(description="The file, relative to the media folder")
    start: datetime | None = Field(
        description="The time of its first frame as the file says it; many recorders are wrong about it"
    )
    why: Literal["not_said", "impossible", "unreadable"] | None = Field(
        description=(
            "Why there is none. `not_said`: it says none, or the first day of a clock that was never set. "
            "`impossible`: before 1980, or in the future. `unreadable`: it is no recording that can be read"
        )
    )
    version: Version = Field(description="Of the file that was read, as when it is listed")


class MediaFolder(BaseModel):
    """What a folder of the media folder holds."""

    folder: str = Field(description="Its path relative to the media folder; empty for that itself")
    folders: list[str] = Field(description="Paths of the folders in it, by name")
    files: list[MediaFile] = Field(description="The files in it that are called like recordings, by name")
    more: int = Field(description="Folders and files beyond the first 1000 of each that are not listed")
    complete: bool = Field(description="false: it has so many entries that not all were looked at")


Obstacle = Literal["filed_again", "indexed", "upload_deleted", "file_missing", "server_file", "by_command"]


class RetryOut(BaseModel):
    """Whether a recording that failed can be tried again."""

    possible: bool = Field(description="Whether a retry of its job takes it")
    obstacle: Obstacle | None = Field(
        description=(
            "Why not. `filed_again`: it was, look at the later job. `indexed`: it is in the gallery by now. "
            "`upload_deleted`: the server keeps no copy any more, upload it again. `file_missing`: it is not "
            "in the media folder any more. `server_file`: keys that are limited to cameras cannot name files "
            "of the server. `by_command`: a command on the server read it, with options of its own: run that "
            "again"
        )
    )
    kept_until: datetime | None = Field(
        description="When the server deletes the uploaded file unless it is tried again; null for other files"
    )


class RecordingOut(BaseModel):
    """The current state of one video file of a job."""

    id: str = Field(description="Names the recording within its job")
    camera: str = Field(description="Name of the camera that recorded it")
    file_name: str = Field(description="Its name as it came")
    start: datetime = Field(description="Time of the first frame")
    state: str = Field(description="queued, running, succeeded, skipped, failed or cancelled")
    reason: str | None = Field(description="Why it was skipped or failed")
    video_id: str | None = Field(description="The video, once it is searchable")
    stage: str | None = Field(description="What is being done now")
    progress: float = Field(description="0 to 1")
    counters: dict[str, Any] = Field(description="Counters of the stages so far")
    attempts: int = Field(description="How many times it was begun")
    started_at: datetime | None = Field(description="When it was begun last")
    finished_at: datetime | None = Field(description="When it ended")
    retry: RetryOut | None = Field(description="Whether it can be tried again; null unless it failed")


class FailedRecordingOut(RecordingOut):
    """A video file that failed and was neither filed again nor indexed since."""

    job_id: str = Field(description="The job in which it failed")


class FailedRecordingList(BaseModel):
    """Recordings that failed, those filed last first, a page at a time."""

    items: list[FailedRecordingOut] = Field(description="The recordings of this page")
    next_cursor: str | None = Field(description="Pass it on as `cursor` for the next page; null on the last")


class RetryIn(RequestModel):
    """Which recordings of a job to try again."""

    recordings: list[Id] | None = Field(
        default=None,
        min_length=1,
        max_length=1000,
        description="Their ids; null: all that failed and can be tried again",
    )


class IndexJobOut(BaseModel):
    """The current state of a job."""

    id: str = Field(description="Names the job")
    state: str = Field(description="queued, running, succeeded, failed, cancelled or partial")
    progress: float = Field(description="0 to 1 over its video files")
    eta_seconds: float | None = Field(description="Until it ends, as far as can be told")
    cancel_requested: bool = Field(description="Whether somebody asked to stop it")
    created_at: datetime = Field(description="When it was filed")
    recordings: list[RecordingOut] = Field(description="Its video files")


class IndexJobList(BaseModel):
    """Jobs, the newest first, a page at a time."""

    items: list[IndexJobOut] = Field(description="The jobs of this page")
    next_cursor: str | None = Field(description="Pass it on as `cursor` for the next page; null on the last")
