"""The batches of a run, one after another: each a function of seed and number, in whatever process."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from models.datasets.clips import CHOICES, ClipDataset, Clips, Draw, collate
from models.datasets.graph import graph_batches
from models.datasets.records import Tracklet
from models.datasets.sampler import SAMPLERS, Sampler, by_identity, stream
from models.datasets.truth import truth_file
from models.errors import BadDataset
from models.preprocessing import Preprocessing
from models.training.plan import GRAPH, Plan


def batches(
    recipe: Plan,
    tracklets: Sequence[Tracklet],
    preprocessing: Preprocessing,
    *,
    start: int = 0,
    every: int = 1,
    truth: Path | None = None,
    neighbours: Tensor | None = None,
) -> Iterator[tuple[int, Clips]]:
    """Batches with their numbers: `start`, `start + every`, and so on, endlessly.

    With `truth`, the folder of the data set, they have the body parts of its files. The graph sampler needs
    `neighbours` (models.training.graph).

    Raises:
        BadDataset: there are too few tracklets, or a frame cannot be read.
    """
    b = recipe.batches
    dataset = ClipDataset(
        tracklets, preprocessing, frames=b.frames, stride=b.stride, choice=CHOICES[b.choice], truth=truth
    )
    plan = stream(
        sampler_of(recipe, neighbours),
        tracklets,
        b.identities,
        b.clips,
        seed=recipe.run.seed,
        start=start,
        every=every,
    )
    numbers = range(start, 2**62, every)
    draws = (
        [Draw(index, (recipe.run.seed, number, slot)) for slot, index in enumerate(batch)]
        for number, batch in zip(numbers, plan, strict=False)
    )
    loader = DataLoader(
        dataset,
        batch_sampler=draws,
        num_workers=b.workers,
        collate_fn=collate,
    )
    try:
        yield from zip(numbers, loader, strict=False)
    except BadDataset as error:
        # A worker's error brings its traceback as text; the cause is the last line.
        raise BadDataset(str(error).splitlines()[-1].removeprefix("models.errors.BadDataset: ")) from error


def sampler_of(recipe: Plan, neighbours: Tensor | None) -> Sampler:
    """The recipe's sampler."""
    if recipe.batches.sampler != GRAPH:
        return SAMPLERS[recipe.batches.sampler]
    assert neighbours is not None
    return partial(graph_batches, neighbours=neighbours)


def generator(seed: int, number: int) -> torch.Generator:
    """What the augmentation of batch `number` draws from."""
    state = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))


def seeded(*numbers: int) -> np.random.Generator:
    """A generator whose draws are a function of the numbers."""
    return np.random.default_rng(numbers)


def batches_per_epoch(recipe: Plan, tracklets: Sequence[Tracklet]) -> int:
    """Batches in an epoch (its first, where samplers drop some at random)."""
    b = recipe.batches
    if b.sampler == GRAPH:
        return len(by_identity(tracklets))  # each is once the one whose nearest come with it
    return len(SAMPLERS[b.sampler](tracklets, b.identities, b.clips, seeded(recipe.run.seed, 0)))


def fingerprint(
    tracklets: Sequence[Tracklet], truth: Path | None = None, captions: Sequence[str] = ()
) -> str:
    """SHA-256 over identity, camera, file names and file sizes of all tracklets in their order.

    With `truth`, the folder of the data set, over the files of their body parts, too; with captions, over
    these.

    Raises:
        BadDataset: a file is not there.
    """
    digest = hashlib.sha256()
    for caption in captions:
        digest.update(f"{caption}\n".encode())
    for tracklet in tracklets:
        digest.update(f"{tracklet.identity} {tracklet.camera}\n".encode())
        for frame in tracklet.frames:
            for file in (frame,) if truth is None else (frame, truth_file(truth, frame)):
                try:
                    digest.update(f"{file.name} {file.stat().st_size}\n".encode())
                except OSError as error:
                    what = "frame" if file == frame else "body parts"
                    raise BadDataset(f"cannot read the {what} {file}: {error.strerror}") from error
    return digest.hexdigest()
