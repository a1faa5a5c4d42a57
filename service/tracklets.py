"""Tracklets: details and clips."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gallery import NotFound, TrackletInfo
from service import clipping
from service.answer_schemas import ClipOut, TrackletOut
from service.auth import Caller
from service.clips import CutClip, remove_if_erased
from service.errors import InvalidRequest
from service.footage import Stretch
from service.searches.hits import camera_ref, moment
from service.state import State


@dataclass(frozen=True, slots=True)
class ClipRequest:
    """A request for a clip of a tracklet: all of it, or one of its clips by number.

    `change`: of the gallery, at which the tracklet must have had its id already.
    """

    padding_ms: int
    drawn: bool
    moment: int | None
    change: int | None = None

    @property
    def file_name(self) -> str:
        """The name under which it is kept."""
        part = "all" if self.moment is None else str(self.moment)
        return f"{part}-{self.padding_ms}-{'box' if self.drawn else 'plain'}.mp4"


def known(state: State, tracklet_id: str, change: int | None, *, with_boxes: bool = False) -> TrackletInfo:
    """A tracklet, which must be the one that had its id at a change of the gallery, if that is given.

    Raises:
        NotFound: there is none, or its recording was indexed anew since: then it may be another person.
    """
    found = state.gallery.catalogue.tracklet(tracklet_id, with_boxes=with_boxes)
    if change is not None and found.change > change:
        raise NotFound(f"the recording of tracklet {tracklet_id} was indexed anew since change {change}")
    return found


def thumbnail(state: State, tracklet_id: str, change: int | None) -> Path:
    """The file of a tracklet's strip. Raises NotFound as `known` does."""
    known(state, tracklet_id, change)
    return state.gallery.catalogue.thumbnail_path(tracklet_id)


def detail(state: State, tracklet_id: str, change: int | None = None) -> TrackletOut:
    """A tracklet with its clips and boxes. Raises NotFound as `known` does."""
    catalogue = state.gallery.catalogue
    tracklet = known(state, tracklet_id, change, with_boxes=True)
    video = catalogue.video(tracklet.video_id)
    assert tracklet.boxes is not None
    url = f"/v1/tracklets/{tracklet.id}"
    return TrackletOut(
        id=tracklet.id,
        video_id=tracklet.video_id,
        camera=camera_ref(catalogue.camera(tracklet.camera_id)),
        start=tracklet.start_time,
        end=tracklet.end_time,
        offset_seconds=tracklet.start_us / 1e6,
        frame_count=tracklet.frame_count,
        quality=dict(tracklet.quality),
        clips=[
            ClipOut(
                number=clip.number,
                frame_count=clip.frame_count,
                **moment(tracklet, clip.start_us, clip.end_us).model_dump(),
            )
            for clip in tracklet.clips
        ],
        width=video.width,
        height=video.height,
        boxes=[
            (
                row["time_us"] / 1e6,
                *(round(float(row[name]), 2) for name in ("x", "y", "w", "h")),
                round(float(row["score"]), 4),
            )
            for row in tracklet.boxes
        ],
        thumbnail_url=f"{url}/thumbnail?change={tracklet.change}",
        clip_url=f"{url}/clip?change={tracklet.change}",
    )


def clip(state: State, caller: Caller, tracklet_id: str, wanted: ClipRequest) -> CutClip:
    """Cut a clip if it is not there yet. That it was asked for is recorded.

    Raises:
        NotFound: no such tracklet.
        InvalidRequest: it has no clip of that number.
        RecordingUnavailable: the recording is gone, changed or unreadable.
    """
    catalogue = state.gallery.catalogue
    tracklet = known(state, tracklet_id, wanted.change, with_boxes=wanted.drawn)
    video = catalogue.video(tracklet.video_id)
    stretch = stretch_of(state, tracklet, wanted)
    state.gallery.audit.record(
        "clip.view", key_id=caller.key_id, subject=tracklet_id, detail={"clip": wanted.file_name}
    )

    def make(destination: Path) -> None:
        with state.recordings.unchanged(video) as source:
            clipping.cut(
                source, destination, stretch, boxes=tracklet.boxes, video=video, settings=state.settings
            )

    name = f"{tracklet.number}-{tracklet.change}-{wanted.file_name}"
    path = state.clips.get(video.id, name, make)

    def now() -> Stretch:
        known(state, tracklet.id, tracklet.change)
        return stretch_of(state, tracklet, wanted)

    remove_if_erased(path, stretch, now)
    return CutClip(path, video.start_time + timedelta(microseconds=stretch.start_us))


def stretch_of(state: State, tracklet: TrackletInfo, wanted: ClipRequest) -> Stretch:
    """The frames of a clip, within the longest that is cut, and without what was erased around it.

    Raises:
        InvalidRequest: no clip of that number.
    """
    longest_us = round(state.settings.max_clip_seconds * 1e6)
    start_us, end_us = tracklet.start_us, tracklet.end_us
    if wanted.moment is not None:
        part = next((clip for clip in tracklet.clips if clip.number == wanted.moment), None)
        if part is None:
            raise InvalidRequest(f"The sighting has {len(tracklet.clips)} clips, counted from 0.", "moment")
        start_us, end_us = part.start_us, part.end_us
    erased = state.gallery.catalogue.erased_stretches(tracklet.video_id)
    earliest = max((end for _, end in erased if end <= start_us), default=0)
    latest = min((start for start, _ in erased if start >= end_us), default=2**62)
    padding_us = wanted.padding_ms * 1000
    start_us = max(earliest, start_us - padding_us)
    return Stretch(start_us, min(latest, end_us + padding_us, start_us + longest_us))
