"""Pooling by its definition."""

import pytest
import torch

from models.networks.pooling import GeM, in_parts, pool


def maps() -> torch.Tensor:
    return torch.rand(2, 3, 4, 5, generator=torch.Generator().manual_seed(0)) + 0.1


@pytest.mark.parametrize("p", [1.0, 3.0, 4.5])
def test_gem_is_its_definition(p: float) -> None:
    gem = GeM()
    torch.nn.init.constant_(gem.p, p)
    expected = maps().pow(p).mean(dim=(2, 3)).pow(1 / p)
    torch.testing.assert_close(gem(maps()), expected)
    if p == 1:
        torch.testing.assert_close(gem(maps()), pool(maps()))


def test_gem_begins_at_3_and_learns_p_also_from_positions_that_are_zero() -> None:
    gem, x = GeM(), maps()
    x[0, 0] = 0
    assert gem.p.item() == 3
    torch.autograd.backward(gem(x.bfloat16()).sum())
    assert gem.p.grad is not None
    assert gem.p.grad.isfinite().all()
    assert gem(x.bfloat16()).dtype == torch.float32


def test_parts_give_what_the_whole_does() -> None:
    block = torch.nn.Conv2d(3, 2, 1)
    torch.testing.assert_close(in_parts([block], maps(), 1), block(maps()))
