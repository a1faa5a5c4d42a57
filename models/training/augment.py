"""Random changes of clips: what a camera, its light and its surroundings could have done to them.

All values are drawn once a clip and hold for all of its frames, as a change from frame to frame would teach
the video network that people flicker. The colour changes are linear in the pixel, so brightness, contrast,
saturation, hue and grey come to one 3 x 3 matrix and one offset a clip: one product over the batch.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from models.training.recipe import Augmentation

# Rec. 601 luma and the chroma axes of YIQ: hue is a rotation of the latter.
YIQ = torch.tensor([[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
RGB = torch.linalg.inv(YIQ)
LUMA = YIQ[0]


def augment(clips: Tensor, recipe: Augmentation, generator: torch.Generator) -> Tensor:
    """Change clips at random.

    Args:
        clips: (N, T, 3, H, W) uint8.
        recipe: how often and how far.
        generator: on the CPU; the same state gives the same result on every device, but for rounding.

    Returns:
        (N, T, 3, H, W) float32, 0..255.
    """
    draws = torch.rand((len(clips), 20), generator=generator)
    x = clips.float()
    for change in (_flip, _shift, _degrade, _blur, _colour, _erase):
        x = change(x, recipe, draws)
    return x


def _chosen(draws: Tensor, probability: float) -> list[int]:
    return [int(i) for i in (draws < probability).nonzero()[:, 0]]


def _flip(x: Tensor, recipe: Augmentation, draws: Tensor) -> Tensor:
    for i in _chosen(draws[:, 0], recipe.flip):
        x[i] = x[i].flip(-1)
    return x


def _shift(x: Tensor, recipe: Augmentation, draws: Tensor) -> Tensor:
    """Pad by repeating the border, and cut a window of the old size."""
    height, width = x.shape[-2:]
    pad = round(recipe.shift_share * height)
    for i in _chosen(draws[:, 1], recipe.shift):
        padded = F.pad(x[i], (pad, pad, pad, pad), mode="replicate")
        top, left = (int(offset * (2 * pad + 1)) for offset in draws[i, 2:4])
        x[i] = padded[..., top : top + height, left : left + width]
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


def _colour(x: Tensor, recipe: Augmentation, draws: Tensor) -> Tensor:
    """Brightness, contrast around the clip's mean, saturation and hue; or no colour at all."""
    jitter, grey = draws[:, 8] < recipe.colour, draws[:, 9] < recipe.grey
    chosen = (jitter | grey).nonzero()[:, 0]
    draws, jitter, grey = draws[chosen], jitter[chosen], grey[chosen]
    signed = (2 * draws[:, 10:14] - 1) * jitter[:, None]
    limits = torch.tensor([recipe.brightness, recipe.contrast, recipe.saturation, recipe.hue])
    brightness, contrast, saturation, hue = (signed * limits).unbind(dim=1)
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
    height, width = x.shape[-2:]
    least, most = recipe.erase_area
    for i in _chosen(draws[:, 14], recipe.erase):
        share, ratio, top, left = draws[i, 15:19].tolist()
        area = (least + (most - least) * share) * height * width
        ratio = 0.3 * (3.3 / 0.3) ** ratio
        h, w = min(height, round(math.sqrt(area * ratio))), min(width, round(math.sqrt(area / ratio)))
        top, left = int(top * (height - h + 1)), int(left * (width - w + 1))
        colour = torch.tensor([draws[i, 19] * 997 % 1, draws[i, 19] * 613 % 1, draws[i, 19]]) * 255
        x[i, :, :, top : top + h, left : left + w] = colour.to(x.device)[:, None, None]
    return x
