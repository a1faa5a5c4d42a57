"""MBAN, the multi-branch aggregation network: from the tiles of a texture to one image of the person.

Shi et al. 2021, equations 5 and 6 and figure 4. Of its layers the text gives one: the last convolution has
kernel 5, stride 2, padding 1 and 3 channels. All other sizes are ours, and marked below.
"""

from typing import Final, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MaskForm = Literal["paper", "scaled", "local", "none"]

# Body prior: the blocks of the person from top to bottom, and the two parts of each of their rows, the left
# one first. Numbers are DensePose's. Interpretation: the paper names the blocks; which part stands where in
# them is ours: the person's right on the left, as one who faces us has it, and the back left of the front.
HEAD: Final = ((23, 24),)
TORSO: Final = ((1, 2),)
ARMS: Final = ((16, 15), (18, 17), (20, 19), (22, 21))
LEGS: Final = ((7, 8), (9, 10), (11, 12), (13, 14))
HANDS: Final = ((3, 4),)
FEET: Final = ((6, 5),)
BODY: Final = (HEAD, TORSO, ARMS, LEGS, HANDS, FEET)

# Interpretation: widths of the two first layers.
PART_CHANNELS: Final = 16
BLOCK_CHANNELS: Final = 32

LEAST_NORM: Final = 1e-6  # where all channels of a position are zero


class MBAN(nn.Module):
    """Convolve part by part, then block by block, join, weigh positions, and shrink.

    Interpretation: the first layer is one for all parts; every block has a second layer of its own. Their
    kernels are 3 x 3 with stride 1. The last convolution is padded by 2: with the printed 1, 384 x 64 would
    become 191 x 31. "Global max pooling" cannot be global, as its result is an image: it is a 3 x 3
    maximum with stride 1.

    Args:
        mask: how positions are weighed, see `position_weights`; "none" for the ablation without.
    """

    def __init__(self, mask: MaskForm = "local") -> None:
        super().__init__()
        self.mask = mask
        self.parts = conv_norm(3, PART_CHANNELS, kernel=3)
        self.blocks = nn.ModuleList(conv_norm(PART_CHANNELS, BLOCK_CHANNELS, kernel=3) for _ in BODY)
        # No bias: the softmax would not see it.
        self.score = nn.Conv2d(BLOCK_CHANNELS, 1, 1, bias=False) if mask != "none" else None
        self.join = conv_norm(BLOCK_CHANNELS, 3, kernel=5, stride=2)
        self.pool = nn.MaxPool2d(3, stride=1, padding=1)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw all weights: He's normal for convolutions; normalisations begin as they are made."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)

    def forward(self, tiles: Tensor) -> Tensor:
        """Make an image of textures.

        Args:
            tiles: (B, 24, 3, s, s), s even.

        Returns:
            (B, 3, 6s, s): A of the paper, which writes it 3 x 2 tau x 12 tau; here tau is s / 2.
        """
        batch, parts = tiles.shape[:2]
        x = self.parts(tiles.flatten(0, 1)).unflatten(0, (batch, parts))  # (B, 24, 16, s, s)
        blocks = [layer(body_block(x, rows)) for layer, rows in zip(self.blocks, BODY, strict=True)]
        p = torch.cat(blocks, dim=2)  # (B, 32, 12s, 2s)
        if self.score is not None and self.mask != "none":
            p = p + p * position_weights(p, self.score.weight, self.mask)  # equation 6, H
        return self.pool(self.join(p))  # type: ignore[no-any-return]


def conv_norm(inputs: int, outputs: int, *, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU: what the paper calls CB."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def body_block(parts: Tensor, rows: tuple[tuple[int, int], ...]) -> Tensor:
    """One block of the body: (B, 24, C, s, s) -> (B, C, len(rows) s, 2s)."""
    lines = [torch.cat([parts[:, left - 1], parts[:, right - 1]], dim=3) for left, right in rows]
    return torch.cat(lines, dim=2)


def position_weights(p: Tensor, weight: Tensor, form: Literal["paper", "scaled", "local"]) -> Tensor:
    """Weights of the positions: the softmax over all positions of g(P) / ||P||, equation 5.

    Printed as "paper", with the norm of the whole of P, it does next to nothing: each of the 24,576 weights
    is within one per cent of 1 / 24,576, and P + P * mask differs from P by .00004. What the paper gains
    with the mask cannot come from that.

    Interpretation: "scaled" multiplies by the number of positions, so that the mean weight is 1. "local", the
    default, also divides by the norm over the channels of the position alone, so that weights can differ. g
    is a 1 x 1 convolution.

    Args:
        p: (B, C, H, W).
        weight: (1, C, 1, 1) of g.
        form: see above.

    Returns:
        (B, 1, H, W), in float32 at least.
    """
    p = p.to(torch.promote_types(p.dtype, torch.float32))
    with torch.autocast(p.device.type, enabled=False):
        dims = 1 if form == "local" else (1, 2, 3)
        norm = torch.linalg.vector_norm(p, dim=dims, keepdim=True).clamp(min=LEAST_NORM)
        scores = F.conv2d(p / norm, weight.to(p.dtype))
        mask = scores.flatten(1).softmax(dim=1).view_as(scores)
    return mask if form == "paper" else mask * mask[0].numel()
