"""Worlds: identities that were, directly or through others, seen by the same cameras."""

from collections.abc import Sequence

from models.datasets.records import Tracklet


def worlds_of(tracklets: Sequence[Tracklet]) -> dict[int, int]:
    """Identity to the number of its world, counted from 0 in the order of the identities.

    Two identities are of one world if a camera saw both, or if a chain of such pairs joins them. A data set
    filmed in one place is one world; a simulated set has one for each scene. People of different worlds can
    be told apart by the background alone, so nothing is learnt from asking for it.
    """
    parent: dict[tuple[str, int], tuple[str, int]] = {}

    def root(node: tuple[str, int]) -> tuple[str, int]:
        while parent.setdefault(node, node) != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for tracklet in tracklets:
        parent[root(("identity", tracklet.identity))] = root(("camera", tracklet.camera))
    numbers: dict[tuple[str, int], int] = {}
    return {
        identity: numbers.setdefault(root(("identity", identity)), len(numbers))
        for identity in sorted({tracklet.identity for tracklet in tracklets})
    }
