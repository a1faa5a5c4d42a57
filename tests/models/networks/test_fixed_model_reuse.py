"""Fixed model reuse: its equations by hand, its gradients, and that what is knocked down is gone."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.networks.fixed_model_reuse import FixedModelReuse, active_entries


def small() -> FixedModelReuse:
    """One feature, two fixed ones, one output; the second fixed one is knocked down."""
    reuse = FixedModelReuse(1, 2, 1, torch.Generator().manual_seed(0))
    with torch.no_grad():
        reuse.v.weight.copy_(torch.tensor([[2.0, 3.0]]))
        reuse.u.weight.copy_(torch.tensor([[1.0], [-1.0]]))
        reuse.mask.copy_(torch.tensor([1.0, 0.0]))
    return reuse


def test_equations_by_hand() -> None:
    reuse, fixed = small(), torch.tensor([[4.0, 5.0]])
    # y = W x + V (m * z) = 10 + 2 * 4 + 3 * 0
    assert reuse(torch.tensor([[10.0]]), fixed).item() == 18
    # z - U x = (4 - 1, 5 + 1), of which (3, 0) is left: 1/2 mean(9, 0)
    assert reuse.reconstruction(torch.tensor([[1.0]]), fixed).item() == 2.25
    # 1/2 (2^2 + 1^2 + 1^2 + 2^2 + 3^2)
    assert reuse.ridge(torch.tensor([[2.0]])).item() == 9.5


def test_gradients() -> None:
    reuse = FixedModelReuse(3, 4, 2, torch.Generator().manual_seed(1)).double()
    reuse.knock_down(2)
    draw = torch.Generator().manual_seed(2)
    own, x, z, w = (
        torch.randn(*shape, generator=draw, dtype=torch.float64, requires_grad=True)
        for shape in ((5, 2), (5, 3), (5, 4), (2, 3))
    )
    for function, inputs in (
        (reuse.forward, (own, z)),
        (reuse.reconstruction, (x, z)),
        (reuse.ridge, (w,)),
    ):
        assert torch.autograd.gradcheck(function, inputs)


@pytest.mark.parametrize(
    ("progress", "active"), [(0.0, 10), (0.05, 9), (0.24, 6), (0.25, 5), (0.49, 1), (0.5, 0), (0.9, 0)]
)
def test_entries_go_evenly_over_a_share_of_the_run(progress: float, active: int) -> None:
    assert active_entries(10, progress, 0.5) == active


@given(st.integers(1, 50), st.integers(1, 60), st.sampled_from([0.1, 0.3, 0.5, 0.7, 1.0]), st.integers(0, 9))
def test_entries_go_for_good_and_all_of_them(entries: int, steps: int, share: float, seed: int) -> None:
    reuse = FixedModelReuse(1, entries, 1, torch.Generator().manual_seed(seed))
    before = reuse.mask.clone()
    for step in range(1, steps + 1):
        expected = active_entries(entries, step / steps, share)
        reuse.knock_down(expected)
        assert reuse.active == expected
        assert (reuse.mask <= before).all()
        before = reuse.mask.clone()
    assert reuse.active == 0


def test_which_entries_go_is_drawn() -> None:
    drawn = set()
    for seed in range(20):
        reuse = FixedModelReuse(1, 3, 1, torch.Generator().manual_seed(seed))
        reuse.knock_down(2)
        drawn.add(int(reuse.mask.argmin()))
    assert drawn == {0, 1, 2}


def test_without_any_entry_nothing_depends_on_the_fixed_model() -> None:
    reuse = FixedModelReuse(3, 4, 2, torch.Generator().manual_seed(1))
    reuse.knock_down(0)
    own, x = torch.randn(5, 2, requires_grad=True), torch.randn(5, 3, requires_grad=True)
    z = torch.randn(5, 4, requires_grad=True)
    y = reuse(own, z)
    assert y.equal(own)
    torch.autograd.backward(y.sum() + reuse.reconstruction(x, z))
    assert z.grad is not None
    assert x.grad is not None
    assert not z.grad.any()
    assert not x.grad.any()
    for parameter in reuse.parameters():
        assert parameter.grad is not None
        assert not parameter.grad.any()
