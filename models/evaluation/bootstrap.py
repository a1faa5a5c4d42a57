"""Bootstrap over people: confidence intervals of figures and of differences between two models."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.errors import BadDataset
from models.evaluation.metrics import Floats, Ints

DRAWS: Final = 1000


@dataclass(frozen=True, slots=True)
class Interval:
    """The 95 % confidence interval of a figure, by resampling identities."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference between the figures of two models.

    Attributes:
        value: first less second.
        low, high: its 95 % interval.
        p: two-sided; how often draws say so by chance if the models are equally good.
    """

    value: float
    low: float
    high: float
    p: float


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
    low, high = np.percentile(_means(values, identities, draws, seed), [2.5, 97.5])
    return Interval(float(low), float(high))


def paired_bootstrap(
    first: Sequence[Floats],
    second: Sequence[Floats],
    identities: Sequence[Ints],
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Difference:
    """Compare two models on the same queries.

    Hard queries are hard for both, so their difference is far surer than either figure: intervals of the two
    may overlap while this one is clear of zero.

    Args:
        first: for each split, the first model's figure of each judged query (V,).
        second: the second model's, in the same order.
        identities: for each split, who those queries ask for (V,).
        draws: how often identities are drawn, as in `bootstrap`.
        seed: of the draws.

    Raises:
        BadDataset: there is no query in a split.
    """
    differences = [a - b for a, b in zip(first, second, strict=True)]
    means = _means(differences, identities, draws, seed)
    low, high = np.percentile(means, [2.5, 97.5])
    # Counted with the draw that is at hand, so that no finite number of draws gives certainty.
    tail = (1 + min(int((means <= 0).sum()), int((means >= 0).sum()))) / (1 + draws)
    value = np.mean([split.mean() for split in differences])
    return Difference(float(value), float(low), float(high), min(1.0, 2 * tail))


def _means(values: Sequence[Floats], identities: Sequence[Ints], draws: int, seed: int) -> Floats:
    """(draws,) means over queries, averaged over splits, of drawn identities."""
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
    return means
