"""Which network embeds queries and gallery, and their features.

I2V: a query is the first frame of its tracklet through the image network; a gallery entry is all frames of
its tracklet, in consecutive clips of at most 32, through the video network, averaged over the frames. V2V and
I2I do on both sides what I2V does on one. Distances are 1 - cosine. (Gu et al., "Temporal Knowledge
Propagation for Image-to-Video Person Re-identification", ICCV 2019, section 4 and the authors' test code.)
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

import numpy as np

from models.datasets.frames import read_frame
from models.datasets.records import Tracklet
from models.embedder import MAX_CLIP_FRAMES, Features, tracklet_feature
from models.evaluation.metrics import Labels
from models.preprocessing import Crop

# Frames read together: enough for a GPU's batch, 12 MB of MARS crops.
BATCH_FRAMES: Final = 128
# Batches that are decoded side by side while the network works.
BATCHES_AHEAD: Final = 4

Frame = TypeVar("Frame", Path, Crop)


class EvaluationProtocol(StrEnum):
    """Image or video network, first for the queries, then for the gallery."""

    I2V = "i2v"
    V2V = "v2v"
    I2I = "i2i"

    @property
    def query_is_video(self) -> bool:
        """True if the video network embeds the queries."""
        return self is EvaluationProtocol.V2V

    @property
    def gallery_is_video(self) -> bool:
        """True if the video network embeds the gallery."""
        return self is not EvaluationProtocol.I2I


class TwoNetworks(Protocol):
    """The part of models.embedder.Embedder that evaluation uses."""

    name: str
    id: str

    def embed_images(self, crops: Sequence[Crop]) -> Features:
        """(N, D) unit vectors of the image network."""

    def embed_clips(self, clips: Sequence[Sequence[Crop]]) -> Features:
        """(N, D) raw features of the video network, each the mean over its clip's frames."""


Progress = Callable[[str, int, int], None]
"""Is told what is being embedded ("images" or "videos"), how many frames are done, and of how many."""


class TrackletFeatures:
    """Features of tracklets, each computed once however many splits and protocols ask for it.

    Args:
        embedder: the model.
        progress: who is told after every batch, from the thread that asks.

    Attributes:
        model: its name.
        model_id: SHA-256 of its weights.
    """

    def __init__(self, embedder: TwoNetworks, progress: Progress | None = None) -> None:
        self.model, self.model_id = embedder.name, embedder.id
        self._embedder = embedder
        self._progress = progress
        self._known: dict[tuple[bool, Tracklet], Features] = {}

    def of(self, tracklets: Sequence[Tracklet], *, video: bool) -> Features:
        """Features of N >= 1 tracklets: (N, D) unit vectors, of all their frames (video) or of the first one.

        Raises:
            BadDataset: a crop cannot be read; the message names it.
        """
        self.embed(tracklets, video=video)
        return np.stack([self._known[video, tracklet] for tracklet in tracklets])

    def known(self, *, video: bool) -> tuple[tuple[Tracklet, ...], Features]:
        """All tracklets that one of the networks has embedded, and their features (N, D); N may be 0."""
        found = {one: feature for (by_video, one), feature in self._known.items() if by_video == video}
        features = np.stack(list(found.values())) if found else np.zeros((0, 0), np.float32)
        return tuple(found), features

    def embed(self, tracklets: Iterable[Tracklet], *, video: bool) -> None:
        """Compute now what `of` will be asked for, with one progress for all. Raises BadDataset like `of`."""
        new = [tracklet for tracklet in dict.fromkeys(tracklets) if (video, tracklet) not in self._known]
        for tracklet, feature in self._embed(new, video=video):
            self._known[video, tracklet] = feature

    def _embed(self, tracklets: Sequence[Tracklet], *, video: bool) -> Iterator[tuple[Tracklet, Features]]:
        """Each tracklet with its feature (D,), as soon as its last clip is embedded."""
        total = sum(len(tracklet.frames) if video else 1 for tracklet in tracklets)
        done = 0
        waiting = iter(tracklets)
        features: list[Features] = []  # of the clips of the tracklet that comes next
        counts: list[int] = []
        for batch in _read(_batches(_clips(tracklets, video=video))):
            of_clips = (
                self._embedder.embed_clips([clip.frames for clip in batch])
                if video
                else self._embedder.embed_images([clip.frames[0] for clip in batch])
            )
            for clip, feature in zip(batch, of_clips, strict=True):
                features.append(feature)
                counts.append(len(clip.frames))
                if clip.last:
                    yield next(waiting), tracklet_feature(np.stack(features), counts)
                    features, counts = [], []
            done += sum(len(clip.frames) for clip in batch)
            if self._progress is not None:
                self._progress("videos" if video else "images", done, total)


def labels(tracklets: Sequence[Tracklet]) -> Labels:
    """Identities and cameras of N tracklets."""
    return Labels(
        np.array([tracklet.identity for tracklet in tracklets], dtype=np.int64),
        np.array([tracklet.camera for tracklet in tracklets], dtype=np.int64),
    )


def cosine_distances(query: Features, gallery: Features) -> Features:
    """1 - cosine between unit vectors: (Q, D), (G, D) -> (Q, G) float32."""
    distances: Features = 1 - query @ gallery.T
    return distances


@dataclass(frozen=True, slots=True)
class _Clip(Generic[Frame]):
    """Consecutive frames of a tracklet, and whether its last ones are among them."""

    frames: Sequence[Frame]
    last: bool


def _clips(tracklets: Iterable[Tracklet], *, video: bool) -> Iterator[_Clip[Path]]:
    for tracklet in tracklets:
        frames = tracklet.frames if video else tracklet.frames[:1]
        for start in range(0, len(frames), MAX_CLIP_FRAMES):
            end = start + MAX_CLIP_FRAMES
            yield _Clip(frames[start:end], last=end >= len(frames))


def _batches(clips: Iterable[_Clip[Path]]) -> Iterator[list[_Clip[Path]]]:
    """Whole clips in their order, at most BATCH_FRAMES frames a batch."""
    batch: list[_Clip[Path]] = []
    for clip in clips:
        if sum(len(one.frames) for one in batch) + len(clip.frames) > BATCH_FRAMES:
            yield batch
            batch = []
        batch.append(clip)
    if batch:
        yield batch


def _read(batches: Iterable[list[_Clip[Path]]]) -> Iterator[list[_Clip[Crop]]]:
    """Decode batches in their order, a few ahead of the network, which would wait for them otherwise."""
    with ThreadPoolExecutor(BATCHES_AHEAD, thread_name_prefix="read-frames") as pool:
        ahead: deque[Future[list[_Clip[Crop]]]] = deque()
        for batch in batches:
            ahead.append(pool.submit(_decode, batch))
            if len(ahead) > BATCHES_AHEAD:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _decode(batch: list[_Clip[Path]]) -> list[_Clip[Crop]]:
    return [_Clip([read_frame(path) for path in clip.frames], clip.last) for clip in batch]
