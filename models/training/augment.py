"""Random changes of clips: what a camera, its light and its surroundings could have done to them.

All values are drawn once a clip and hold for all of its frames, as a change from frame to frame would teach
the video network that people flicker; but what moves or hides the person may be drawn for each frame. The
colour changes are linear in the pixel, so brightness, contrast, saturation, hue and grey come to one 3 x 3
matrix and one offset a clip: one product over the batch.

What moves or covers pixels does the same to their truth (body part, u, v), which has no colour to change.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from models.datasets.truth import mirror
from models.training.plan import Augmentation

# Rec. 601 luma and the chroma axes of YIQ: hue is a rotation of the latter.
YIQ = torch.tensor([[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
RGB = torch.linalg.inv(YIQ)
LUMA = YIQ[0]
NUMBERS: Final = (20, 6)  # drawn of each clip; those of the camera apart, so as to leave the others alone

Change = Callable[[Tensor, Augmentation, Tensor], Tensor]
"""(clips in float, recipe, numbers of each clip) -> the clips, changed in place."""


def augment(clips: Tensor, recipe: Augmentation, generator: torch.Generator) -> Tensor:
    """Change clips at random.

    Args:
        clips: (N, T, 3, H, W) uint8.
        recipe: how often and how far.
        generator: on the CPU; the same state gives the same result on every device, up to rounding.

    Returns:
        (N, T, 3, H, W) float32, 0..255.
    """
    draws = _Draws(clips.shape[:2], generator)
    x = clips.float()
    for name, change in CHANGES.items():
        x = _apply(name, change, x, recipe, draws)
    return x


def augment_truth(truth: Tensor, recipe: Augmentation, generator: torch.Generator) -> Tensor:
    """Change truth as `augment` changes its clips.

    Args:
        truth: (N, T, 3, H, W) uint8, part, u, v.
        recipe: the same.
        generator: in the state that the clips' generator had.

    Returns:
        (N, T, 3, H, W) uint8; what is covered is no part of the person.
    """
    draws = _Draws(truth.shape[:2], generator)
    x = truth.clone()
    for i in _chosen(draws.of_clips[:, 0], recipe.flip):
        x[i] = mirror(x[i])
    x = _apply("shift", _shift, x, recipe, draws)
    return _apply("erase", _cover, x, recipe, draws)


class _Draws:
    """What is drawn of N clips of T frames: (N, 26) numbers from 0 to 1, and as many of each frame."""

    def __init__(self, shape: Sequence[int], generator: torch.Generator) -> None:
        clips, frames = shape[0], shape[0] * shape[1]
        self.of_clips, self.of_frames = (
            torch.cat([torch.rand((n, count), generator=generator) for count in NUMBERS], dim=1)
            for n in (clips, frames)
        )


def _apply(name: str, change: Change, x: Tensor, recipe: Augmentation, draws: _Draws) -> Tensor:
    """Apply a change to clips, or to each frame as to a clip of one."""
    if name not in recipe.per_frame:
        return change(x, recipe, draws.of_clips)
    frames = x.flatten(0, 1)[:, None]  # (N, T, ...) -> (N T, 1, ...)
    return change(frames, recipe, draws.of_frames).view_as(x)


def _chosen(draws: Tensor, probability: float) -> list[int]:
    return [int(i) for i in (draws < probability).nonzero()[:, 0]]


def _flip(x: Tensor, recipe: Augmentation, draws: Tensor) -> Tensor:
    for i in _chosen(draws[:, 0], recipe.flip):
        x[i] = x[i].flip(-1)
    return x


def _shift(x: Tensor, recipe: Augmentation, draws: Tensor) -> Tensor:
    """Move by whole pixels; the border is repeated."""
    height, width = x.shape[-2:]
    pad = round(recipe.shift_share * height)
    for i in _chosen(draws[:, 1], recipe.shift):
        down, right = (int(offset * (2 * pad + 1)) - pad for offset in draws[i, 2:4])
        rows = (torch.arange(height, device=x.device) + down).clamp(0, height - 1)
        columns = (torch.arange(width, device=x.device) + right).clamp(0, width - 1)
        x[i] = x[i][..., rows[:, None], columns]
    return x


def _degrade(x: Tensor, recipe: Augmentation, draws: Tensor) -> Tensor:
    """Sample down and up again: a person far away."""
    size = x.shape[-2:]
    for i in _chosen(draws[:, 4], recipe.degrade):
        scale = recipe.degrade_scale ** float(draws[i, 5])
        small = [max(1, round(side / scale)) for side in size]
        coarse = F.interpolate(x[i], small, mode="bilinear", antialias=True)
        x[i] = F.interpolate(coarse, size, mode="bilinear")
    return x


def _blur(x: Tensor, recipe: Augmentation, draws: Tensor) -> Tensor:
    """Gaussian blur, one axis after the other: a lens out of focus."""
    radius = math.ceil(2 * recipe.blur_sigma)
    steps = torch.arange(-radius, radius + 1, device=x.device)
    for i in _chosen(draws[:, 6], recipe.blur):
        sigma = recipe.blur_sigma * (0.2 + 0.8 * float(draws[i, 7]))
        kernel = torch.exp(-0.5 * (steps / sigma) ** 2)
        kernel = (kernel / kernel.sum()).view(1, 1, 1, -1)
        planes = x[i].flatten(0, 1)[:, None]  # (T, 3, H, W) -> (3T, 1, H, W)
        planes = F.conv2d(F.pad(planes, (radius, radius, 0, 0), mode="replicate"), kernel)
        planes = F.conv2d(F.pad(planes, (0, 0, radius, radius), mode="replicate"), kernel.transpose(2, 3))
        x[i] = planes.view_as(x[i])
    return x


def _camera(x: Tensor, recipe: Augmentation, draws: Tensor) -> Tensor:
    """Another camera's white balance and response: gains of the channels, then an exponent."""
    for i in _chosen(draws[:, 20], recipe.camera):
        gains = _factors(draws[i, 21:24], recipe.camera_gain).to(x.device).view(3, 1, 1)
        gamma = float(_factors(draws[i, 24], recipe.camera_gamma))
        x[i] = 255 * (x[i] * gains / 255).clamp(0, 1).pow(gamma)
    return x


def _factors(draws: Tensor, most: float) -> Tensor:
    """Numbers from 0 to 1 to factors from 1 / (1 + most) to 1 + most, evenly in their logarithm."""
    return (1 + most) ** (2 * draws - 1)


def _colour(x: Tensor, recipe: Augmentation, draws: Tensor) -> Tensor:
    """Brightness, contrast around the clip's mean, saturation and hue; or no colour at all."""
    jitter, grey = draws[:, 8] < recipe.colour, draws[:, 9] < recipe.grey
    chosen = (jitter | grey).nonzero()[:, 0]
    draws, jitter, grey = draws[chosen], jitter[chosen], grey[chosen]
    signed = (2 * draws[:, 10:14] - 1) * jitter[:, None]
    limits = torch.tensor([recipe.brightness, recipe.contrast, recipe.saturation, recipe.hue])
    changes = signed * limits
    if recipe.colour_ratio:
        changes[:, :3] = (1 + limits[:3]) ** signed[:, :3] - 1
    brightness, contrast, saturation, hue = changes.unbind(dim=1)
    gain = (1 + brightness) * (1 + contrast)
    chroma = (1 + saturation) * ~grey
    angle = 2 * math.pi * hue
    turned = torch.zeros(len(chosen), 3, 3)  # what happens to (Y, I, Q)
    turned[:, 0, 0] = 1
    turned[:, 1, 1] = turned[:, 2, 2] = chroma * angle.cos()
    turned[:, 2, 1] = chroma * angle.sin()
    turned[:, 1, 2] = -turned[:, 2, 1]
    matrix = (gain[:, None, None] * (RGB @ turned @ YIQ)).to(x.device)
    chosen = chosen.to(x.device)
    pixels = x[chosen].transpose(1, 2)  # (n, T, 3, H, W) -> (n, 3, T, H, W)
    flat = pixels.flatten(2)
    mean = LUMA.to(x.device) @ flat.mean(dim=2).T  # (n,)
    # Contrast c about the mean m of the brightened clip: (1 + c) x - c m.
    offset = -(contrast * (1 + brightness)).to(x.device) * mean
    changed = torch.baddbmm(offset[:, None, None], matrix, flat).clamp_(0, 255)
    x[chosen] = changed.view_as(pixels).transpose(1, 2)
    return x


def _erase(x: Tensor, recipe: Augmentation, draws: Tensor) -> Tensor:
    """Cover a rectangle with one random colour: something stands before the person.

    Zhong et al., "Random Erasing Data Augmentation", AAAI 2020, with side ratios 0.3 to 3.3.
    """
    for i, rows, columns in _rectangles(x, recipe, draws):
        colour = torch.tensor([draws[i, 19] * 997 % 1, draws[i, 19] * 613 % 1, draws[i, 19]]) * 255
        x[i, ..., rows, columns] = colour.to(x.device)[:, None, None]
    return x


def _cover(x: Tensor, recipe: Augmentation, draws: Tensor) -> Tensor:
    """What `_erase` does to truth: what is covered is no part of the person."""
    for i, rows, columns in _rectangles(x, recipe, draws):
        x[i, ..., rows, columns] = 0
    return x


def _rectangles(x: Tensor, recipe: Augmentation, draws: Tensor) -> Iterator[tuple[int, slice, slice]]:
    """Which clips are covered, and where: rows and columns."""
    height, width = x.shape[-2:]
    least, most = recipe.erase_area
    for i in _chosen(draws[:, 14], recipe.erase):
        share, ratio, top, left = draws[i, 15:19].tolist()
        area = (least + (most - least) * share) * height * width
        ratio = 0.3 * (3.3 / 0.3) ** ratio
        h, w = min(height, round(math.sqrt(area * ratio))), min(width, round(math.sqrt(area / ratio)))
        top, left = int(top * (height - h + 1)), int(left * (width - w + 1))
        yield i, slice(top, top + h), slice(left, left + w)


CHANGES: Final[Mapping[str, Change]] = MappingProxyType(
    {
        "flip": _flip,
        "shift": _shift,
        "degrade": _degrade,
        "blur": _blur,
        "camera": _camera,
        "colour": _colour,
        "erase": _erase,
    }
)
"""In the order in which they are applied."""
