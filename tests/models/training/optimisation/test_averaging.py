"""Averaged weights: whose they are after how many steps."""

import pytest
import torch
from torch import nn

from models.training.optimisation.averaging import average_of


def averaged(decay: float, values: list[float]) -> float:
    model = nn.Linear(1, 1, bias=False)
    average = average_of(model, decay)
    for value in values:
        nn.init.constant_(model.weight, value)
        average.update_parameters(model)
    return average.module.get_parameter("weight").item()


def test_the_decay_climbs_as_said() -> None:
    """The first update is a copy; the second and third have decays 2/11 and 3/12."""
    assert averaged(0.99, [5.0]) == 5
    assert averaged(0.99, [5.0, 0.0]) == pytest.approx(5 * 2 / 11)
    assert averaged(0.99, [5.0, 0.0, 0.0]) == pytest.approx(5 * 2 / 11 * 3 / 12)
    assert averaged(0.1, [5.0, 0.0]) == pytest.approx(0.5)


def test_the_first_weights_are_soon_forgotten() -> None:
    """With a decay of .98 from the start they would keep .98^99 = 13 %."""
    assert averaged(0.98, [1.0] + [0.0] * 99) < 1e-8


def test_statistics_are_those_of_the_last_step() -> None:
    model = nn.BatchNorm1d(1)
    average = average_of(model, 0.9)
    for mean in (1.0, 7.0):
        model.running_mean = torch.tensor([mean])
        average.update_parameters(model)
    assert average.module.get_buffer("running_mean").item() == 7
