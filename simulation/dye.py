"""Textures of photographed figures: other colours and fabrics for their clothes, folds and all.

The result has five channels: where the fourth is 0, the first three (sRGB, gamma 2.2) are the albedo; where
it is 1, they are half the brightness relative to the garment's, and the simulator's own fabric is multiplied
with it. The fifth says which garment that is, and is 0 where the mesh says it.
"""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from simulation.avatars import HAIR_TEXTURE, TEXTURE
from simulation.body import Array
from simulation.garments import WAIST, Dress, Texels, column
from simulation.pieces import Slot

GAMMA = 2.2
FLOOR = 0.04  # sRGB that is added before brightness is compared: noise on black is no pattern
KEPT_BELOW, DYED_ABOVE, DYED_BELOW, KEPT_ABOVE = 0.3, 0.5, 1.7, 2.3  # relative brightness
HAIR_AT = TEXTURE  # column where the hair's texture begins


def brightness(colours: NDArray[np.uint8]) -> Array:
    """Brightness (N,) of colours (N, 3) from sRGB, 0 to 1."""
    red, green, blue = colours.astype(np.float32).T
    return np.asarray((0.30 * red + 0.59 * green + 0.11 * blue) / 255, np.float32)


def dyed(colours: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A garment's texels (N, 3) as (N, 4) that take the colour of a fabric and keep their folds.

    What differs much in brightness from the garment stays itself.
    """
    light = brightness(colours) + np.float32(FLOOR)
    relative = light / (np.median(light) if len(light) else np.float32(1))
    rising = np.clip((relative - KEPT_BELOW) / (DYED_ABOVE - KEPT_BELOW), 0, 1)
    falling = np.clip((KEPT_ABOVE - relative) / (KEPT_ABOVE - DYED_BELOW), 0, 1)
    share = (rising * falling)[:, None]
    half = np.clip(relative * 0.5 ** (1 / GAMMA), 0, 1)[:, None] * 255
    mixed = colours * (1 - share) + half * share
    return np.asarray(np.round(np.concatenate([mixed, 255 * share], 1)), np.uint8)


def paint(
    dress: Dress,
    hair: NDArray[np.uint8] | None,
    *,
    several: Texels,
    slots: Collection[Slot],
    tan: float,
) -> NDArray[np.uint8]:
    """The texture of a figure (TEXTURE, TEXTURE + HAIR_TEXTURE, 5): body on the left, hair on the right.

    Garments and hair in `slots` are dyed; the brightness of skin is multiplied by `tan`. `several` (S, S) are
    texels that several garments of the mesh share.
    """
    body = dress.texture.copy()
    body[~dress.clothes] = np.clip(body[~dress.clothes] * np.float32(tan), 0, 255)
    out = np.zeros((TEXTURE, TEXTURE + HAIR_TEXTURE, 5), np.uint8)
    out[:, :TEXTURE, :3] = body
    out[:, :TEXTURE, 4] = np.where(several, 0, dress.garment)
    for slot in sorted(set(slots) - {Slot.HAIR}):
        texels = dress.texels(slot)
        # Trousers in the patch of the trunk may be those of another figure.
        for part in (slice(0, column(WAIST)), slice(column(WAIST), TEXTURE)):
            chosen = texels[:, part]
            out[:, part, :4][chosen] = dyed(body[:, part][chosen])
    if hair is not None:
        square = out[:HAIR_TEXTURE, HAIR_AT:]
        square[..., :3] = hair
        if Slot.HAIR in slots:
            square[..., :4] = dyed(hair.reshape(-1, 3)).reshape(*hair.shape[:2], 4)
    return out


def atlas(uv: Array, hair: NDArray[np.bool_]) -> Array:
    """Places (N, 2) in the texture of `paint`: of the body's or, where `hair` (N,) is set, the hair's."""
    width = TEXTURE + HAIR_TEXTURE
    inside = np.clip(uv, 0.5 / HAIR_TEXTURE, 1 - 0.5 / HAIR_TEXTURE)
    body = uv * (TEXTURE / width, 1.0)
    strands = inside * (HAIR_TEXTURE / width, HAIR_TEXTURE / TEXTURE) + (HAIR_AT / width, 0.0)
    return np.where(hair[:, None], strands, body).astype(np.float32)
