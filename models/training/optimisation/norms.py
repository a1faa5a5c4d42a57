"""Statistics of batch norms, taken anew when training is done.

Running statistics lag behind the weights by as many steps as their momentum says: with EfficientNet's .01,
more than half of what a network is evaluated with after 60 steps is older than these. Averaged weights have
never seen a batch at all. So before a model is written, batches pass it and their statistics are averaged.
"""

from collections.abc import Callable, Iterable

import torch
from torch import nn

Norm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d


def estimate_norms(network: nn.Module, passes: Iterable[Callable[[], object]]) -> None:
    """Set the statistics of a network's batch norms to their means over batches.

    Norms in evaluation mode (frozen blocks), and those that no batch reaches, keep theirs.

    Args:
        network: in training mode where it should learn statistics.
        passes: each sends another batch through the network, as in training.
    """
    norms = [m for m in network.modules() if isinstance(m, Norm) and m.training and m.track_running_stats]
    before = []
    for norm in norms:
        assert norm.num_batches_tracked is not None
        before.append((norm.momentum, norm.num_batches_tracked.clone()))
        norm.momentum = None  # a plain mean over batches, and the first of them replaces what was there
        norm.num_batches_tracked.zero_()
    with torch.no_grad():
        for run in passes:
            run()
    for norm, (momentum, count) in zip(norms, before, strict=True):
        norm.momentum = momentum
        if norm.num_batches_tracked == 0:
            norm.num_batches_tracked.copy_(count)
