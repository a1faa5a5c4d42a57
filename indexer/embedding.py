"""The network's stage: clips gathered across tracklets into full batches, features handed back in order."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gallery.records import NewClip, NewTracklet
from indexer.clips import Clip
from indexer.settle import Candidate
from models.embedder import normalise, tracklet_feature
from models.preprocessing import Crop, Preprocessing

T = TypeVar("T")
Features = NDArray[np.float32]


class ClipEmbedder(Protocol):
    """What the indexer needs of models.embedder.Embedder."""

    id: str
    name: str
    dimension: int
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
    missing: int
    features: list[Features] = field(default_factory=list)


def embed(
    messages: Iterable[Settled[Candidate]], embedder: ClipEmbedder, batch_frames: int
) -> Iterator[Settled[NewTracklet]]:
    """Embed the clips of a stream of candidates, `batch_frames` crops at a time.

    Messages leave in the order they came. Which clips share a batch depends on that order alone, so the
    features are the same whenever and however fast the candidates arrive.
    """
    waiting: deque[_Waiting] = deque()
    batch: list[tuple[_Waiting, Clip]] = []
    frames = 0
    for message in messages:
        owner = _Waiting(message, sum(len(candidate.clips) for candidate in message.tracklets))
        waiting.append(owner)
        for candidate in message.tracklets:
            for clip in candidate.clips:
                if batch and frames + len(clip.crops) > batch_frames:
                    _embed_batch(batch, embedder)
                    batch, frames = [], 0
                batch.append((owner, clip))
                frames += len(clip.crops)
        yield from _complete(waiting)
    if batch:
        _embed_batch(batch, embedder)
    yield from _complete(waiting)


def _embed_batch(batch: Sequence[tuple[_Waiting, Clip]], embedder: ClipEmbedder) -> None:
    features = embedder.embed_clips([clip.crops for _, clip in batch])
    for (owner, _), feature in zip(batch, features, strict=True):
        owner.features.append(feature)
        owner.missing -= 1


def _complete(waiting: deque[_Waiting]) -> Iterator[Settled[NewTracklet]]:
    while waiting and waiting[0].missing == 0:
        done = waiting.popleft()
        features = iter(done.features)
        tracklets = [
            _tracklet(candidate, np.stack([next(features) for _ in candidate.clips]))
            for candidate in done.settled.tracklets
        ]
        yield Settled(tracklets, done.settled.horizon_us)


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
