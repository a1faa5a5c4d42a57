"""From feature maps to vectors, and how blocks are applied to many frames."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

LEAST = 1e-6  # below it a power has no gradient to speak of


def pool(maps: Tensor) -> Tensor:
    """Global average pooling, (N, D, h, w) -> (N, D), in float32 at least: bf16 would round the mean away."""
    return maps.mean(dim=(2, 3), dtype=torch.promote_types(maps.dtype, torch.float32))


class AveragePooling(nn.Module):
    """Global average pooling."""

    def forward(self, maps: Tensor) -> Tensor:
        """(N, D, h, w) -> (N, D)."""
        return pool(maps)


class GeM(nn.Module):
    """Generalised mean pooling, (mean of x^p)^(1/p) with a learnt p: from the mean (1) towards the maximum.

    Radenovic, Tolias, Chum, "Fine-tuning CNN Image Retrieval with No Human Annotation", TPAMI 2018, equation
    2, with one p for all channels, which begins at 3. For maps of which no value is negative.
    """

    def __init__(self) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.full((1,), 3.0))

    def forward(self, maps: Tensor) -> Tensor:
        """(N, D, h, w) -> (N, D), in float32 at least."""
        wide = maps.to(torch.promote_types(maps.dtype, torch.float32))
        return wide.clamp(min=LEAST).pow(self.p).mean(dim=(2, 3)).pow(1 / self.p)


POOLINGS: dict[str, type[nn.Module]] = {"average": AveragePooling, "gem": GeM}


def in_parts(blocks: Iterable[nn.Module], x: Tensor, at_once: int | None) -> Tensor:
    """Apply blocks one after another, to `at_once` rows of x at a time or to all of them."""
    if at_once is not None and len(x) > at_once:
        return torch.cat([in_parts(blocks, part, None) for part in torch.split(x, at_once)])
    for block in blocks:
        x = block(x)
    return x
