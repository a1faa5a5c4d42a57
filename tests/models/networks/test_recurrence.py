"""The recurrent layer by hand, and packed clips against one by one."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from models.networks.recurrence import Recurrence


def layer(*, input_map: bool = True) -> Recurrence:
    torch.manual_seed(0)
    return Recurrence(4, dropout=0.5, input_map=input_map, memory="tanh").double().eval()


@pytest.mark.parametrize(("memory", "a"), [("tanh", math.tanh), ("relu", lambda x: max(x, 0.0))])
def test_three_steps_by_hand(memory: str, a: Callable[[float], float]) -> None:
    recurrence = Recurrence(1, dropout=0.5, input_map=True, memory=memory).double().eval()
    assert isinstance(recurrence.input, nn.Linear)
    with torch.no_grad():
        for linear, weight, bias in ((recurrence.input, 2.0, 0.5), (recurrence.feedback, -3.0, 0.25)):
            linear.weight.fill_(weight)
            linear.bias.fill_(bias)
        outputs = recurrence(torch.tensor([[1.0], [0.0], [-1.0]], dtype=torch.float64), [3])[:, 0].tolist()
    one = 2.0 + 0.5 + 0.25
    two = 0.5 - 3 * a(one) + 0.25
    three = -2.0 + 0.5 - 3 * a(two) + 0.25
    assert torch.allclose(torch.tensor(outputs), torch.tensor([one, two, three]))


def test_without_an_input_map_the_first_output_is_the_input_and_a_bias() -> None:
    recurrence = layer(input_map=False)
    x = torch.randn(1, 4, dtype=torch.float64)
    with torch.no_grad():
        assert torch.allclose(recurrence(x, [1]), x + recurrence.feedback.bias)


def test_packed_clips_equal_clips_one_by_one() -> None:
    recurrence, lengths = layer(), [3, 1, 5]
    x = torch.randn(9, 4, dtype=torch.float64)
    with torch.no_grad():
        alone = torch.cat([recurrence(clip, [len(clip)]) for clip in torch.split(x, lengths)])
        assert torch.allclose(recurrence(x, lengths), alone)


def test_the_memory_knows_the_past_only() -> None:
    recurrence, x = layer(), torch.randn(5, 4, dtype=torch.float64)
    changed = x.clone()
    changed[2] += 1
    with torch.no_grad():
        moved = (recurrence(changed, [5]) - recurrence(x, [5])).abs().amax(dim=1) > 1e-9
    assert moved.tolist() == [False, False, True, True, True]


def test_dropout_is_in_the_feedback_path_only() -> None:
    recurrence, x = layer().train(), torch.randn(2, 4, dtype=torch.float64)
    with torch.no_grad():
        draws = torch.stack([recurrence(x, [2]) for _ in range(8)])
    assert draws[:, 0].std(dim=0).max() < 1e-12
    assert draws[:, 1].std(dim=0).max() > 1e-3
