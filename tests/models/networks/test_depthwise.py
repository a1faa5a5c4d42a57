"""Gradients of depthwise convolutions in bfloat16 on a CPU."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from models.networks.backbones import efficientnet_lite0
from models.networks.depthwise import DepthwiseConv2d, input_gradient, kernel_gradient


@given(
    side=st.sampled_from([3, 5]),
    stride=st.integers(1, 3),
    padding=st.integers(0, 2),
    height=st.integers(5, 13),
    width=st.integers(5, 13),
    seed=st.integers(0, 1000),
)
def test_the_gradients_are_those_of_torch(
    side: int, stride: int, padding: int, height: int, width: int, seed: int
) -> None:
    torch.manual_seed(seed)
    x = torch.randn(2, 3, height, width, dtype=torch.float64, requires_grad=True)
    kernel = torch.randn(3, 1, side, side, dtype=torch.float64, requires_grad=True)
    y = F.conv2d(x, kernel, None, stride, padding, 1, 3)
    gradient = torch.randn_like(y)
    of_x, of_kernel = torch.autograd.grad(y, [x, kernel], gradient)
    with torch.no_grad():
        torch.testing.assert_close(input_gradient(gradient, kernel, x.shape[2:], stride, padding), of_x)
        torch.testing.assert_close(kernel_gradient(gradient, x, side, stride, padding), of_kernel)


def _learnt(network: nn.Module, x: Tensor, dtype: torch.dtype) -> tuple[Tensor, dict[str, Tensor]]:
    network.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == torch.bfloat16):
        y = network(x)
    y.float().square().mean().backward()
    return y, {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


def test_a_backbone_learns_in_bfloat16_what_it_learns_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    network = efficientnet_lite0().eval()
    x = torch.randn(4, 3, 64, 32).contiguous(memory_format=torch.channels_last)
    features, exact = _learnt(network, x, torch.float32)
    fast, gradients = _learnt(network, x, torch.bfloat16)
    assert fast.dtype == torch.bfloat16
    torch.testing.assert_close(
        fast.float(), features, rtol=0.05, atol=0.05 * float(features.detach().abs().max())
    )
    monkeypatch.setattr(DepthwiseConv2d, "forward", nn.Conv2d.forward)
    _, slow = _learnt(network, x, torch.bfloat16)
    assert gradients.keys() == exact.keys()
    for name, gradient in exact.items():
        scale = float(gradient.norm())
        ours, theirs = (float((g[name] - gradient).norm()) for g in (gradients, slow))
        assert ours <= 1.2 * theirs + 0.01 * scale, name


def test_weights_keep_their_names_and_shapes() -> None:
    assert DepthwiseConv2d(8, 5).state_dict().keys() == {"weight"}
    assert DepthwiseConv2d(8, 5).weight.shape == (8, 1, 5, 5)


def test_other_kernels_are_refused() -> None:
    with pytest.raises(ValueError, match="kernel: 7"):
        DepthwiseConv2d(8, 7)
