"""How sure a figure is, by drawing people anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.errors import BadDataset
from models.metrics import Floats, Ints

DRAWS: Final = 1000


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a figure lies with 95 % confidence, by resampling identities."""

    low: float
    high: float


def bootstrap(
    values: Sequence[Floats], identities: Sequence[Ints], *, draws: int = DRAWS, seed: int = 0
) -> Interval:
    """95 % percentile interval of a mean over queries, averaged over splits.

    Identities are drawn with replacement, not queries: those of one person are not independent. A person who
    is in several splits is drawn for all of them.

    Args:
        values: for each split, the figure of each judged query (V,).
        identities: for each split, who those queries ask for (V,).
        draws: how often identities are drawn.
        seed: of the draws.

    Raises:
        BadDataset: there is no query in a split.
    """
    if not values or not all(map(len, values)):
        raise BadDataset("no query has a match in the gallery")
    people = np.unique(np.concatenate(identities))
    sums, counts = np.zeros((2, len(values), len(people)))
    for split, (of_queries, whose) in enumerate(zip(values, identities, strict=True)):
        place = np.searchsorted(people, whose)
        np.add.at(sums[split], place, of_queries)
        np.add.at(counts[split], place, 1)
    rng = np.random.default_rng(seed)
    means = np.empty(draws)
    for draw in range(draws):
        times = np.bincount(rng.integers(len(people), size=len(people)), minlength=len(people))
        weights = counts @ times  # (splits,) queries drawn
        there = weights > 0
        means[draw] = (sums[there] @ times / weights[there]).mean()
    low, high = np.percentile(means, [2.5, 97.5])
    return Interval(float(low), float(high))
