"""Cutting clips in processes of their own: see `service.clip_child`."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gallery import VideoInfo
from gallery.tracing import span
from service import children, clip_child
from service.clip_child import Request
from service.errors import RecordingUnavailable, StorageFull, StorageUnavailable
from service.footage import Stretch, has_steady_clock
from service.settings import ServiceSettings
from service.stream_copy import Copied

_SECONDS: Final = 3600  # a recording whose clock cannot be trusted is read from its beginning


def cut(
    source: Path,
    destination: Path,
    stretch: Stretch,
    *,
    boxes: NDArray[np.void] | None,
    video: VideoInfo,
    settings: ServiceSettings,
) -> None:
    """Write a part of a video to `destination`; boxes, as a tracklet has them, are drawn.

    Raises:
        RecordingUnavailable: the video file cannot be read, or holds no frames there.
        StorageFull, StorageUnavailable: the disk does not take it.
        Abandoned: nobody waits for the clip any more.
    """
    with span("clip.cut"):
        _run(_request(source, destination, stretch, video, settings, boxes), boxes)


def copy(
    source: Path, destination: Path, stretch: Stretch, *, video: VideoInfo, settings: ServiceSettings
) -> Copied:
    """Copy a part of a video as it was coded to `destination`, see `service.stream_copy.copy`.

    Raises:
        RecordingUnavailable: the video file cannot be read, or not be copied in parts.
        StorageFull, StorageUnavailable: the disk does not take it.
        Abandoned: nobody waits for it any more.
    """
    request = replace(_request(source, destination, stretch, video, settings, None), copied=True)
    return Copied(**json.loads(_run(request, None)))


def _request(  # noqa: PLR0917  (what to read, and what is known of it)
    source: Path,
    destination: Path,
    stretch: Stretch,
    video: VideoInfo,
    settings: ServiceSettings,
    boxes: NDArray[np.void] | None,
) -> Request:
    return Request(
        source=str(source),
        destination=str(destination),
        start_us=stretch.start_us,
        end_us=stretch.end_us,
        copied=False,
        drawn=boxes is not None,
        size=(video.width, video.height),
        steady=has_steady_clock(video.report),
        track=video.report.track,
        max_side=settings.max_clip_side,
        memory_bytes=settings.clip_memory_bytes,
        cpu_seconds=_SECONDS,
    )


def _run(request: Request, boxes: NDArray[np.void] | None) -> bytes:
    """Let a process of its own do it; return what that says."""
    data = request.encode() + (b"" if boxes is None else boxes.tobytes())
    try:
        ended = children.run(clip_child.__name__, data=data, seconds=_SECONDS)
    except TimeoutError as error:
        raise RecordingUnavailable("The recording takes too long to read.") from error
    if ended.status == clip_child.FULL:
        raise StorageFull("The disk is full.")
    if ended.status == clip_child.REFUSED:
        raise StorageUnavailable("The server cannot write the clip to its disk now.")
    if ended.status == clip_child.UNAVAILABLE:
        raise RecordingUnavailable(ended.answer.decode())
    if ended.status != 0:
        raise RecordingUnavailable("The recording cannot be decoded with the memory and time of a clip.")
    return ended.answer
