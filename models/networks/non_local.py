"""Non-local block over the frames of clips of any length.

Wang et al., "Non-local Neural Networks", CVPR 2018, equations 1, 4 and 6 (embedded Gaussian), with the
choices of Gu et al., "Temporal Knowledge Propagation for Image-to-Video Person Re-identification", ICCV 2019.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class NonLocalBlock(nn.Module):
    """z = x + BN(W y), where y attends from every position of a clip to all of its frames.

    The affinity is softmax(theta . phi) over the keys, without division by sqrt(d). Keys and values are
    max-pooled 2 x 2 in space, never in time. The last normalisation starts at zero, so a new block is exactly
    the identity and does not disturb pre-trained layers around it.

    All 1x1x1 convolutions of the published form act on frames one by one; here they are 1x1 convolutions on
    the frames of all clips laid end to end, and batch normalisation takes its statistics over the same
    positions as the 3-D layer would. Only the attention must know where one clip ends and the next begins.

    Args:
        channels: C of the input; the embeddings have C / 2.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.theta = nn.Conv2d(channels, inner, 1)
        self.phi = nn.Conv2d(channels, inner, 1)
        self.g = nn.Conv2d(channels, inner, 1)
        self.out = nn.Conv2d(inner, channels, 1)
        self.norm = nn.BatchNorm2d(channels)
        # Meta tensors have no values; to draw them all the same, torch would import its compiler: a second.
        if not self.theta.weight.is_meta:
            self.initialise()

    def initialise(self, generator: torch.Generator | None = None) -> None:
        """Set initial weights: N(0, sqrt(2 / out)) and zero biases in convolutions, zero gain in the norm."""
        for conv in (self.theta, self.phi, self.g, self.out):
            nn.init.normal_(conv.weight, 0.0, math.sqrt(2 / conv.out_channels), generator=generator)
            assert conv.bias is not None
            nn.init.zeros_(conv.bias)
        self.norm.reset_running_stats()
        nn.init.zeros_(self.norm.weight)
        nn.init.zeros_(self.norm.bias)

    def forward(self, x: Tensor, lengths: Sequence[int]) -> Tensor:
        """Attend within each clip.

        Args:
            x: (F, C, H, W), the frames of all clips end to end, F = sum(lengths).
            lengths: frames of each clip.

        Returns:
            (F, C, H, W).
        """
        frames, _, height, width = x.shape
        queries = self.theta(x).flatten(2).transpose(1, 2)  # (F, HW, C/2)
        keys = F.max_pool2d(self.phi(x), 2).flatten(2).transpose(1, 2)  # (F, HW/4, C/2)
        values = F.max_pool2d(self.g(x), 2).flatten(2).transpose(1, 2)  # (F, HW/4, C/2)
        clips = [torch.split(t, list(lengths)) for t in (queries, keys, values)]
        attended = torch.cat([attend(q, k, v) for q, k, v in zip(*clips, strict=True)])  # (F, HW, C/2)
        attended = attended.transpose(1, 2).reshape(frames, -1, height, width)
        return x + self.norm(self.out(attended))  # type: ignore[no-any-return]


def attend(queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
    """softmax(queries . keys) values over all frames of one clip.

    Args:
        queries: (T, HW, D).
        keys: (T, K, D).
        values: (T, K, D).

    Returns:
        (T, HW, D).
    """
    frames, positions, depth = queries.shape
    # (T, ., D) -> (1, 1, T *., D): one sequence of one head. The affinity matrix of a 32-frame clip of the
    # widest layer has 67 million entries, so it is never formed: the fused kernel works through it in tiles.
    q, k, v = (t.reshape(1, 1, -1, depth) for t in (queries, keys, values))
    return F.scaled_dot_product_attention(q, k, v, scale=1.0).view(frames, positions, depth)
