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


def brightness(texture: NDArray[np.uint8]) -> Array:
    """Brightness of texels (H, W) from sRGB, 0 to 1."""
    return np.asarray(texture @ np.array([0.30, 0.59, 0.11], np.float32) / 255, np.float32)


def detail(texture: NDArray[np.uint8], texels: Texels) -> tuple[Array, Array]:
    """Relative brightness (H, W) of texels, and how far each is dyed: what differs much stays itself."""
    light = brightness(texture) + FLOOR
    relative = light / (float(np.median(light[texels])) if texels.any() else 1.0)
    rising = np.clip((relative - KEPT_BELOW) / (DYED_ABOVE - KEPT_BELOW), 0, 1)
    falling = np.clip((KEPT_ABOVE - relative) / (KEPT_ABOVE - DYED_BELOW), 0, 1)
    return relative, np.asarray(rising * falling * texels, np.float32)


def dyed(texture: NDArray[np.uint8], texels: Texels) -> NDArray[np.uint8]:
    """A texture (H, W, 4) whose `texels` take the colour of a fabric and keep their folds."""
    relative, share = detail(texture, texels)
    half = np.clip(relative * 0.5 ** (1 / GAMMA), 0, 1)[..., None]
    colours = texture / np.float32(255) * (1 - share[..., None]) + half * share[..., None]
    return np.asarray(np.round(np.concatenate([colours, share[..., None]], -1) * 255), np.uint8)


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
    skin = np.clip(dress.texture * tan, 0, 255).astype(np.uint8)
    toned = np.where(dress.clothes[..., None], dress.texture, skin)
    out = np.zeros((TEXTURE, TEXTURE + HAIR_TEXTURE, 5), np.uint8)
    out[:, :TEXTURE, :3] = toned
    out[:, :TEXTURE, 4] = np.where(several, 0, dress.garment)
    trunk = np.arange(TEXTURE) >= column(WAIST)
    for slot in sorted(set(slots) - {Slot.HAIR}):
        for half in (trunk, ~trunk):  # trousers in the patch of the trunk may be those of another figure
            texels = dress.texels(slot) & half
            out[:, :TEXTURE, :4][texels] = dyed(toned, texels)[texels]
    if hair is not None:
        whole = np.full(hair.shape[:2], Slot.HAIR in slots)
        out[:HAIR_TEXTURE, HAIR_AT:, :4] = dyed(hair, whole)
    return out


def atlas(uv: Array, hair: NDArray[np.bool_]) -> Array:
    """Places (N, 2) in the texture of `paint`: of the body's or, where `hair` (N,) is set, the hair's."""
    width = TEXTURE + HAIR_TEXTURE
    inside = np.clip(uv, 0.5 / HAIR_TEXTURE, 1 - 0.5 / HAIR_TEXTURE)
    body = uv * (TEXTURE / width, 1.0)
    strands = inside * (HAIR_TEXTURE / width, HAIR_TEXTURE / TEXTURE) + (HAIR_AT / width, 0.0)
    return np.where(hair[:, None], strands, body).astype(np.float32)
