"""Stretches of a recording to watch, with everybody on them."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gallery import NotFound, TrackletInfo, VideoInfo
from service import clipping
from service.auth import Caller
from service.clips import CutClip, remove_if_erased
from service.errors import InvalidRequest, RecordingUnavailable
from service.footage import Stretch
from service.state import State


@dataclass(frozen=True, slots=True)
class StretchRequest:
    """A request for a stretch of a recording.

    Attributes:
        offset: seconds since the recording's first frame.
        seconds: how long.
        tracklet_id: of the recording, whose box is drawn; None draws nothing.
    """

    offset: int
    seconds: int
    tracklet_id: str | None = None


def clip(state: State, caller: Caller, video_id: str, wanted: StretchRequest) -> CutClip:
    """Cut a stretch of a recording, if that is not there yet. That it was asked for is recorded.

    Raises:
        NotFound: no such video, or no such tracklet in it.
        InvalidRequest: the stretch begins after the end.
        RecordingUnavailable: the recording is gone, changed or unreadable, or was erased there.
    """
    video, tracklet, stretch = _found(state, video_id, wanted)
    detail = {"offset_seconds": wanted.offset, "seconds": wanted.seconds, "tracklet": wanted.tracklet_id}
    state.gallery.audit.record("video.view", key_id=caller.key_id, subject=video_id, detail=detail)

    def make(destination: Path) -> None:
        with state.recordings.unchanged(video) as source:
            boxes = None if tracklet is None else tracklet.boxes
            clipping.cut(source, destination, stretch, boxes=boxes, video=video, settings=state.settings)

    drawn = "plain" if tracklet is None else f"{tracklet.number}-{tracklet.change}"
    path = state.clips.get(video.id, f"at-{stretch.start_us}-{stretch.end_us}-{drawn}.mp4", make)
    remove_if_erased(path, stretch, lambda: _found(state, video_id, wanted)[2])
    return CutClip(path, video.start_time + timedelta(microseconds=stretch.start_us))


def _found(
    state: State, video_id: str, wanted: StretchRequest
) -> tuple[VideoInfo, TrackletInfo | None, Stretch]:
    """The recording, the tracklet to draw and the frames, up to where something was erased."""
    catalogue = state.gallery.catalogue
    video = catalogue.video(video_id)
    tracklet = None
    if wanted.tracklet_id is not None:
        tracklet = catalogue.tracklet(wanted.tracklet_id, with_boxes=True)
        if tracklet.video_id != video_id:
            raise NotFound(f"video {video_id} has no tracklet {wanted.tracklet_id}")
    start_us = wanted.offset * 1_000_000
    if start_us >= video.duration_us:
        raise InvalidRequest(f"The recording ends after {video.duration_us / 1e6:.1f} seconds.", "offset")
    seconds = min(wanted.seconds, state.settings.max_clip_seconds)
    end_us = start_us + round(seconds * 1e6)
    for erased_from, erased_to in catalogue.erased_stretches(video_id):
        if erased_from <= start_us <= erased_to:
            raise RecordingUnavailable("This part of the recording was erased.")
        if start_us < erased_from <= end_us:
            end_us = erased_from - 1
    return video, tracklet, Stretch(start_us, end_us)
