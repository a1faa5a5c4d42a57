"""Which crops are seen at which step: a function of the seed, the round and the clusters."""

from collections.abc import Iterator, Sequence
from itertools import chain, count
from typing import NamedTuple

import numpy as np

from models.adaptation.clusters import SINGLE
from models.adaptation.pieces import Piece
from models.adaptation.settings import AdaptationSettings
from models.datasets.records import Tracklet
from models.datasets.sampler import balanced_batches
from models.evaluation.reranking import Ints


class Draw(NamedTuple):
    """Crop `crop` of piece `piece`."""

    piece: int
    crop: int


Batch = list[Draw]


def plan_round(
    pieces: Sequence[Piece],
    labels: Ints,
    cameras: Ints,
    settings: AdaptationSettings,
    *,
    number: int,
    simulated: bool,
) -> list[Batch]:
    """The batches of a round.

    A batch has so many clusters with so many pieces each, from as many cameras as they go, and in place of
    some clusters single pieces, each with as many of its crops. Where there are too few of one kind, the
    other makes up for it.

    Args:
        pieces: N.
        labels: (N,) their clusters.
        cameras: (N,).
        settings: sizes, shares and seed.
        number: of the round.
        simulated: whether a share of each batch is left to simulated people.
    """
    rng = np.random.default_rng([settings.seed, number])
    room = settings.learning.clusters
    if simulated:
        room -= round(room * settings.learning.simulated)
    single = np.flatnonzero(labels == SINGLE) if settings.contrast.single else np.zeros(0, dtype=np.int64)
    clusters = int(labels.max(initial=SINGLE)) + 1
    singles = min(round(room * settings.contrast.single), len(single))
    grouped = min(room - singles, clusters)
    singles = min(room - grouped, len(single))
    together = _clusters(labels, cameras, settings, grouped, rng)
    apart = _cycle(single, singles, rng)
    batches = []
    for _ in range(settings.steps):
        members = next(together) if grouped else []
        members += [member for member in next(apart) for _ in range(settings.learning.tracklets)]
        batches.append(_crops(pieces, members, rng))
    return batches


def _clusters(
    labels: Ints, cameras: Ints, settings: AdaptationSettings, grouped: int, rng: np.random.Generator
) -> Iterator[list[int]]:
    """Endless groups of pieces: strict P x K, every cluster once before one comes again."""
    where = np.flatnonzero(labels != SINGLE)
    records = [Tracklet(int(labels[i]), int(cameras[i]), ()) for i in where]
    for _ in count():
        for batch in balanced_batches(records, grouped, settings.learning.tracklets, rng):
            yield [int(where[i]) for i in batch]


def _cycle(members: Ints, size: int, rng: np.random.Generator) -> Iterator[list[int]]:
    """Endless groups of `size` members, every member once before one comes again."""
    order = chain.from_iterable(rng.permutation(members).tolist() for _ in count())
    while True:
        yield [next(order) for _ in range(size)]


def _crops(pieces: Sequence[Piece], members: Sequence[int], rng: np.random.Generator) -> Batch:
    """A crop of each member; one that comes several times shows other crops as far as it has them."""
    left: dict[int, list[int]] = {}
    batch = []
    for member in members:
        piece = pieces[member]
        if not left.get(member):
            left[member] = [piece.start + int(i) for i in rng.permutation(piece.stop - piece.start)]
        batch.append(Draw(member, left[member].pop()))
    return batch
