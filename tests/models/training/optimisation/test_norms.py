"""Statistics of batch norms at the end of training."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from models.training.optimisation.norms import estimate_norms


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3, momentum=0.01), nn.BatchNorm1d(3))


def norm_of(model: nn.Sequential, index: int = 1) -> nn.BatchNorm1d:
    norm = model[index]
    assert isinstance(norm, nn.BatchNorm1d)
    return norm


def test_statistics_are_the_means_over_batches_whatever_they_were() -> None:
    model, batches = network(), [torch.randn(8, 4) for _ in range(3)]
    norm_of(model).running_mean = torch.full((3,), 1e3)

    estimate_norms(model, (partial(model, x) for x in batches))

    with torch.no_grad():
        seen: list[Tensor] = [model[0](x) for x in batches]
    means = torch.stack([x.mean(dim=0) for x in seen])
    variances = torch.stack([x.var(dim=0) for x in seen])
    torch.testing.assert_close(norm_of(model).running_mean, means.mean(dim=0))
    torch.testing.assert_close(norm_of(model).running_var, variances.mean(dim=0))
    assert norm_of(model).momentum == pytest.approx(0.01)


def test_frozen_norms_and_those_no_batch_reaches_keep_theirs() -> None:
    model = network()
    norm_of(model, 1).eval()
    model(torch.randn(8, 4))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    estimate_norms(model, [lambda: model[1](model[0](torch.randn(8, 4)))])

    assert all(tensor.equal(before[name]) for name, tensor in model.state_dict().items())
