"""Batches of people who look alike to the network that learns: an identity and its nearest.

Liao and Shao, "Graph Sampling Based Deep Metric Learning for Generalizable Person Re-Identification", CVPR
2022: before each epoch, one crop of each identity is embedded, and each batch is an identity with its
nearest.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from models.datasets.records import Tracklet
from models.datasets.sampler import Batch, by_identity, spread

ROWS = 512  # of the matrix of similarities at once


def nearest(features: Tensor, count: int) -> Tensor:
    """The `count` rows of greatest cosine to each other row.

    Args:
        features: (C, D), of any length.
        count: at most C - 1 are given.

    Returns:
        (C, count) int64, the nearest first.
    """
    unit = torch.nn.functional.normalize(features, dim=1)
    count = min(count, len(unit) - 1)
    found = []
    for start in range(0, len(unit), ROWS):
        similarities = unit[start : start + ROWS] @ unit.T  # (rows, C)
        own = torch.arange(start, start + len(similarities), device=unit.device)
        similarities[torch.arange(len(own), device=unit.device), own] = -torch.inf
        found.append(similarities.topk(count, dim=1).indices)
    return torch.cat(found).cpu()


def graph_batches(
    tracklets: Sequence[Tracklet],
    identities: int,
    clips: int,
    rng: np.random.Generator,
    *,
    neighbours: Tensor,
) -> list[Batch]:
    """One epoch: for each identity in random order a batch of it and its nearest.

    Args:
        tracklets: of C identities.
        identities: P a batch; fewer where an identity has fewer neighbours.
        clips: K an identity, from as many cameras as they go.
        rng: of the order.
        neighbours: (C, P - 1 or more), of the identities in ascending order (`nearest`).
    """
    groups = by_identity(tracklets)
    names = sorted(groups)
    batches = []
    for anchor in rng.permutation(len(names)):
        chosen = [int(anchor), *neighbours[anchor, : identities - 1].tolist()]
        batches.append([i for n in chosen for i in spread(tracklets, groups[names[n]], clips, rng)])
    return batches
