"""Assign parts of a photographed figure's mesh and texture to garments.

The mesh is cut along the seams of its texture; what such a patch is follows from the bones that move it. All
figures share one layout (docs/simulation.md): u runs up trunk and legs, v runs round them. Where a shirt ends
and trousers begin differs; there the colours decide.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from simulation.avatars import HAIR, KEPT, TEXTURE, Avatar, Region, height, sample
from simulation.body import Array
from simulation.folds import relief
from simulation.pieces import Slot
from simulation.wardrobe import components

Texels = NDArray[np.bool_]

TRUNK_BEGINS = 0.45  # v, for columns of trunk and legs
WAIST = 0.635  # u where the patches of trunk and legs meet
HIPS = 0.80  # u below which trousers may show in the patch of the trunk
THIGHS, KNEES = 0.54, 0.45  # u above which a shirt may reach into the patch of the legs, and where none does
FACE = (0.18, 0.12, 0.48, 0.34)  # left, top, right, bottom: skin with eyes, nose and mouth
UNLIKE = 30.0  # sRGB by which upper and lower garment differ where a hem can be found
STRAIGHT = 34  # rows on either side that a hem is the median of
SMOOTHED = 9  # rows on either side that a hem is smoothed over
SKIRTED = 0.45  # of the height: what begins above the waist and reaches lower is a dress or a long coat
TRUNK = 20  # vertices of the torso that make a patch the trunk
ROUNDED = 8  # texels that a patch is extended by
BARE = 255  # skin, while patches are extended
SOFTENED = 3  # times that a displacement is averaged with that of neighbours


@dataclass(frozen=True)
class Dress:
    """What a texture shows: sRGB (S, S, 3), what is clothes (S, S), and the garment of each texel (S, S).

    Where the garment is 0 there is none.
    """

    texture: NDArray[np.uint8]
    clothes: Texels
    garment: NDArray[np.uint8]

    def texels(self, slot: Slot) -> Texels:
        """Texels of a garment (S, S)."""
        return np.asarray(self.clothes & (self.garment == slot))


@dataclass(frozen=True)
class Cut:
    """How a figure's mesh is cut: slot of each face (F,), what that makes of the texture, what is special."""

    slots: NDArray[np.uint8]
    garment: NDArray[np.uint8]  # (S, S)
    several: Texels  # (S, S) drawn by faces of more than one slot
    whole: bool  # upper and lower garment are one patch
    skirted: bool  # one garment hangs from the trunk over the thighs


def column(u: float) -> int:
    """The texel that u or v falls on."""
    return round(u * TEXTURE)


@lru_cache(KEPT)
def cut_of(avatar: Avatar) -> Cut:
    """How a figure is cut."""
    label = components(avatar.faces, len(avatar.vertices))
    of_face = label[avatar.faces[:, 0]]
    region = avatar.region[avatar.faces[:, 0]]
    slots = np.full(len(avatar.faces), Slot.SKIN, np.uint8)
    whole, hem = False, np.inf
    for patch in np.unique(of_face):
        member = of_face == patch
        count = np.bincount(avatar.region[label == patch], minlength=len(Region))
        slots[member] = patch_slots(count, region[member])
        if count[Region.TORSO] > TRUNK and not count[Region.HEAD]:
            whole |= bool(count[Region.SHIN])
            hem = min(hem, float(avatar.vertices[label == patch, 2].min()))
    slots[avatar.material == HAIR] = Slot.HAIR
    # Where a jacket's hem shares texels with trousers, these are hidden below it: the top comes first.
    drawn = {slot: patches(avatar, slots == slot) for slot in (Slot.TOP, Slot.SHOES, Slot.BOTTOM, Slot.SKIN)}
    garment = np.zeros((TEXTURE, TEXTURE), np.uint8)
    for slot, texels in drawn.items():
        garment[texels & (garment == 0)] = slot
    garment[head_patch(avatar, label)] = Slot.TOP  # the collar, where that is clothes
    garments = np.stack([drawn[slot] for slot in (Slot.SHOES, Slot.BOTTOM, Slot.TOP)])
    several = (garments.sum(0) > 1) & (not whole)
    skirt = not whole and hem < SKIRTED * height(avatar)
    return Cut(slots, garment, several, whole, bool(skirt))


def patch_slots(count: NDArray[np.integer], region: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Slots (F,) of a patch's faces from its vertices a region and the region of each face (F,)."""
    upper = np.isin(region, (Region.TORSO, Region.UPPER_ARM, Region.FOREARM, Region.NECK))
    if count[Region.HEAD]:
        return np.full(len(region), Slot.SKIN, np.uint8)
    if count[Region.FOOT] > count.sum() / 2:
        return np.full(len(region), Slot.SHOES, np.uint8)
    if count[Region.TORSO] > TRUNK and not count[Region.SHIN]:
        return np.full(len(region), Slot.TOP, np.uint8)
    lower = np.where(np.isin(region, (Region.HAND, Region.HEAD)), np.uint8(Slot.SKIN), np.uint8(Slot.BOTTOM))
    return np.where(upper, np.uint8(Slot.TOP), lower)


def patches(avatar: Avatar, faces: NDArray[np.bool_]) -> Texels:
    """Texels (S, S) that some faces are drawn with."""
    image = Image.new("L", (TEXTURE, TEXTURE))
    pen = ImageDraw.Draw(image)
    for corners in (avatar.uv[avatar.faces[faces]] * TEXTURE).reshape(-1, 6).tolist():
        pen.polygon(corners, fill=1)
    return np.asarray(image) > 0


def head_patch(avatar: Avatar, label: NDArray[np.integer]) -> Texels:
    """Texels (S, S) of the patches with the head."""
    heads = np.unique(label[avatar.region == Region.HEAD])
    return patches(avatar, np.isin(label[avatar.faces[:, 0]], heads) & (avatar.material != HAIR))


@lru_cache(KEPT)
def worn_by(avatar: Avatar) -> Dress:
    """What a figure wears, with the hem between upper and lower garment where colours show one."""
    cut = cut_of(avatar)
    # What lies outside all patches is seen from afar, when texels are averaged: it goes on as they end.
    drawn = np.where(avatar.clothes | (cut.garment == 0), cut.garment, BARE)
    garment = extended(drawn.astype(np.uint8))
    clothes = (garment > 0) & (garment != BARE)
    garment = np.where(clothes, garment, 0).astype(np.uint8)
    if not cut.skirted:
        low, high = column(THIGHS if cut.whole else WAIST), column(HIPS)
        hem = hemline(avatar.texture, avatar.clothes, low, high)
        part = garment[column(TRUNK_BEGINS) :, low:high]
        if hem is not None:
            below = np.arange(low, high) < hem[:, None]
            part[(part == Slot.TOP) & below] = Slot.BOTTOM
            part[(part == Slot.BOTTOM) & ~below] = Slot.TOP
    return Dress(avatar.texture, clothes, garment)


def extended(garment: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Patches grown into the empty texels beside them."""
    for _ in range(ROUNDED):
        padded = np.pad(garment, 1)
        beside = np.stack([padded[:-2, 1:-1], padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]]).max(0)
        garment = np.where(garment == 0, beside, garment)
    return garment


def hemline(texture: NDArray[np.uint8], clothes: Texels, low: int, high: int) -> NDArray[np.intp] | None:
    """For each row below TRUNK_BEGINS the column (R,) from `low` to `high` where the lower garment ends.

    None where both garments are too much alike.
    """
    rows = slice(column(TRUNK_BEGINS), None)
    chest, legs = slice(high, None), slice(column(KNEES), column(THIGHS))
    upper, lower = (main_colour(texture[rows, part], clothes[rows, part]) for part in (chest, legs))
    if np.sqrt(((upper - lower) ** 2).sum()) < UNLIKE:
        return None
    part = texture[rows, low:high].astype(np.float64)
    nearer = np.sign(((part - upper) ** 2).sum(-1) - ((part - lower) ** 2).sum(-1)) * clothes[rows, low:high]
    votes = np.concatenate([np.zeros((len(nearer), 1)), np.cumsum(smooth_rows(nearer), 1)], 1)
    ends = np.pad(votes.argmax(1), STRAIGHT, mode="edge")  # pockets and flies are no hems
    straight = np.median(np.lib.stride_tricks.sliding_window_view(ends, 2 * STRAIGHT + 1), 1)
    return np.asarray(low + straight, np.intp)


def smooth_rows(values: NDArray[np.float64], reach: int = SMOOTHED) -> NDArray[np.float64]:
    """Mean of each value (R, C) with those of the rows around."""
    padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
    total = np.cumsum(np.concatenate([np.zeros((1, values.shape[1])), padded]), 0)
    return np.asarray((total[2 * reach + 1 :] - total[: -2 * reach - 1]) / (2 * reach + 1))


def exchanged(dress: Dress, other: Dress, slot: Slot) -> Dress:
    """A dress with one garment of another figure; skin that it shows keeps its colour."""
    here = (dress.garment == slot) | (other.garment == slot)
    texture, clothes, garment = dress.texture.copy(), dress.clothes.copy(), dress.garment.copy()
    tone = (skin_colour(dress.texture) + 1) / (skin_colour(other.texture) + 1)
    skin = here & ~other.clothes
    texture[here] = other.texture[here]
    texture[skin] = np.clip(other.texture[skin] * tone.astype(np.float32), 0, 255)
    clothes[here], garment[here] = other.clothes[here], other.garment[here]
    return Dress(texture, clothes, garment)


def skin_colour(texture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Median colour (3,) of the face, sRGB 0..255."""
    left, top, right, bottom = (column(edge) for edge in FACE)
    return np.asarray(np.median(texture[top:bottom, left:right].reshape(-1, 3), 0))


def main_colour(texture: NDArray[np.uint8], texels: Texels) -> NDArray[np.float64]:
    """Median colour (3,) of some texels, sRGB 0..255; grey when there are none."""
    return np.asarray(np.median(texture[texels], 0) if texels.any() else np.full(3, 128.0))


def displacement(
    avatar: Avatar, dress: Dress, amounts: dict[Slot, float], folds: np.random.Generator | None = None
) -> Array:
    """How far (V,) each vertex stands off, metres: by its garment, and evenly from one to the next.

    With `folds` garments have folds, drawn from it.
    """
    slot = sample(dress.garment, avatar.uv)
    values = np.zeros(len(avatar.vertices))
    for garment, amount in amounts.items():
        here = slot == garment
        values[here] = amount
        if folds is not None:
            values[here] += relief(folds, garment, avatar.vertices[here] - (0, 0, height(avatar) / 2))
    values[np.unique(avatar.faces[avatar.material == HAIR])] = 0.0
    label = welded(avatar.vertices)
    corner = label[avatar.faces]
    count = np.bincount(label, minlength=label.max() + 1)
    for _ in range(SOFTENED):
        joined = np.bincount(label, values, minlength=len(count)) / count
        face = np.repeat(joined[corner].mean(1), 3)
        total, times = (
            np.bincount(corner.ravel(), w, minlength=len(count)) for w in (face, np.ones(len(face)))
        )
        values = (total / np.maximum(times, 1))[label]
    return values.astype(np.float32)


def welded(vertices: Array) -> NDArray[np.int32]:
    """A number (V,) for each place: vertices at one place have the same."""
    _, label = np.unique(np.round(vertices, 4), axis=0, return_inverse=True)
    return np.asarray(label.reshape(-1), np.int32)
