"""CMIL, cross-modal interactive learning: a photo's feature enriched by what its clip has of it.

Shi et al. 2021; it has no weights of its own. The paper attends from a query to all positions of the clip's
feature maps, spreads the answer over the positions of the photo's map, adds, and averages over positions.
Spreading and averaging are linear, so the result is f_B = f_I + c exactly, and that is what is computed here.
"""

import math

import torch
from torch import Tensor


def cross_modal_context(
    image: Tensor, video: Tensor, *, alpha: float = 0.5, scaled: bool = False
) -> tuple[Tensor, Tensor]:
    """The context of each photo in its clip.

    The query is alpha F~_V + (1 - alpha) f_I, F~_V being the mean of the clip's maps over time and space. It
    is compared by plain dot products. ("H x W x D" in the text means the size of the maps, not of crops.)

    Args:
        image: (N, T, D), f_I: pooled features of the frames as photos.
        video: (N, T, D, h, w), F_V: feature maps of the clips' frames.
        alpha: 0..1. Published: rank-1 is best at .5, mAP at .6.
        scaled: divide the products by sqrt(D). Interpretation, off by default: with D = 2048 and features of
            unit scale the products are so large that one position gets nearly all attention.

    Returns:
        The context c (N, T, D) and the attention (N, T, R) over the R = T h w positions, float32 at least.
    """
    video = video.to(torch.promote_types(video.dtype, torch.float32))
    with torch.autocast(video.device.type, enabled=False):
        memory = video.transpose(1, 2).flatten(2).transpose(1, 2)  # (N, D, T, h, w) -> (N, R, D)
        query = alpha * memory.mean(dim=1, keepdim=True) + (1 - alpha) * image  # (N, T, D)
        products = query @ memory.transpose(1, 2)  # (N, T, R)
        attention = (products / math.sqrt(memory.shape[2]) if scaled else products).softmax(dim=2)
        return attention @ memory, attention


def attention_entropy(attention: Tensor) -> Tensor:
    """Mean entropy of attention, normalised: 0 for one position, 1 for all alike; the mean over the queries.

    Args:
        attention: (..., R), each row summing to 1; R at least 2.
    """
    entropy = -torch.xlogy(attention, attention).sum(dim=-1)
    return entropy.mean() / math.log(attention.shape[-1])
