"""Crops of tracklets that the gallery holds, cut again from where they came: nobody is detected or tracked.

A recording is decoded once, in its order, whatever tracklets are wanted of it. Memory holds the crops of the
people in view, never those of the file.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gallery import FileStamp, Gallery, ObjectUnusable, Places, TrackletInfo, VideoInfo, is_object
from indexer.at_hand import under_its_name
from indexer.errors import UnreadableRecording
from indexer.kept import CROPS, Asked, Collector, Kept, tracklets_of
from indexer.kept_crops import read_folder
from indexer.names import shown
from indexer.opened import OpenedFile, opened_file
from indexer.sampling import Box, Slots, sample
from indexer.sandbox import Sandboxed, open_sandboxed
from indexer.settings import IndexSettings
from indexer.types import Frame
from models.preprocessing import Preprocessing


def read_kept(gallery: Gallery, video: VideoInfo, settings: IndexSettings, asked: Asked) -> Iterator[Kept]:
    """Yield tracklets of a video with their crops, in the order in which they end.

    The crops are of the moments that were sampled when the video was indexed. Of imported crops the images
    are read as they are.

    Args:
        gallery: where the boxes are.
        video: as recorded.
        settings: limits of the decoder; the rate of sampling where the video's report does not say it.
        asked: which tracklets, and which crops of them.

    Raises:
        UnreadableRecording: the recording is gone, has changed since it was indexed, or cannot be read.
        ObjectsUnavailable: the object store that it is in cannot be reached.
    """
    catalogue = gallery.catalogue
    if video.report.detector == CROPS:
        yield from read_folder(catalogue, video, asked)
        return
    aspect = catalogue.camera(video.camera_id).pixel_aspect
    with (
        _unchanged(gallery.places, video) as file,
        open_sandboxed(file.path, settings, aspect=aspect, source=file.source) as recorded,
    ):
        if video.report.track not in {None, recorded.track}:
            raise UnreadableRecording(f"{shown(video.file_name)}: another of its video streams was indexed")
        slots = Slots(video.report.embed_fps or settings.embed_fps)
        coming = (_Cut(each, asked.collect(each)) for each in tracklets_of(catalogue, video.id, asked.wanted))
        for time_us, ended in _cut(recorded, video, coming, slots, asked.preprocessing):
            asked.seen(time_us)
            yield from ended
        file.require_unchanged(video.content_hash)


@contextmanager
def _unchanged(places: Places, video: VideoInfo) -> Iterator[OpenedFile]:
    """Hold the recording of a video open, if it is still the one that was indexed.

    Recorders reuse the names of files. A file that is in every respect as it was is the same; any other is
    hashed.

    Raises:
        UnreadableRecording: it is gone, or another one.
        ObjectsUnavailable: the object store that it is in cannot be reached.
    """
    name = shown(video.file_name)
    with ExitStack() as stack:
        path, stamp = Path(video.path), None
        try:
            if is_object(video.path):
                found = stack.enter_context(places.at_hand(video.path))
                path, stamp = found.path, found.stamp
                stack.enter_context(under_its_name(path, name))
            file = stack.enter_context(opened_file(path))
        except ObjectUnusable as error:
            raise UnreadableRecording(f"{name}: the recording is gone ({error})") from error
        except UnreadableRecording as error:
            why = str(error).rpartition(": ")[2]
            raise UnreadableRecording(f"{name}: the recording is gone ({why})") from error
        if file.status.st_size != video.size_bytes or (
            (stamp or FileStamp.of(file.status)) != video.stamp and file.digest != video.content_hash
        ):
            raise UnreadableRecording(f"{name}: the recording has changed since it was indexed")
        yield file


class _Cut:
    """Cuts one tracklet out of frames that come in order of time."""

    def __init__(self, tracklet: TrackletInfo, collector: Collector) -> None:
        boxes = tracklet.boxes
        assert boxes is not None
        self.tracklet = tracklet
        self._collector = collector
        self._times: list[int] = boxes["time_us"].tolist()
        # In the boxes' own precision, which gives the corner back that the width was taken from.
        corners = boxes["x"], boxes["y"], boxes["x"] + boxes["w"], boxes["y"] + boxes["h"]
        self._boxes: list[Box] = list(zip(*(side.tolist() for side in corners), strict=True))
        self._row = 0

    @property
    def ended(self) -> bool:
        """Whether no later frame shows the person."""
        return self._row == len(self._times)

    def see(self, frame: Frame, scale: tuple[float, float], preprocessing: Preprocessing | None) -> None:
        """Look at the next frame, from which a crop is taken unless `preprocessing` is None."""
        while not self.ended and self._times[self._row] <= frame.time_us:
            if preprocessing is not None and self._times[self._row] == frame.time_us:
                left, top, right, bottom = self._boxes[self._row]
                box = left * scale[0], top * scale[1], right * scale[0], bottom * scale[1]
                taken = sample(frame, box, self._row, preprocessing)
                if taken is not None:
                    self._collector.add(taken)
            self._row += 1

    def kept(self) -> Kept:
        """The tracklet with what was collected."""
        return Kept(self.tracklet, self._collector.samples())


def _cut(
    recorded: Sandboxed, video: VideoInfo, coming: Iterator[_Cut], slots: Slots, preprocessing: Preprocessing
) -> Iterator[tuple[int, list[Kept]]]:
    """Yield the time of each frame with the tracklets that have ended, until all have."""
    following = next(coming, None)
    active: list[_Cut] = []
    time_us = 0
    frames = recorded.frames(fps=video.report.detect_fps) if following is not None else iter(())
    for frame in frames:
        time_us = frame.time_us
        while following is not None and following.tracklet.start_us <= time_us:
            active.append(following)
            following = next(coming, None)
        height, width = frame.image.shape[:2]
        scale = width / video.width, height / video.height  # the camera's pixel aspect may be another now
        sampled = slots.take(time_us)
        for one in active:
            one.see(frame, scale, preprocessing if sampled else None)
        yield time_us, [one.kept() for one in active if one.ended]
        active = [one for one in active if not one.ended]
        if not active and following is None:
            return
    left = [*active, *([] if following is None else [following]), *coming]
    yield time_us, [one.kept() for one in left]
