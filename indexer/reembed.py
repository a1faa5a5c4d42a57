"""A video's tracklets embedded with another model, from the boxes that the gallery keeps."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from gallery import AlreadyIndexed, Completion, Gallery, TrackletInfo, VideoInfo
from indexer.clips import Clip
from indexer.embedding import ClipEmbedder, Features, Settled, embed_in
from indexer.errors import UnreadableRecording
from indexer.estimate import UNFINISHED
from indexer.flow import Flow, Pipe
from indexer.kept import Asked, Kept
from indexer.names import shown
from indexer.pipeline import IndexReport, already_indexed, model_info
from indexer.progress import Progress, Silent
from indexer.recrop import read_kept
from indexer.settings import IndexSettings
from indexer.stages import POLL_SECONDS
from models.embedder import normalise, tracklet_feature


@dataclass(frozen=True, slots=True, eq=False)
class _Embedded:
    """A tracklet with its features: (D,) and (number of clips, D), all of length 1."""

    tracklet: TrackletInfo
    feature: Features
    clips: Features


@dataclass(slots=True)
class _Work:
    """The stages, and what they have done so far."""

    flow: Flow = field(default_factory=Flow)
    seen_us: int = 0
    tracklets: int = 0
    clips: int = 0

    def numbers(self) -> dict[str, int]:
        return {"tracklets": self.tracklets, "clips": self.clips}


def embed_video(
    gallery: Gallery,
    embedder: ClipEmbedder,
    video: VideoInfo,
    settings: IndexSettings,
    *,
    progress: Progress | None = None,
    complete: Callable[[], Completion] | None = None,
) -> IndexReport:
    """Give a video of the gallery a model's features, unless it has them.

    Nobody is detected or tracked: crops are cut at the boxes that are recorded, at the moments that were
    sampled, and clips are those that are recorded. The features are those of indexing the recording with
    this model, up to rounding where a crop is kept at another size.

    Args:
        gallery: which has the video.
        embedder: makes the features.
        video: as recorded.
        settings: batches and bounds.
        progress: is told several times a second and may cancel.
        complete: says which recording of a job ends in the transaction that makes the features visible.

    Raises:
        UnreadableRecording: the recording is gone, has changed, or has no frames at the recorded moments.
        Cancelled: `progress` asked for it; nothing was written.
        GalleryError: the gallery refused or could not be reached; nothing was written.
    """
    progress = progress or Silent()
    if gallery.catalogue.is_indexed(video.content_hash, embedder.id) is not None:
        return already_indexed(video)
    work = _Work()
    with gallery.feature_writer(video, model_info(embedder)) as writer:
        with work.flow:
            numbers = gallery.catalogue.tracklet_numbers(video.id)
            for done in _by_number(_embedded(gallery, embedder, video, settings, work), numbers):
                fraction = UNFINISHED * min(1.0, work.seen_us / max(1, video.duration_us))
                progress.update("embed", fraction, work.numbers())
                if done is not None:
                    with work.flow.clock("store"):
                        writer.add(done.tracklet, done.feature, done.clips)
        progress.update("commit", UNFINISHED, work.numbers())
        try:
            info = writer.commit(complete and complete())
        except AlreadyIndexed:
            return already_indexed(video)
    return IndexReport(info, False, (), work.numbers(), dict(work.flow.seconds))


def _embedded(
    gallery: Gallery, embedder: ClipEmbedder, video: VideoInfo, settings: IndexSettings, work: _Work
) -> Iterator[Settled[_Embedded] | None]:
    """Read in one thread, embed in another; None while nothing comes."""
    read: Pipe[Settled[Kept]] = work.flow.pipe(settings.queue_tracks)
    embedded: Pipe[Settled[_Embedded]] = work.flow.pipe(settings.queue_tracks)

    def seen(time_us: int) -> None:
        work.seen_us = time_us

    asked = Asked(embedder.preprocessing, seen=seen)

    def read_all() -> None:
        for kept in read_kept(gallery, video, settings, asked):
            _check(kept, video)
            work.tracklets += 1
            work.clips += len(kept.tracklet.clips)
            read.put(Settled([kept], 0))

    def embed_all() -> None:
        for done in embed_in(work.flow, read, embedder, settings, clips_of=_clips, made_of=_made):
            embedded.put(done)

    work.flow.stage("decode", read_all, out=read)
    work.flow.stage("embed", embed_all, out=embedded)
    return embedded.poll(POLL_SECONDS)


def _check(kept: Kept, video: VideoInfo) -> None:
    """Refuse crops of other moments than those of the recorded clips."""
    expected = sum(clip.frame_count for clip in kept.tracklet.clips)
    if len(kept.samples) != expected:
        raise UnreadableRecording(
            f"{shown(video.file_name)}: {len(kept.samples)} of the {expected} crops of tracklet "
            f"{kept.tracklet.number} are there: index the recording again, or set SIGHTLINE_INDEX_EMBED_FPS "
            f"as it was"
        )


def _clips(kept: Kept) -> list[Clip]:
    """The clips that are recorded, with their crops."""
    clips: list[Clip] = []
    at = 0
    for clip in kept.tracklet.clips:
        crops = [taken.crop for taken in kept.samples[at : at + clip.frame_count]]
        clips.append(Clip(clip.start_us, clip.end_us, crops))
        at += clip.frame_count
    return clips


def _made(kept: Kept, clips: Sequence[Clip], features: Features) -> _Embedded:
    """`features` (number of clips, D), raw."""
    counts = [len(clip.crops) for clip in clips]
    return _Embedded(kept.tracklet, tracklet_feature(features, counts), normalise(np.asarray(features)))


def _by_number(
    messages: Iterable[Settled[_Embedded] | None], numbers: Iterable[int]
) -> Iterator[_Embedded | None]:
    """Tracklets end in one order and are numbered in another; only their features wait for each other."""
    waiting: dict[int, _Embedded] = {}
    expected = iter(numbers)
    number = next(expected, None)
    for message in messages:
        if message is None:
            yield None
            continue
        waiting |= {done.tracklet.number: done for done in message.tracklets}
        while number in waiting:
            yield waiting.pop(number)
            number = next(expected, None)
