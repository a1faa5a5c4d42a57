"""What an evidence package holds of tracklets: strips, boxes, and clips of unchanged recordings."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from gallery import NotFound, ObjectsUnavailable, TrackletInfo, VideoInfo
from service import clipping, tracklets
from service.clips import ClipCache
from service.errors import RecordingUnavailable
from service.evidence.archive import Part
from service.evidence.times import span
from service.footage import Stretch
from service.state import State
from service.stream_copy import Copied
from service.work import checkpoint

_PADDING_US: Final = 1_000_000
_CHUNK: Final = 1 << 20
GONE: Final = "it was erased, or its recording indexed anew since"
_OF_LINKS: Final = {"thumbnail_url", "clip_url"}


@dataclass(slots=True)
class Shown:
    """The files of a tracklet in a package, by name, and when its clips were recorded, likewise by name."""

    tracklet: TrackletInfo
    strip: str | None = None
    boxes: str | None = None
    preview: str | None = None
    original: str | None = None
    times: dict[str, str] = field(default_factory=dict)


class Media:
    """Gathers what is shown of tracklets.

    Attributes:
        shown: what there is of each tracklet, by id.
        recordings: facts of the recordings behind them, by video id.
        left_out: what could not be packed and why: `what`, `of` and `reason` each.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._refused: dict[str, str] = {}
        self.shown: dict[str, Shown] = {}
        self.recordings: dict[str, dict[str, Any]] = {}
        self.left_out: list[dict[str, str]] = []

    def leave_out(self, what: str, of: str, reason: str) -> None:
        """Note what is not in the package."""
        self.left_out.append({"what": what, "of": of, "reason": reason})

    def of(self, tracklet_id: str, change: int) -> Iterator[Part]:
        """The files of a tracklet, the costly ones last. What is missing is noted, never replaced.

        It is the one that had its id at `change` of the gallery, or none: the recording may be indexed anew
        at any moment, and the id be another person's from then on.

        Raises:
            StorageFull, StorageUnavailable: the disk does not take a clip.
            Abandoned: nobody waits for the package any more.
        """
        checkpoint()
        catalogue = self._state.gallery.catalogue
        try:
            tracklet = catalogue.tracklet(tracklet_id, with_boxes=True)
            video = catalogue.video(tracklet.video_id)
            detail = tracklets.detail(self._state, tracklet_id, change)
        except NotFound:
            self.leave_out("everything", f"tracklet {tracklet_id}", GONE)
            return
        shown = self.shown[tracklet_id] = Shown(tracklet)
        shown.boxes = f"tracklets/{tracklet_id}/boxes.json"
        yield Part.of_json(shown.boxes, detail.model_dump(mode="json", exclude=_OF_LINKS))
        yield from self._strip(shown)
        if video.id not in self.recordings:
            self.recordings[video.id] = self._facts(video)
        yield from self._clips(shown, video)

    def _facts(self, video: VideoInfo) -> dict[str, Any]:
        camera = self._state.gallery.catalogue.camera(video.camera_id)
        return {
            "video_id": video.id,
            "file_name": video.file_name,
            "sha256": video.content_hash,
            "size_bytes": video.size_bytes,
            "camera": camera.name,
            "time_zone": camera.time_zone,
            "start": video.start_time.isoformat(),
            "end": video.end_time.isoformat(),
            "compared": False,
        }

    def _strip(self, shown: Shown) -> Iterator[Part]:
        try:
            strip = self._state.gallery.catalogue.thumbnail_path(shown.tracklet.id).read_bytes()
            self._require_current(shown.tracklet)
        except (NotFound, OSError):
            self.leave_out("strip", f"tracklet {shown.tracklet.id}", "its file is missing, or " + GONE)
            return
        shown.strip = f"tracklets/{shown.tracklet.id}/strip.jpg"
        yield Part(shown.strip, strip)

    def _clips(self, shown: Shown, video: VideoInfo) -> Iterator[Part]:
        """Both clips, made before either leaves: of a recording that turns out another one, neither does."""
        cache: ClipCache = self._state.clips
        with cache.scratch(video.id) as preview, cache.scratch(video.id) as original:
            stretch = self._preview(shown.tracklet)
            try:
                copied = self._cut(shown.tracklet, video, preview, original)
                self._require_current(shown.tracklet)
                _require_equal(self._preview(shown.tracklet), stretch)
            except (RecordingUnavailable, NotFound) as error:
                reason = str(error) if isinstance(error, RecordingUnavailable) else GONE
                if isinstance(error, NotFound) or not self.recordings[video.id]["compared"]:
                    # Of a recording that is what it was, one clip that cannot be cut says nothing of others.
                    self._refused[video.id] = reason
                    self.recordings[video.id]["reason"] = reason
                self.leave_out("clips", f"tracklet {shown.tracklet.id} ({video.file_name})", reason)
                return
            folder = f"tracklets/{shown.tracklet.id}"
            shown.preview = f"{folder}/preview.mp4"
            shown.times[shown.preview] = self._time_of(video, stretch)
            yield Part(shown.preview, preview)
            if copied is not None:
                shown.original = f"{folder}/original{copied.suffix}"
                shown.times[shown.original] = self._time_of(video, Stretch(copied.start_us, copied.end_us))
                yield Part(shown.original, original)

    def _require_current(self, tracklet: TrackletInfo) -> None:
        """Raises NotFound: it was erased meanwhile, or its recording indexed anew."""
        tracklets.known(self._state, tracklet.id, tracklet.change)

    def _cut(self, tracklet: TrackletInfo, video: VideoInfo, preview: Path, original: Path) -> Copied | None:
        """Make both clips; None where the recording cannot be copied in parts, which is noted."""
        state = self._state
        if video.id in self._refused:
            raise RecordingUnavailable(self._refused[video.id])
        with _at_hand(state, video) as source:
            if not self.recordings[video.id]["compared"]:
                _require_same(source, video)
                self.recordings[video.id]["compared"] = True
            clipping.cut(
                source,
                preview,
                self._preview(tracklet),
                boxes=tracklet.boxes,
                video=video,
                settings=state.settings,
            )
            whole = Stretch(max(0, tracklet.start_us - _PADDING_US), tracklet.end_us + _PADDING_US)
            try:
                copied = clipping.copy(source, original, whole, video=video, settings=state.settings)
                self._require_not_erased(video, copied)
            except RecordingUnavailable as error:
                self.leave_out("original clip", f"tracklet {tracklet.id} ({video.file_name})", str(error))
                return None
            return copied

    def _require_not_erased(self, video: VideoInfo, copied: Copied) -> None:
        """A copy begins at a key frame, wherever that lies: what was erased there must not be in it."""
        for start_us, end_us in self._state.gallery.catalogue.erased_stretches(video.id):
            if start_us <= copied.end_us and copied.start_us <= end_us:
                raise RecordingUnavailable("A part of it was erased.")

    def _time_of(self, video: VideoInfo, stretch: Stretch) -> str:
        """When a clip was recorded, on the camera's clock: a copy begins at the key frame before its hit."""
        start, end = (
            video.start_time + timedelta(microseconds=us) for us in (stretch.start_us, stretch.end_us)
        )
        return span(start, end, self.recordings[video.id]["time_zone"])

    def _preview(self, tracklet: TrackletInfo) -> Stretch:
        wanted = tracklets.ClipRequest(_PADDING_US // 1000, drawn=True, moment=None)
        return tracklets.stretch_of(self._state, tracklet, wanted)


@contextmanager
def _at_hand(state: State, video: VideoInfo) -> Iterator[Path]:
    """The recording of a video; a package goes on without those in a store that does not answer."""
    try:
        with state.recordings.unchanged(video) as source:
            yield source
    except ObjectsUnavailable as error:
        raise RecordingUnavailable("The object store that it is in does not answer.") from error


def _require_equal(now: Stretch, before: Stretch) -> None:
    if now != before:
        raise RecordingUnavailable("A part of it was erased just now.")


def _require_same(source: Path, video: VideoInfo) -> None:
    """Read a recording to its end and compare it with what was indexed, whatever its time stamps say.

    Raises:
        RecordingUnavailable: it is another one, or damaged.
    """
    found = hashlib.sha256()
    try:
        with source.open("rb") as file:
            while chunk := file.read(_CHUNK):
                checkpoint()
                found.update(chunk)
    except OSError as error:
        raise RecordingUnavailable("The file of the recording cannot be read.") from error
    if found.hexdigest() != video.content_hash:
        raise RecordingUnavailable(
            "The file of the recording is damaged or another one: its SHA-256 differs."
        )
