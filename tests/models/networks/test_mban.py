"""MBAN: where parts go, what the mask does in each form, shapes."""

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck

from models.networks.mban import BODY, MBAN, MaskForm, body_block, position_weights


def random_p(channels: int = 32, height: int = 384, width: int = 64) -> Tensor:
    draws = torch.Generator().manual_seed(0)
    return torch.randn(1, channels, height, width, generator=draws).relu()


def test_every_part_has_its_place_and_blocks_have_the_published_rows() -> None:
    assert sorted(part for rows in BODY for row in rows for part in row) == list(range(1, 25))
    assert [len(rows) for rows in BODY] == [1, 1, 4, 4, 1, 1]  # head, torso, arms, legs, hands, feet


def test_a_block_by_hand() -> None:
    parts = torch.arange(1.0, 25).view(1, 24, 1, 1, 1).expand(1, 24, 1, 2, 2)
    assert (
        body_block(parts, ((16, 15), (18, 17)))[0, 0].tolist()
        == [[16, 16, 15, 15]] * 2 + [[18, 18, 17, 17]] * 2
    )


@pytest.mark.parametrize("side", [8, 16, 32])
@pytest.mark.parametrize("mask", ["paper", "scaled", "local", "none"])
def test_the_picture_has_two_columns_and_twelve_rows_of_half_tiles(mask: MaskForm, side: int) -> None:
    with torch.inference_mode():
        assert MBAN(mask)(torch.randn(2, 24, 3, side, side)).shape == (2, 3, 6 * side, side)


def test_weights_by_hand() -> None:
    """Two positions of two channels, (3, 4) and (0, 2); g takes the first channel ten times."""
    p = torch.tensor([[3.0, 0.0], [4.0, 2.0]]).view(1, 2, 1, 2)
    g = torch.tensor([10.0, 0.0]).view(1, 2, 1, 1)
    whole = torch.tensor([30 / 29**0.5, 0.0]).softmax(0)
    alone = torch.tensor([30 / 5, 0.0]).softmax(0)
    torch.testing.assert_close(position_weights(p, g, "paper").flatten(), whole)
    torch.testing.assert_close(position_weights(p, g, "scaled").flatten(), 2 * whole)
    torch.testing.assert_close(position_weights(p, g, "local").flatten(), 2 * alone)


def test_the_mask_as_printed_does_nearly_nothing_and_the_default_does_something() -> None:
    p = random_p()
    weight = torch.empty(1, 32, 1, 1)
    nn.init.kaiming_normal_(weight, generator=torch.Generator().manual_seed(1))
    printed = position_weights(p, weight, "paper")
    assert printed.numel() == 24_576
    assert (printed * 24_576 - 1).abs().max() < 0.01
    assert (p * printed).norm() / p.norm() < 5e-5
    local = position_weights(p, weight, "local")
    assert local.mean().item() == pytest.approx(1, abs=1e-4)
    assert local.max() / local.min() > 2


@pytest.mark.parametrize("form", ["paper", "scaled", "local"])
def test_gradients_of_the_mask(form: MaskForm) -> None:
    assert form != "none"
    draws = torch.Generator().manual_seed(0)
    p, weight = (
        torch.rand(*shape, generator=draws, dtype=torch.float64).requires_grad_()
        for shape in ((2, 3, 2, 2), (1, 3, 1, 1))
    )
    assert gradcheck(lambda a, b: position_weights(a, b, form), (p, weight))


def test_a_position_without_any_signal_is_no_trouble() -> None:
    p = torch.zeros(1, 3, 2, 2, requires_grad=True)
    weights = position_weights(p, torch.ones(1, 3, 1, 1), "local")
    assert weights.flatten().tolist() == [1, 1, 1, 1]
    torch.autograd.backward(weights.square().sum())
    assert p.grad is not None
    assert p.grad.isfinite().all()


def test_tiles_of_one_block_do_not_reach_another_before_they_are_joined() -> None:
    """Of a foot's tile only the lowest rows of the picture know; the mask is left out, as it sees all."""
    mban = MBAN("none").eval().double()
    mban.initialise(torch.Generator().manual_seed(0))
    tiles = torch.randn(1, 24, 3, 8, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    changed = tiles.clone()
    changed[:, 5 - 1] += 1
    with torch.inference_mode():
        difference = (mban(changed) - mban(tiles)).abs().sum(dim=(0, 1, 3))
    # The feet are rows 44 to 47; the last convolution and the maximum reach two rows further up.
    assert difference[:41].sum() == 0
    assert difference[44:].sum() > 0


def test_first_weights_come_from_the_generator_and_all_learn() -> None:
    first, second = MBAN(), MBAN()
    for mban in (first, second):
        mban.initialise(torch.Generator().manual_seed(5))
    assert all(a.equal(b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    torch.autograd.backward(first(torch.randn(2, 24, 3, 8, 8)).square().sum())
    assert all(parameter.grad is not None for parameter in first.parameters())
