"""A sub-network of the CRF network: from five-channel frames to features of clips."""

from collections.abc import Sequence
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.backbones import LITE0_STEM, Backbone, ConvNorm, efficientnet_lite0
from models.networks.clip_channels import CHANNELS
from models.networks.network import clip_means
from models.networks.pooling import in_parts, pool
from models.networks.recurrence import Recurrence

DIMENSION: Final = 128
DROPOUT: Final = 0.6
GROUP: Final = 16  # frames after which the memory starts anew, as many as it is trained on
SMALL_FILTERS: Final = (16, 32, 32)
FEATURES: Final = ("cnn+rnn", "cnn", "rnn")


class Layer(nn.Module):
    """Padding by 4, a 5 x 5 convolution, 2 x 2 max-pooling; ReLU after pooling (CRF) or tanh before (RCN)."""

    def __init__(self, inputs: int, outputs: int, *, rcn: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 5, padding=4)
        self.rcn = rcn

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, (H + 4) // 2, (W + 4) // 2)."""
        x = self.conv(x)
        return F.max_pool2d(x.tanh(), 2) if self.rcn else F.relu(F.max_pool2d(x, 2))


def small(*, rcn: bool) -> Backbone:
    """Build the CNN of RCN: three layers, (N, 5, 56, 40) -> (N, 32, 10, 8)."""
    inputs = (CHANNELS, *SMALL_FILTERS)
    return Backbone(
        [Layer(a, b, rcn=rcn) for a, b in zip(inputs[:-1], SMALL_FILTERS, strict=True)], list(SMALL_FILTERS)
    )


def lite0() -> Backbone:
    """Build EfficientNet-Lite0 for five channels (ours, to compare systems on one backbone)."""
    backbone = efficientnet_lite0()
    backbone.blocks[0] = ConvNorm(CHANNELS, LITE0_STEM, kernel=3, stride=2)
    return backbone


class Subnetwork(nn.Module):
    """Frames of one region of the body to features of clips: x = mean f_t + mean o_t, or one of the two.

    Args:
        backbone: "small" or "efficientnet-lite0".
        features: one of FEATURES.
        rcn: build the small CNN as RCN has it, and no map before the memory.
        memory: one of MEMORIES.
    """

    def __init__(self, backbone: str, *, features: str, rcn: bool, memory: str) -> None:
        super().__init__()
        self.backbone = small(rcn=rcn) if backbone == "small" else lite0()
        self.flat = backbone == "small"
        width = SMALL_FILTERS[-1] * 10 * 8 if self.flat else self.backbone.dimension
        self.dropout = nn.Dropout(DROPOUT)
        self.embed = nn.Linear(width, DIMENSION)
        self.recurrence = (
            Recurrence(DIMENSION, dropout=DROPOUT, input_map=not rcn, memory=memory)
            if "rnn" in features
            else None
        )
        self.has_cnn = "cnn" in features

    def forward(self, x: Tensor, lengths: Sequence[int], at_once: int | None = None) -> Tensor:
        """Features of clips.

        The memory starts anew after every GROUP frames. The published feature is the mean over groups; here
        groups count by their frames (ours: a last group can be short), so it is the mean over frames.

        Args:
            x: (F, 5, h, w), the frames of all clips end to end.
            lengths: frames of each clip.
            at_once: frames that pass the CNN together; None for all.

        Returns:
            (len(lengths), 128) in float32 at least.
        """
        full = torch.promote_types(x.dtype, torch.float32)
        maps = in_parts(self.backbone.blocks, x.to(self.backbone_dtype), at_once)
        flat = maps.flatten(1).to(full) if self.flat else pool(maps)
        f = self.embed(self.dropout(flat)).to(full)  # (F, 128)
        x = f if self.has_cnn else torch.zeros_like(f)
        if self.recurrence is not None:
            groups = [min(GROUP, length - start) for length in lengths for start in range(0, length, GROUP)]
            x = x + self.recurrence(f, groups)
        return clip_means(x, lengths)

    @property
    def backbone_dtype(self) -> torch.dtype:
        """The dtype that the CNN computes in: bf16 where the embedder asks for it."""
        return next(self.backbone.parameters()).dtype
