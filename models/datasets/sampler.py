"""Draws the tracklets of each batch. An epoch is a function of seed and number, so runs can resume."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, count, islice, zip_longest

import numpy as np

from models.datasets.records import Tracklet
from models.datasets.worlds import worlds_of
from models.errors import BadDataset

NEIGHBOURS = 4  # identities of one world that come together, where batches of several worlds are asked for

Batch = list[int]
"""Indices of tracklets."""

Sampler = Callable[[Sequence[Tracklet], int, int, np.random.Generator], list[Batch]]
"""(tracklets, identities P a batch, tracklets K an identity, generator) -> the batches of one epoch."""


def chunk_batches(
    tracklets: Sequence[Tracklet], identities: int, clips: int, rng: np.random.Generator
) -> list[Batch]:
    """One epoch as TKP samples it: nearly every tracklet once, in chunks of one identity.

    Each identity's tracklets are shuffled and cut into chunks of `clips`; what is left over is dropped, and
    an identity with fewer gives one chunk drawn with replacement. `identities` chunks of the shuffled list
    make a batch: an identity can be in it twice. The last, incomplete batch is dropped, and so is a batch of
    a single identity, which has no negatives.
    """
    chunks: list[Batch] = []
    for own in by_identity(tracklets).values():
        if len(own) < clips:
            chunks.append([int(i) for i in rng.choice(own, clips)])
            continue
        order = [int(i) for i in rng.permutation(own)]
        chunks += [order[start : start + clips] for start in range(0, len(order) - clips + 1, clips)]
    order = [int(i) for i in rng.permutation(len(chunks))]
    groups = [order[s : s + identities] for s in range(0, len(order) - identities + 1, identities)]
    batches = [list(chain.from_iterable(chunks[i] for i in group)) for group in groups]
    return [batch for batch in batches if len({tracklets[i].identity for i in batch}) > 1]


def balanced_batches(
    tracklets: Sequence[Tracklet], identities: int, clips: int, rng: np.random.Generator
) -> list[Batch]:
    """One epoch of strict P x K: every identity once, its tracklets from as many cameras as they go.

    Identities that do not fill the last batch are dropped.
    """
    groups = by_identity(tracklets)
    order = [list(groups)[i] for i in rng.permutation(len(groups))]
    starts = range(0, len(order) - identities + 1, identities)
    return [
        [i for name in order[start : start + identities] for i in spread(tracklets, groups[name], clips, rng)]
        for start in starts
    ]


def world_batches(
    tracklets: Sequence[Tracklet], identities: int, clips: int, rng: np.random.Generator
) -> list[Batch]:
    """One epoch of strict P x K as `balanced_batches`, in neighbourhoods of identities of one world each.

    So every identity has negatives in its batch that the same cameras saw, and backgrounds do not tell them
    apart, while the statistics of batch normalisation come from the cameras of several worlds.
    """
    worlds = worlds_of(tracklets)
    members: defaultdict[int, list[int]] = defaultdict(list)
    for index, tracklet in enumerate(tracklets):
        members[worlds[tracklet.identity]].append(index)
    together = NEIGHBOURS if identities % NEIGHBOURS == 0 else identities
    groups = [
        [own[i] for i in group]
        for own in members.values()
        for group in balanced_batches([tracklets[i] for i in own], together, clips, rng)
    ]
    order, share = [groups[i] for i in rng.permutation(len(groups))], identities // together
    starts = range(0, len(order) - share + 1, share)
    return [list(chain.from_iterable(order[start : start + share])) for start in starts]


def spread(tracklets: Sequence[Tracklet], own: Sequence[int], clips: int, rng: np.random.Generator) -> Batch:
    """Choose `clips` of one identity's tracklets, from as many cameras as they go."""
    by_camera: defaultdict[int, Batch] = defaultdict(list)
    for i in rng.permutation(own):
        by_camera[tracklets[i].camera].append(int(i))
    cameras = list(by_camera)
    queues = [by_camera[cameras[i]] for i in rng.permutation(len(cameras))]
    order = [i for turn in zip_longest(*queues) for i in turn if i is not None]
    return [order[n % len(order)] for n in range(clips)]


def by_identity(tracklets: Sequence[Tracklet]) -> dict[int, Batch]:
    """Indices of each identity's tracklets."""
    groups: defaultdict[int, Batch] = defaultdict(list)
    for index, tracklet in enumerate(tracklets):
        groups[tracklet.identity].append(index)
    return dict(groups)


def stream(
    sampler: Sampler,
    tracklets: Sequence[Tracklet],
    identities: int,
    clips: int,
    *,
    seed: int,
    start: int = 0,
    every: int = 1,
) -> Iterator[Batch]:
    """The batches of all epochs one after another, endlessly: number `start`, `start + every`, and so on.

    Raises:
        BadDataset: there are too few tracklets for a single batch.
    """
    if not sampler(tracklets, identities, clips, np.random.default_rng([seed, 0])):
        people = len(by_identity(tracklets))
        raise BadDataset(
            f"{len(tracklets)} tracklets of {people} people give no batch of {identities} people x {clips}"
        )
    epochs = (sampler(tracklets, identities, clips, np.random.default_rng([seed, n])) for n in count())
    yield from islice(chain.from_iterable(epochs), start, None, every)


SAMPLERS: dict[str, Sampler] = {
    "chunks": chunk_batches,
    "balanced": balanced_batches,
    "worlds": world_batches,
}
