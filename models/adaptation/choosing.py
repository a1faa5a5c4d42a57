"""Which tracklets a run uses: a sample spread over cameras and hours, and some that are held out."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Final

import numpy as np

from models.adaptation.source import Sighting

HOUR: Final = 3600  # seconds
STRETCH: Final = 600  # seconds that are held out together
STRETCHES: Final = 20  # fewer cannot be dealt out fairly


def spread_sample(sightings: Sequence[Sighting], most: int, seed: int) -> list[int]:
    """At most so many tracklets, from every camera and hour in turn; their numbers, ascending."""
    if len(sightings) <= most:
        return list(range(len(sightings)))
    groups: defaultdict[tuple[str, int], list[int]] = defaultdict(list)
    for index in np.random.default_rng([seed, 3]).permutation(len(sightings)).tolist():
        groups[sightings[index].camera, int(sightings[index].start // HOUR)].append(index)
    turns = chain.from_iterable(zip_longest(*groups.values()))
    return sorted([index for index in turns if index is not None][:most])


def held_out(sightings: Sequence[Sighting], count: int, seed: int) -> list[int]:
    """About so many tracklets to judge by; their numbers, ascending.

    Whole stretches of time are held out, on all cameras at once: who passes several cameras is then held out
    on all of them. Where times are not known or there are too few stretches, tracklets are drawn one by one.
    """
    rng = np.random.default_rng([seed, 4])
    stretches: defaultdict[int, list[int]] = defaultdict(list)
    for index, sighting in enumerate(sightings):
        stretches[int(sighting.start // STRETCH)].append(index)
    if len(stretches) < STRETCHES:
        return sorted(rng.permutation(len(sightings))[:count].tolist())
    kept: list[int] = []
    for stretch in rng.permutation(sorted(stretches)).tolist():
        if len(kept) >= count:
            break
        kept += stretches[stretch]
    # A crowded stretch may be more than was asked for.
    return sorted(rng.permutation(kept)[: max(count, 1)].tolist())
