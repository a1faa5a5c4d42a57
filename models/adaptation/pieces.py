"""Tracklets as adaptation sees them, cut where the person changes, and their features."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from models.adaptation.store import CropStore
from models.embedder import CPU_FRAMES, normalise
from models.evaluation.reranking import Features, Ints
from models.inference import optimise
from models.networks.network import Network
from models.preprocessing import Preprocessing, prepare

AT_ONCE: Final = 64  # crops read together
LEAST: Final = 2  # crops on each side of a cut
STRANGERS: Final = 2000  # pairs of them that say how alike two people look

Tell = Callable[[int, int], None]
"""Is told how many crops are done, and of how many. May raise to stop."""


class Piece(NamedTuple):
    """Crops `start` to `stop` of a tracklet, all of one person.

    Attributes:
        tracklet: its id.
        number: of the tracklet among those that are used.
        start: first crop.
        stop: one after the last.
    """

    tracklet: str
    number: int
    start: int
    stop: int


class Cuts(NamedTuple):
    """What cutting found.

    Attributes:
        pieces: all tracklets, whole or in two.
        cut: pieces of which the first half ends at a cut, by their tracklets.
        threshold: likeness below which a tracklet is cut; None where there was too little to tell.
    """

    pieces: list[Piece]
    cut: dict[str, int]
    threshold: float | None


class Embedding:
    """Embeds stored crops with a network as it is now.

    Args:
        network: any mode; it is copied.
        preprocessing: its own.
        store: of the crops.
        device: "cpu" or "cuda:N".
    """

    def __init__(self, network: Network, preprocessing: Preprocessing, store: CropStore, device: str) -> None:
        self._network = optimise(network).to(device)
        self._preprocessing, self._store, self._device = preprocessing, store, device

    def crops(self, pieces: Sequence[Piece], tell: Tell | None = None) -> Iterator[Features]:
        """Features of the crops of each piece, raw: (n, D)."""
        total = sum(piece.stop - piece.start for piece in pieces)
        waiting: list[Features] = []
        held = done = 0
        ended = iter(pieces)
        upcoming = next(ended, None)
        for batch in self._batches(pieces):
            waiting.append(self._embed(batch))
            held += len(batch)
            done += len(batch)
            joined = np.concatenate(waiting)
            while upcoming is not None and held >= (length := upcoming.stop - upcoming.start):
                yield joined[:length]
                joined, held = joined[length:], held - length
                upcoming = next(ended, None)
            waiting = [joined]
            if tell is not None:
                tell(done, total)

    def means(self, pieces: Sequence[Piece], tell: Tell | None = None) -> Features:
        """(N, D) unit vectors: the mean over each piece's crops."""
        found = [features.mean(axis=0) for features in self.crops(pieces, tell)]
        return normalise(np.stack(found))

    def _batches(self, pieces: Sequence[Piece]) -> Iterator[list[tuple[str, int]]]:
        batch: list[tuple[str, int]] = []
        for piece in pieces:
            for crop in range(piece.start, piece.stop):
                batch.append((piece.tracklet, crop))
                if len(batch) == AT_ONCE:
                    yield batch
                    batch = []
        if batch:
            yield batch

    @torch.inference_mode()
    def _embed(self, batch: Sequence[tuple[str, int]]) -> Features:
        crops = [self._store.read(tracklet, crop) for tracklet, crop in batch]
        size = CPU_FRAMES if self._device == "cpu" else AT_ONCE
        parts = torch.split(prepare(crops, self._preprocessing).to(self._device), size)
        found: Features = torch.cat([self._network.embed_images(part) for part in parts]).cpu().numpy()
        return found


def cut_at_jumps(
    pieces: Sequence[Piece], features: Iterator[Features], cameras: Ints, *, share: float, seed: int
) -> Cuts:
    """Cut tracklets in which the tracker went from one person to another.

    A tracklet's parts before and after a cut are compared as two people are: the beginning of one tracklet
    with the end of another one on the same camera. It is cut at the place where its parts are least alike, if
    they are less alike than `share` of such pairs of strangers.

    Args:
        pieces: whole tracklets.
        features: of their crops, one by one.
        cameras: (N,) of the pieces.
        share: from 0 (nothing is cut) to 1.
        seed: of the strangers that are drawn.
    """
    least, places, begins, ends = [], [], [], []
    for piece, own in zip(pieces, features, strict=True):
        likeness, place = weakest_place(own)
        least.append(likeness)
        places.append(piece.start + place)
        middle = (len(own) + 1) // 2
        begins.append(own[:middle].mean(axis=0))
        ends.append(own[-middle:].mean(axis=0))
    threshold = _likeness_of_strangers(begins, ends, cameras, share=share, seed=seed)
    kept: list[Piece] = []
    cut = {}
    for piece, likeness, place in zip(pieces, least, places, strict=True):
        if threshold is not None and likeness < threshold:
            cut[piece.tracklet] = place
            kept += [piece._replace(stop=place), piece._replace(start=place)]
        else:
            kept.append(piece)
    return Cuts(kept, cut, threshold)


def weakest_place(features: Features) -> tuple[float, int]:
    """Where a tracklet's parts before and after are least alike, and their cosine; (n, D) raw.

    A tracklet of too few crops has no such place: its parts are as alike as can be.
    """
    weakest, where = np.inf, 0
    for place in range(LEAST, len(features) - LEAST + 1):
        before, after = normalise(np.stack([features[:place].mean(axis=0), features[place:].mean(axis=0)]))
        likeness = float(before @ after)
        if likeness < weakest:
            weakest, where = likeness, place
    return weakest, where


def _likeness_of_strangers(
    begins: Sequence[Features], ends: Sequence[Features], cameras: Ints, *, share: float, seed: int
) -> float | None:
    """The likeness that this share of pairs of strangers does not reach; None where there are too few."""
    rng = np.random.default_rng([seed, len(begins)])
    ones, others = rng.integers(len(begins), size=(2, 20 * STRANGERS))
    strangers: NDArray[np.bool_] = (ones != others) & (cameras[ones] == cameras[others])
    ones, others = ones[strangers][:STRANGERS], others[strangers][:STRANGERS]
    if share == 0 or len(ones) < STRANGERS // 20:
        return None
    first = normalise(np.stack([begins[i] for i in ones]))
    second = normalise(np.stack([ends[i] for i in others]))
    return float(np.quantile((first * second).sum(axis=1), share))
