"""The network's stage: clips gathered across tracklets into full batches, features handed back in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gallery import NewClip, NewTracklet
from indexer.clips import Clip
from indexer.settle import Candidate
from models.embedder import normalise, tracklet_feature
from models.preprocessing import Crop, Preprocessing

T = TypeVar("T")
Features = NDArray[np.float32]
Batch = Sequence[Clip]


class ClipEmbedder(Protocol):
    """What the indexer needs of models.embedder.Embedder."""

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
    """What became of one finished track: none, one or several tracklets.

    `horizon_us`: no tracklet of any later message begins before this time.
    """

    tracklets: Sequence[T]
    horizon_us: int


@dataclass(slots=True)
class _Waiting:
    """A message whose features have not all come yet."""

    settled: Settled[Candidate]
    clips: int
    features: list[Features] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether every clip has its feature."""
        return len(self.features) == self.clips


def embed(
    messages: Iterable[Settled[Candidate]],
    embedder: ClipEmbedder,
    batch_frames: int,
    run: Callable[[Callable[[Batch], Features], Iterable[Batch]], Iterable[Features]] = map,
) -> Iterator[Settled[NewTracklet]]:
    """Embed the clips of a stream of candidates, `batch_frames` crops at a time.

    Messages leave in the order they came. Which clips share a batch depends on that order alone, so the
    features are the same whenever and however fast the candidates arrive.

    Args:
        messages: each with at least one candidate.
        embedder: the network.
        batch_frames: crops in a batch, unless one clip has more.
        run: like `map`; may work on several batches at a time.
    """
    waiting: deque[_Waiting] = deque()
    owners: deque[_Waiting] = deque()  # of the clips that are being embedded, in order

    def batches() -> Iterator[Batch]:
        batch: list[Clip] = []
        frames = 0
        for message in messages:
            clips = [clip for candidate in message.tracklets for clip in candidate.clips]
            waiting.append(_Waiting(message, len(clips)))
            for clip in clips:
                if batch and frames + len(clip.crops) > batch_frames:
                    yield batch
                    batch, frames = [], 0
                batch.append(clip)
                owners.append(waiting[-1])
                frames += len(clip.crops)
        if batch:
            yield batch

    for features in run(lambda batch: embedder.embed_clips([clip.crops for clip in batch]), batches()):
        for feature in features:
            owners.popleft().features.append(feature)
        while waiting and waiting[0].complete:
            yield _embedded(waiting.popleft())


def _embedded(done: _Waiting) -> Settled[NewTracklet]:
    features = iter(done.features)
    tracklets = [
        _tracklet(candidate, np.stack([next(features) for _ in candidate.clips]))
        for candidate in done.settled.tracklets
    ]
    return Settled(tracklets, done.settled.horizon_us)


def _tracklet(candidate: Candidate, features: Features) -> NewTracklet:
    """`features` (number of clips, D), raw."""
    counts = [len(clip.crops) for clip in candidate.clips]
    clips = [
        NewClip(clip.start_us, clip.end_us, count, feature)
        for clip, count, feature in zip(candidate.clips, counts, normalise(features), strict=True)
    ]
    return NewTracklet(
        candidate.boxes, tracklet_feature(features, counts), clips, candidate.quality, candidate.thumbnail
    )
