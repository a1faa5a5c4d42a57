"""The network with averaged weights: smoother than the one that learns, and usually better."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def average_of(network: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of a network's weights, to be updated after each step.

    The decay of update n is min(decay, (1 + n) / (10 + n)): with a constant one, the first weights would keep
    a share of decay^n, 13 % after a hundred steps at .98. Buffers, which hold statistics of batch norms, are
    those of the last step: they are averages already (and see models.training.optimisation.norms).

    Args:
        network: whose weights are averaged; the average begins as a copy.
        decay: 0 < decay < 1, reached after some 9 / (1 - decay) updates.
    """

    @torch.no_grad()
    def update(averaged: Any, current: Any, count: Tensor | int) -> None:
        now = min(decay, (1 + int(count)) / (10 + int(count)))
        torch._foreach_lerp_(averaged, current, 1 - now)  # one kernel for all, where there are kernels

    return AveragedModel(network, multi_avg_fn=update)
