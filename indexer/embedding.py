"""The network's stage: clips gathered across tracklets into full batches, features handed back in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gallery import NewClip, NewTracklet
from indexer.clips import Clip, Stretch, cut
from indexer.settle import quality, thumbnail
from models.embedder import in_batches, normalise, tracklet_feature
from models.preprocessing import Crop, Preprocessing

T = TypeVar("T")
Features = NDArray[np.float32]
Batch = Sequence[Clip]


class ClipEmbedder(Protocol):
    """The part of models.embedder.Embedder that the indexer uses."""

    id: str
    name: str
    dimension: int
    device: str
    card: Any
    warning: str | None
    preprocessing: Preprocessing

    def embed_clips(self, clips: Sequence[Sequence[Crop]]) -> Features:
        """Raw features of clips, (N, D)."""


@dataclass(frozen=True, slots=True)
class Settled(Generic[T]):
    """The outcome of one finished track: none, one or several tracklets.

    `horizon_us`: no tracklet of any later message begins before this time.
    """

    tracklets: Sequence[T]
    horizon_us: int


def embed(
    messages: Iterable[Settled[Stretch]],
    embedder: ClipEmbedder,
    *,
    clip_frames: int,
    batch_frames: int,
    run: Callable[[Callable[[Batch], Features], Iterable[Batch]], Iterable[Features]] = map,
) -> Iterator[Settled[NewTracklet]]:
    """Cut a stream of tracklets into clips and embed these, `batch_frames` crops at a time.

    Messages leave in the order they came. Which clips share a batch depends on that order alone, so the
    features are the same whenever and however fast the tracklets arrive.

    Args:
        messages: each with at least one tracklet, each of these with at least one sample.
        embedder: the network.
        clip_frames: crops in a clip; the last of a tracklet has fewer.
        batch_frames: crops in a batch, unless one clip has more.
        run: like `map`; may work on several batches at a time.
    """
    waiting: deque[tuple[Settled[Stretch], list[list[Clip]]]] = deque()  # with the clips of each tracklet
    ready: deque[Features] = deque()  # of the first clips that wait, in order

    def clips() -> Iterator[Clip]:
        for message in messages:
            own = [cut(stretch.samples, clip_frames) for stretch in message.tracklets]
            waiting.append((message, own))
            yield from chain.from_iterable(own)

    batches = in_batches(clips(), lambda clip: len(clip.crops), batch_frames)
    for features in run(lambda batch: embedder.embed_clips([clip.crops for clip in batch]), batches):
        ready.extend(features)
        while waiting and sum(map(len, waiting[0][1])) <= len(ready):
            message, own = waiting.popleft()
            tracklets = [
                _tracklet(stretch, clips, np.stack([ready.popleft() for _ in clips]))
                for stretch, clips in zip(message.tracklets, own, strict=True)
            ]
            yield Settled(tracklets, message.horizon_us)


def _tracklet(stretch: Stretch, clips: Sequence[Clip], features: Features) -> NewTracklet:
    """`features` (number of clips, D), raw."""
    counts = [len(clip.crops) for clip in clips]
    made = [
        NewClip(clip.start_us, clip.end_us, count, feature)
        for clip, count, feature in zip(clips, counts, normalise(features), strict=True)
    ]
    feature = tracklet_feature(features, counts)
    return NewTracklet(stretch.boxes, feature, made, quality(stretch), thumbnail(stretch))
