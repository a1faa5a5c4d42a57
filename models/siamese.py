"""The siamese loss of RCN and of the CRF network, over all pairs that a batch has."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from models.losses import pairwise_distances

SiameseForm = Literal["crf", "crf-printed", "rcn-code", "rcn-paper"]


def siamese(
    first: Tensor,
    second: Tensor,
    labels: Tensor,
    cameras: Tensor,
    *,
    margin: float = 2.0,
    form: SiameseForm = "crf",
) -> Tensor:
    """Pull together what two cameras see of one person, push different people apart up to a margin.

    With d the Euclidean distance of a pair and m the margin, a pair of one person and one of two people cost

        crf           d^2 / 2    max(0, m - d) / 2
        crf-printed   d^2 / 2    max(0, m - d^2) / 2
        rcn-code      d          max(0, m - d)
        rcn-paper     d^2 / 2    max(0, m - d)^2 / 2

    The CRF paper prints the square inside the hinge but calls it the Euclidean distance, which "crf" follows.
    RCN is McLaughlin et al., CVPR 2016, equation 4, and the authors' code.

    Published are as many pairs of two people as of one, drawn at random. A batch has many more of the former:
    all count here, and together weigh as much as those of one person, which is what drawing has on average.

    Args:
        first: (N, D), a feature a clip.
        second: (N, D), features of the same clips; those of `first` again, or of photos.
        labels: (N,) identities.
        cameras: (N,).
        margin: m.
        form: see above.

    Returns:
        The mean over pairs; zero for a batch without pairs of both kinds.
    """
    distances = pairwise_distances(first, second)  # (N, N)
    same = labels[:, None] == labels
    positive, negative = distances[same & (cameras[:, None] != cameras)], distances[~same]
    if not len(positive) or not len(negative):
        return 0 * distances.sum()
    pull = positive if form == "rcn-code" else positive.square() / 2
    push = F.relu(margin - (negative.square() if form == "crf-printed" else negative))
    if form == "rcn-paper":
        push = push.square()
    if form != "rcn-code":
        push = push / 2
    return torch.stack([pull.mean(), push.mean()]).mean()
