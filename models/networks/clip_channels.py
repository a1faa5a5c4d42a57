"""From frames of colour to the five channels of RCN: colour and motion, normalised frame by frame.

McLaughlin, Martinez del Rincon and Miller, CVPR 2016, section 3.1, and their code.
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from models.networks.flow import clip_flow

CHANNELS: Final = 5
NORMALISATIONS: Final = ("standard", "published")

# Analogue PAL: luma, and blue and red less luma (ITU-R BT.470).
YUV: Final = (
    (0.299, 0.587, 0.114),
    (-0.14713, -0.28886, 0.436),
    (0.615, -0.51499, -0.10001),
)
# Deviations below these are taken for noise and not blown up: a grey level of 255, half a pixel of motion.
# (The published code stores motion in whole pixels, so it sees nothing below a half either.)
LEAST_COLOUR: Final = 1 / 255
LEAST_MOTION: Final = 0.5


def five_channels(rgb: Tensor, lengths: Sequence[int], normalisation: str) -> Tensor:
    """YUV and flow, each channel of each frame with mean 0.

    Args:
        rgb: (F, 3, H, W) 0..1, the frames of all clips end to end.
        lengths: frames of each clip.
        normalisation: "standard" divides by the standard deviation. "published" divides by its square root,
            motion stored as grey levels before: (flow + 127) / 255 in whole levels.

    Returns:
        (F, 5, H, W).
    """
    yuv = torch.einsum("ij,fjhw->fihw", rgb.new_tensor(YUV), rgb)
    flow = clip_flow(yuv[:, 0], lengths)
    if normalisation == "standard":
        return torch.cat([_standard(yuv, LEAST_COLOUR), _standard(flow, LEAST_MOTION)], dim=1)
    stored = (flow + 127).clamp(0, 255).round() / 255
    x = torch.cat([yuv, stored], dim=1)
    centred = x - x.mean(dim=(2, 3), keepdim=True)
    # A channel that is the same everywhere, as of a frame without motion, stays zero; published it is NaN.
    return centred / x.std(dim=(2, 3), keepdim=True).clamp(min=1e-6).sqrt()


def motion_beside_colour(frames: Tensor, rgb: Tensor, lengths: Sequence[int]) -> Tensor:
    """Colour as a backbone with ImageNet weights knows it, and normalised flow.

    Args:
        frames: (F, 3, H, W), standardised.
        rgb: the same frames, 0..1.
        lengths: frames of each clip.

    Returns:
        (F, 5, H, W).
    """
    grey = torch.einsum("j,fjhw->fhw", rgb.new_tensor(YUV[0]), rgb)
    return torch.cat([frames, _standard(clip_flow(grey, lengths), LEAST_MOTION)], dim=1)


def _standard(x: Tensor, least: float) -> Tensor:
    """Each channel of each frame less its mean, over its standard deviation or, if larger, `least`."""
    return (x - x.mean(dim=(2, 3), keepdim=True)) / x.std(dim=(2, 3), keepdim=True).clamp(min=least)
