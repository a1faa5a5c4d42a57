"""The batches of a run, one after another: each a function of seed and number, in whatever process."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader

from models.datasets.clips import CHOICES, ClipDataset, Clips, Draw, collate
from models.datasets.records import Tracklet
from models.datasets.sampler import SAMPLERS, stream
from models.errors import BadDataset
from models.preprocessing import Preprocessing
from models.training.recipe import Recipe


def batches(
    recipe: Recipe,
    tracklets: Sequence[Tracklet],
    preprocessing: Preprocessing,
    *,
    start: int = 0,
    every: int = 1,
    truth: Path | None = None,
) -> Iterator[tuple[int, Clips]]:
    """Batches with their numbers: `start`, `start + every`, and so on without end.

    With `truth`, the folder of the data set, they have the body parts of its files.

    Raises:
        BadDataset: there are too few tracklets, or a frame cannot be read.
    """
    b = recipe.batches
    dataset = ClipDataset(
        tracklets, preprocessing, frames=b.frames, stride=b.stride, choice=CHOICES[b.choice], truth=truth
    )
    plan = stream(
        SAMPLERS[b.sampler], tracklets, b.identities, b.clips, seed=recipe.run.seed, start=start, every=every
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


def generator(seed: int, number: int) -> torch.Generator:
    """What the augmentation of batch `number` draws from."""
    state = np.random.SeedSequence([seed, number]).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]))


def batches_per_epoch(recipe: Recipe, tracklets: Sequence[Tracklet]) -> int:
    """Batches in an epoch (its first, where samplers drop some at random)."""
    b = recipe.batches
    rng = np.random.default_rng([recipe.run.seed, 0])
    return len(SAMPLERS[b.sampler](tracklets, b.identities, b.clips, rng))
