"""Dense optical flow between the frames of clips: Lucas and Kanade, coarse to fine.

Lucas and Kanade, "An Iterative Image Registration Technique", IJCAI 1981, on a pyramid as in Bouguet,
"Pyramidal Implementation of the Affine Lucas Kanade Feature Tracker", 2000, at every pixel.

It stands in for the Lucas-Kanade of MATLAB's Computer Vision System Toolbox, used by McLaughlin et al. (CVPR
2016): that one has no pyramid, ran on frames of the original size, and calls pixels without texture still.
Here flow is taken at the size the network sees, in its pixels; where there is no texture, the coarser level's
flow stays.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

LEVELS: Final = 3  # of the pyramid: fine texture may move by four pixels, coarse texture by more
WINDOW: Final = 5  # pixels that move together
ITERATIONS: Final = 3  # a level
# How strongly a pixel keeps to the flow it has, as a squared gradient: that of one grey level of 255.
STIFFNESS: Final = 1.5e-5


def clip_flow(grey: Tensor, lengths: Sequence[int]) -> Tensor:
    """Flow into each frame of clips from the frame before it.

    Interpretation: the first frame of a clip has the flow of the second, as people go on walking; a single
    frame has none. (MATLAB compares the first frame with black.)

    Args:
        grey: (F, H, W) 0..1, the frames of all clips end to end.
        lengths: frames of each clip, each at least 1; F = sum(lengths).

    Returns:
        (F, 2, H, W) pixels to the right and downwards.
    """
    flow = grey.new_zeros(len(grey), 2, *grey.shape[1:])
    starts = [0]
    for length in lengths:
        starts.append(starts[-1] + length)
    later = [i for start, end in pairwise(starts) for i in range(start + 1, end)]
    if later:
        into = torch.tensor(later, device=grey.device)
        flow[into] = lucas_kanade(grey[into - 1], grey[into])
        first = torch.tensor([s for s, e in pairwise(starts) if e - s > 1], device=grey.device)
        flow[first] = flow[first + 1]
    return flow


@torch.no_grad()
def lucas_kanade(before: Tensor, after: Tensor) -> Tensor:
    """Optical flow: where each pixel of `before` is found in `after`.

    Args:
        before: (N, H, W) 0..1.
        after: (N, H, W) 0..1.

    Returns:
        (N, 2, H, W) pixels to the right and downwards; zero everywhere where the two are equal.
    """
    pyramid = [(before, after)]
    while len(pyramid) < LEVELS and min(pyramid[-1][0].shape[1:]) >= 2 * WINDOW:
        pyramid.append((F.avg_pool2d(pyramid[-1][0], 2), F.avg_pool2d(pyramid[-1][1], 2)))
    flow = torch.zeros_like(pyramid[-1][0])[:, None].repeat(1, 2, 1, 1)
    for a, b in reversed(pyramid):
        if flow.shape[2:] != a.shape[1:]:
            flow = 2 * F.interpolate(flow, a.shape[1:], mode="bilinear", align_corners=False)
        flow = _refine(a, b, flow)
    return flow


def _refine(before: Tensor, after: Tensor, flow: Tensor) -> Tensor:
    """Newton steps on the squared differences within windows: frames (N, H, W), flow (N, 2, H, W).

    Le Besnerais and Champagnat, "Dense Optical Flow by Iterative Local Window Registration", ICIP 2005: every
    pixel of a window is warped by its own flow, so differences are linearised about that and not about the
    flow of the window's centre, and the window must have no negative frequencies, or steps may not converge.
    """
    padded = F.pad(before, (1, 1, 1, 1), mode="replicate")
    gx = (padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]) / 2
    gy = (padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]) / 2
    xx, xy, yy = _window(gx * gx) + STIFFNESS, _window(gx * gy), _window(gy * gy) + STIFFNESS
    determinant = xx * yy - xy * xy  # at least STIFFNESS squared
    for _ in range(ITERATIONS):
        right, down = flow.unbind(dim=1)
        difference = before - sample(after, flow) + gx * right + gy * down
        x = _window(gx * difference) + STIFFNESS * right
        y = _window(gy * difference) + STIFFNESS * down
        flow = torch.stack([yy * x - xy * y, xx * y - xy * x], dim=1) / determinant[:, None]
    return flow


def _window(values: Tensor) -> Tensor:
    """A triangular mean over the window around each pixel, (N, H, W): two boxes, so no negative frequency."""
    side = WINDOW // 2 + 1
    for _ in range(2):
        values = F.avg_pool2d(values, side, stride=1, padding=side // 2, count_include_pad=False)
    return values


def sample(images: Tensor, flow: Tensor) -> Tensor:
    """Values at the places that a flow points to, bilinear, beyond the border those of the border.

    Whole numbers of pixels give exact values, which torch's grid_sample does not promise.

    Args:
        frames: (N, H, W).
        flow: (N, 2, H, W).

    Returns:
        (N, H, W).
    """
    height, width = images.shape[1:]
    x = (flow[:, 0] + torch.arange(width, device=flow.device)).clamp(0, width - 1)
    y = (flow[:, 1] + torch.arange(height, device=flow.device)[:, None]).clamp(0, height - 1)
    left, top = x.floor().long(), y.floor().long()
    right, bottom = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
    flat = images.flatten(1)  # (N, H, W) -> (N, HW)

    def at(row: Tensor, column: Tensor) -> Tensor:
        return flat.gather(1, (row * width + column).flatten(1)).view_as(images)

    upper = torch.lerp(at(top, left), at(top, right), x - left)
    lower = torch.lerp(at(bottom, left), at(bottom, right), x - left)
    return torch.lerp(upper, lower, y - top)
