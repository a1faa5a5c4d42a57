"""From near pairs to clusters.

DBSCAN with two to a cluster joins whatever a chain of near pairs connects. Here the chains are built from the
nearest pair on, so that a link that would bring together two who cannot be one person is known when it comes,
and refused; everything that is nearer has been joined by then.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np

from models.adaptation.jaccard import Pairs
from models.adaptation.settings import Neighbourhood
from models.evaluation.reranking import Features, Ints

SINGLE: Final = -1
"""Label of a tracklet that is in no cluster."""

SHRINKAGE: Final = 30
"""Tracklets of the whole gallery that a camera's mean is blended with, as in the ranking of hits."""

Links = Iterable[tuple[int, int]]
"""Pairs of tracklets."""


class Groups:
    """Tracklets that are joined one pair after another; pairs that are two people are never in one group.

    Args:
        count: N.
        apart: pairs of two people.

    Attributes:
        root: (N,) which group each is in.
        members: of each group, by its root.
    """

    def __init__(self, count: int, apart: Links = ()) -> None:
        self.root = list(range(count))
        self.members: list[list[int]] = [[index] for index in range(count)]
        self._forbidden: list[set[int]] = [set() for _ in range(count)]
        for one, other in apart:
            self._forbidden[one].add(other)
            self._forbidden[other].add(one)

    def join(self, one: int, other: int) -> bool:
        """Put two into one group; False where that would bring two people together."""
        root, members, forbidden = self.root, self.members, self._forbidden
        small, large = sorted((root[one], root[other]), key=lambda r: (len(members[r]), r))
        if small == large:
            return True
        if not forbidden[large].isdisjoint(members[small]):
            return False
        for member in members[small]:
            root[member] = large
        members[large] += members[small]
        forbidden[large] |= forbidden[small]
        members[small], forbidden[small] = [], set()
        return True


def without_camera_means(features: Features, cameras: Ints) -> Features:
    """Take each camera's mean off, so that people are compared and not cameras: (N, D) unit vectors again.

    A camera of few tracklets is mostly judged by the mean of all.
    """
    overall = features.mean(axis=0)
    centred = np.empty_like(features)
    for camera in np.unique(cameras):
        own = cameras == camera
        count = int(own.sum())
        mean = (features[own].sum(axis=0) + SHRINKAGE * overall) / (count + SHRINKAGE)
        centred[own] = features[own] - mean
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(lengths, 1e-12), dtype=np.float32)


def cluster(pairs: Pairs, count: int, radius: float, apart: Links = (), *, together: Links = ()) -> Ints:
    """Join what is near.

    Args:
        pairs: of tracklets, at least those within the radius.
        count: N.
        radius: distance that joins.
        apart: pairs that no cluster may hold.
        together: pairs of one person, however far they are; none of them brings two of `apart` together.

    Returns:
        (N,) labels from 0 in the order of the first tracklet of each cluster; SINGLE for one in none.
    """
    groups = Groups(count, apart)
    for one, other in together:
        groups.join(one, other)
    near = pairs.within(radius)
    order = np.lexsort((near.second, near.first, near.distances))
    for first, second in zip(near.first[order].tolist(), near.second[order].tolist(), strict=True):
        groups.join(first, second)
    return relabel(groups.root)


def stable_clusters(
    pairs: Pairs,
    count: int,
    radius: float,
    settings: Neighbourhood,
    apart: Links,
    *,
    together: Links = (),
) -> Ints:
    """Cluster, and keep what a small change of the radius leaves alone.

    Ge et al., NeurIPS 2020, section 3.3. A cluster that would grow much by a looser radius is not set apart
    from others: its tracklets are left single, except those that are surely one person. One that would fall
    to pieces by a tighter radius is replaced by these pieces.

    Args:
        pairs: at least those within radius + change.
        count: N.
        radius: distance that joins.
        settings: the change, and the share of a cluster that has to stay the same.
        apart: pairs that no cluster may hold.
        together: pairs of one person, as for `cluster`.

    Returns:
        (N,) labels as `cluster` gives them.
    """
    apart, together = list(apart), list(together)
    labels = cluster(pairs, count, radius, apart, together=together)
    if not settings.change:
        return labels
    loose = _groups(cluster(pairs, count, radius + settings.change, apart, together=together))
    loose_of = {member: len(group) for group in loose for member in group}
    tight = cluster(pairs, count, radius - settings.change, apart, together=together)
    sure = Groups(count)
    for one, other in together:
        sure.join(one, other)
    kept = [count + root for root in sure.root]  # each for itself, or with who belongs to it
    for number, group in enumerate(_groups(labels)):
        if len(group) < settings.stability * loose_of.get(group[0], len(group)):
            continue
        pieces = defaultdict(list)
        for member in group:
            pieces[int(tight[member])].append(member)
        largest = max((len(piece) for label, piece in pieces.items() if label != SINGLE), default=0)
        whole = largest >= settings.stability * len(group)
        for member in group:
            if whole:
                kept[member] = -1 - number
            elif tight[member] != SINGLE:
                kept[member] = int(tight[member])
    return relabel(kept)


def relabel(groups: Sequence[int]) -> Ints:
    """Number groups of two and more in the order in which they begin; all others are SINGLE."""
    sizes: defaultdict[int, int] = defaultdict(int)
    for group in groups:
        sizes[group] += 1
    numbers: dict[int, int] = {}
    labels = [numbers.setdefault(group, len(numbers)) if sizes[group] > 1 else SINGLE for group in groups]
    return np.array(labels, dtype=np.int64)


def _groups(labels: Ints) -> list[list[int]]:
    """Members of each cluster, in the order of the labels."""
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for index, label in enumerate(labels.tolist()):
        if label != SINGLE:
            groups[label].append(index)
    return [groups[label] for label in sorted(groups)]
