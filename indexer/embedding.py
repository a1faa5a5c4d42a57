"""The network's stage: clips gathered across tracklets into full batches, features handed back in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gallery import NewClip, NewTracklet
from indexer.clips import Clip, Stretch
from indexer.flow import Flow
from indexer.settings import IndexSettings
from indexer.settle import quality, thumbnail
from models.embedder import in_batches, normalise, tracklet_feature
from models.preprocessing import Crop, Preprocessing

S = TypeVar("S")
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
    messages: Iterable[Settled[S]],
    embedder: ClipEmbedder,
    *,
    clips_of: Callable[[S], list[Clip]],
    made_of: Callable[[S, Sequence[Clip], Features], T],
    batch_frames: int,
    run: Callable[[Callable[[Batch], Features], Iterable[Batch]], Iterable[Features]] = map,
) -> Iterator[Settled[T]]:
    """Cut a stream of tracklets into clips and embed these, `batch_frames` crops at a time.

    Messages leave in the order they came. Which clips share a batch depends on that order alone, so the
    features are the same whenever and however fast the tracklets arrive.

    Args:
        messages: each with at least one tracklet.
        embedder: the network.
        clips_of: cuts a tracklet into at least one clip.
        made_of: makes what leaves of a tracklet, its clips, and their raw features (number of clips, D).
        batch_frames: crops in a batch, unless one clip has more.
        run: like `map`; may work on several batches at a time.
    """
    waiting: deque[tuple[Settled[S], list[list[Clip]]]] = deque()  # with the clips of each tracklet
    ready: deque[Features] = deque()  # of the first clips that wait, in order

    def clips() -> Iterator[Clip]:
        for message in messages:
            own = [clips_of(tracklet) for tracklet in message.tracklets]
            waiting.append((message, own))
            yield from chain.from_iterable(own)

    batches = in_batches(clips(), lambda clip: len(clip.crops), batch_frames)
    for features in run(lambda batch: embedder.embed_clips([clip.crops for clip in batch]), batches):
        ready.extend(features)
        while waiting and sum(map(len, waiting[0][1])) <= len(ready):
            message, own = waiting.popleft()
            tracklets = [
                made_of(tracklet, clips, np.stack([ready.popleft() for _ in clips]))
                for tracklet, clips in zip(message.tracklets, own, strict=True)
            ]
            yield Settled(tracklets, message.horizon_us)


def embed_in(
    flow: Flow,
    messages: Iterable[Settled[S]],
    embedder: ClipEmbedder,
    settings: IndexSettings,
    *,
    clips_of: Callable[[S], list[Clip]],
    made_of: Callable[[S, Sequence[Clip], Features], T],
    embedded: Callable[[int], None] = lambda _: None,
) -> Iterator[Settled[T]]:
    """Like `embed`, as stage "embed" of a flow: several batches side by side.

    `embedded` is told of the crops of each batch that is done. To be iterated in the thread of the stage.
    """

    def run(work: Callable[[Batch], Features], batches: Iterable[Batch]) -> Iterator[Features]:
        def counted(batch: Batch) -> tuple[Features, int]:
            return work(batch), sum(len(clip.crops) for clip in batch)

        workers = settings.workers_on(embedder.device)
        for features, crops in flow.side_by_side("embed", counted, batches, workers):
            embedded(crops)
            yield features

    batch_frames = settings.embed_batch_on(embedder.device)
    return embed(messages, embedder, clips_of=clips_of, made_of=made_of, batch_frames=batch_frames, run=run)


def new_tracklet(stretch: Stretch, clips: Sequence[Clip], features: Features) -> NewTracklet:
    """A tracklet to store; `features` (number of clips, D), raw."""
    counts = [len(clip.crops) for clip in clips]
    made = [
        NewClip(clip.start_us, clip.end_us, count, feature)
        for clip, count, feature in zip(clips, counts, normalise(features), strict=True)
    ]
    feature = tracklet_feature(features, counts)
    return NewTracklet(stretch.boxes, feature, made, quality(stretch), thumbnail(stretch))
