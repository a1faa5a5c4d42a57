"""3D-AG: the clothes of a person laid out flat, the same part of the body always at the same place.

Shi et al. 2021, equation 4, on body surface coordinates as DensePose gives them (Güler et al., CVPR 2018): of
each pixel the body part, 1 to 24 or 0 for none, and where on that part's surface it lies, u and v.
"""

from typing import Final

import torch
from torch import Tensor

PARTS: Final = 24
ROWS, COLUMNS = 6, 4
FULL: Final = 255
"""The largest u or v: Y of equation 4, as coordinates are bytes."""


def texture_tiles(pixels: Tensor, truth: Tensor, side: int = 32) -> Tensor:
    """Move each pixel's colour to its place on its part's tile.

    Equation 4: the pixel with u and v goes to row (Y - v) s / Y and column (Y - u) s / Y of its part's tile.

    Interpretation: taken literally the indices run from 0 to s; they are cut to s - 1. Which of the two is
    the row is not said. Pixels that meet on one place are averaged. Places that no pixel reaches get the mean
    colour of the whole image ("set to the mean value of the image").

    Args:
        pixels: (B, 3, H, W) float; standardised ones give a standardised texture, as means keep affine maps.
        truth: (B, 3, H, W) uint8, part, u, v.
        side: s.

    Returns:
        (B, 24, 3, s, s), part 1 first.
    """
    batch, cells = len(pixels), PARTS * side * side
    part, u, v = truth.flatten(2).long().unbind(dim=1)  # (B, HW) each
    row, column = (((FULL - t) * side // FULL).clamp(max=side - 1) for t in (v, u))
    # Whatever is no part of the person goes to one cell more, which is cut off again.
    cell = torch.where(part > 0, ((part - 1) * side + row) * side + column, cells)  # (B, HW)
    colours = pixels.flatten(2)  # (B, 3, HW)
    sums = colours.new_zeros(batch, 3, cells + 1)
    sums.scatter_add_(2, cell[:, None].expand_as(colours), colours)
    counts = colours.new_zeros(batch, cells + 1).scatter_add_(1, cell, torch.ones_like(colours[:, 0]))
    counts = counts[:, None]  # (B, 1, cells + 1)
    means = colours.mean(dim=2, keepdim=True)
    tiles = torch.where(counts > 0, sums / counts.clamp(min=1), means)[..., :cells]
    return tiles.view(batch, 3, PARTS, side, side).transpose(1, 2)  # (B, 3, 24 ss) -> (B, 24, 3, s, s)


def texture_sheet(tiles: Tensor) -> Tensor:
    """Lay tiles out in 6 rows and 4 columns, the sheet M: (B, 24, 3, s, s) -> (B, 3, 6s, 4s).

    Interpretation: column by column, as DensePose's own texture atlas. The paper gives the size only.
    """
    side = tiles.shape[-1]
    grid = tiles.reshape(-1, COLUMNS, ROWS, 3, side, side).permute(0, 3, 2, 4, 1, 5)  # (B, 3, 6, s, 4, s)
    return grid.reshape(-1, 3, ROWS * side, COLUMNS * side)
