"""A depthwise convolution that learns as fast in bfloat16 as its arithmetic allows on a CPU.

torch's own kernels run the forward pass of a depthwise convolution in bfloat16 at twice the speed of float32,
but its backward pass falls back to slow ones: the gradient of a 5 x 5 kernel takes 60 to 90 times the forward
pass, that of a strided convolution's input 100 to 200 times. The functions here say the same gradients in
terms of what is fast: a forward pass, and gradients of 3 x 3 kernels.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable

FAST_KERNEL = 3  # the size of kernel whose gradient torch computes fast
SIZES = (FAST_KERNEL, 2 * FAST_KERNEL - 1)


class DepthwiseConv2d(nn.Conv2d):
    """One square filter of 3 x 3 or 5 x 5 a channel, without bias; otherwise `nn.Conv2d`.

    Under bfloat16 autocast on a CPU gradients come from `input_gradient` and `kernel_gradient`. Everything
    else, GPUs and float32 among it, is torch's.
    """

    def __init__(self, channels: int, kernel: int, stride: int = 1, padding: int = 0) -> None:
        if kernel not in SIZES:
            raise ValueError(f"kernel: {kernel} is not one of {SIZES}")
        super().__init__(channels, channels, kernel, stride, padding, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, h, w)."""
        slow = x.device.type == "cpu" and torch.is_autocast_enabled("cpu") and torch.is_grad_enabled()
        if not slow or torch.get_autocast_dtype("cpu") != torch.bfloat16:
            return super().forward(x)
        x, kernel = x.to(torch.bfloat16), self.weight.to(torch.bfloat16)
        return _Depthwise.apply(x, kernel, self.stride[0], self.padding[0])  # type: ignore[no-any-return,no-untyped-call]


class _Depthwise(Function):
    """Depthwise convolution with the gradients below."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, stride: int, padding: int) -> Tensor:
        ctx.save_for_backward(x, kernel)
        ctx.shape = stride, padding
        return F.conv2d(x, kernel, None, stride, padding, 1, x.shape[1])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        x, kernel = ctx.saved_tensors
        stride, padding = ctx.shape
        gradient = gradient.contiguous(memory_format=torch.channels_last)
        wants_input, wants_kernel = ctx.needs_input_grad[:2]
        return (
            input_gradient(gradient, kernel, x.shape[2:], stride, padding) if wants_input else None,
            kernel_gradient(gradient, x, kernel.shape[-1], stride, padding) if wants_kernel else None,
            None,
            None,
        )


def input_gradient(gradient: Tensor, kernel: Tensor, size: torch.Size, stride: int, padding: int) -> Tensor:
    """The gradient of the input: the output's, spread by the stride, convolved with the turned kernel.

    Args:
        gradient: (N, C, h, w) of the output.
        kernel: (C, 1, K, K).
        size: (H, W) of the input.
        stride: of the convolution.
        padding: of the convolution, on each side.

    Returns:
        (N, C, H, W).
    """
    count, channels = gradient.shape[:2]
    reach = kernel.shape[-1] - 1
    if stride > 1:
        height, width = (side + 2 * padding - reach for side in size)
        spread = gradient.new_zeros(count, height, width, channels).permute(0, 3, 1, 2)
        spread[:, :, ::stride, ::stride] = gradient
        gradient = spread
    return F.conv2d(gradient, kernel.flip(2, 3), None, 1, reach - padding, 1, channels)


def kernel_gradient(gradient: Tensor, x: Tensor, side: int, stride: int, padding: int) -> Tensor:
    """The gradient of the kernel; one of 5 x 5 is put together from four of 3 x 3.

    Args:
        gradient: (N, C, h, w) of the output.
        x: the input, (N, C, H, W).
        side: K of the kernel: 3 or 5.
        stride: of the convolution.
        padding: of the convolution, on each side.

    Returns:
        (C, 1, K, K).
    """
    if side == FAST_KERNEL:
        return _kernel_gradient(gradient, x, stride, padding)
    # The fourth part would see one row and column past the input's end; its last taps are dropped again.
    x = F.pad(x, (padding, padding + 1, padding, padding + 1))
    height, width = (stride * (length - 1) + FAST_KERNEL for length in gradient.shape[2:])
    rows = []
    for top in (0, FAST_KERNEL):
        parts = (x[:, :, top : top + height, left : left + width] for left in (0, FAST_KERNEL))
        rows.append(torch.cat([_kernel_gradient(gradient, part, stride, 0) for part in parts], dim=3))
    return torch.cat(rows, dim=2)[:, :, :side, :side]


def _kernel_gradient(gradient: Tensor, x: Tensor, stride: int, padding: int) -> Tensor:
    """(C, 1, 3, 3), by torch."""
    channels = x.shape[1]
    kernel = gradient.new_empty(channels, 1, FAST_KERNEL, FAST_KERNEL)  # its shape alone matters
    x = x.contiguous(memory_format=torch.channels_last)
    _, computed, _ = torch.ops.aten.convolution_backward(
        gradient,
        x,
        kernel,
        None,
        [stride] * 2,
        [padding] * 2,
        [1, 1],
        False,
        [0, 0],
        channels,
        [False, True, False],
    )
    return computed  # type: ignore[no-any-return]
