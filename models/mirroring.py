"""Clips together with their mirror images, at the cost of the clips alone.

A person seen from the other side is nearly a mirror image, so the mean over both says less of the side and
more of the person. A photo and a short clip are embedded both ways. Of a longer clip every other frame is
mirrored instead: its neighbours show the same moment the right way round.
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

SHORT: Final = 8  # frames; a clip with fewer is embedded twice


def both_ways(frames: Tensor, lengths: Sequence[int]) -> tuple[Tensor, list[int]]:
    """Two parts of each clip, the second one mirrored.

    Args:
        frames: (F, 3, H, W), the frames of all clips end to end.
        lengths: frames of each of the N clips.

    Returns:
        The frames of all parts end to end, and the lengths of the 2 N parts.
    """
    parts: list[Tensor] = []
    for clip in torch.split(frames, list(lengths)):
        whole = len(clip) < SHORT
        parts += [clip, clip.flip(-1)] if whole else [clip[::2], clip[1::2].flip(-1)]
    return torch.cat(parts), [len(part) for part in parts]


def joined(features: Tensor, lengths: Sequence[int]) -> Tensor:
    """The mean over the two parts of each clip by their frames: (2 N, D) -> (N, D).

    Args:
        features: of the parts, each the mean over its frames.
        lengths: of the parts, as `both_ways` returned them.
    """
    pairs = features.view(-1, 2, features.shape[1])
    weights = torch.tensor(lengths, dtype=features.dtype, device=features.device).view(-1, 2, 1)
    return (weights * pairs).sum(dim=1) / weights.sum(dim=1)
