"""People drawn from photographed figures: whose body, in which clothes and dyes, of what size, carrying what.

They walk, are described and are told apart in the truth as all other people are.
"""

import numpy as np
from numpy.typing import NDArray

from simulation.avatars import Avatar, People, Region, height, sample
from simulation.body import load_body
from simulation.captions import describe
from simulation.carrying import draw_walk, give_bag
from simulation.closet import Wardrobe
from simulation.colours import HAIR_COLOURS, linear, nearest_colour
from simulation.dye import paint
from simulation.garments import cut_of, displacement, main_colour
from simulation.heads import put_on_hat
from simulation.identity import Identity
from simulation.materials import Material
from simulation.outfitter import Outfitter
from simulation.pieces import Slot
from simulation.prints import draw_print
from simulation.rig import rig
from simulation.seasons import EVERYDAY, Season
from simulation.stature import body_of
from simulation.wearing import OWN, draw_clothes, draw_figure, dye, dye_shoes
from simulation.winter import tell_apart

TAN = (0.88, 1.1)  # brightness of skin, relative


def draw_portrait(
    seed: int,
    people: People,
    *,
    outfit: int | None = None,
    prints: int | None = None,
    female: bool | None = None,
    season: Season = EVERYDAY,
    apart: bool = False,
) -> Identity:
    """The person of a seed; arguments as in `draw_identity`. Raises BadPeople."""
    who = np.random.default_rng([seed, 21])
    wears = np.random.default_rng([seed if outfit is None else outfit, 24])
    avatar = draw_figure(wears, people, female, season)
    if apart:
        avatar = people.load(people.like(who, avatar.entry))
    worn = draw_clothes(wears, avatar, people, season)
    folds = wears if season.lively else None
    loose = displacement(avatar, worn.dress, {Slot.TOP: worn.padding, Slot.BOTTOM: worn.width}, folds)
    shape, pieces = body_of(who, avatar, rig(avatar), loose)
    outfitter = Outfitter(wears, load_body(), shape, Wardrobe(), season)
    outfitter.pieces = pieces
    slots = dye(outfitter, avatar, worn)
    if apart:
        outfitter.rng = np.random.default_rng([seed, 25])
        tell_apart(outfitter)
    slots |= dye_shoes(outfitter, worn)
    outfitter.rng = who
    slots |= dress_head(outfitter, avatar)
    give_bag(outfitter)
    tan, several = float(who.uniform(*TAN)), cut_of(avatar).several
    texture = paint(worn.dress, avatar.hair, several=several, slots=slots, tan=tan)
    printed = np.random.default_rng([seed if prints is None else prints, 5])
    return assembled(seed, who, outfitter, np.stack([draw_print(printed), draw_print(printed)]), texture)


def assembled(
    seed: int,
    who: np.random.Generator,
    outfitter: Outfitter,
    prints: NDArray[np.uint8],
    texture: NDArray[np.uint8],
) -> Identity:
    """The person that an outfitter has dressed."""
    shape = outfitter.shape
    style = draw_walk(outfitter, who)
    materials = np.zeros((len(Slot), 10, 4), np.float32)
    for slot, material in outfitter.materials.items():
        materials[slot] = material.rows()
    attributes = describe(shape, style, outfitter.said)
    return Identity(seed, shape, style, attributes, outfitter.pieces, materials, prints, texture)


def dress_head(outfitter: Outfitter, avatar: Avatar) -> set[Slot]:
    """Say what hair a figure has, or dye it; perhaps put on a hat. Returns the slots that are dyed."""
    rng = outfitter.rng
    scalp = avatar.uv[(avatar.region == Region.HEAD) & (avatar.vertices[:, 2] > 0.985 * height(avatar))]
    srgb = (
        np.median(sample(avatar.texture, scalp), 0)
        if avatar.hair is None
        else main_colour(avatar.hair, np.ones(avatar.hair.shape[:2], bool))
    )
    colour, out = nearest_colour(srgb, HAIR_COLOURS), set()
    if avatar.hair is not None and rng.random() > OWN:
        colour = str(rng.choice(list(HAIR_COLOURS), p=np.array([8, 6, 4, 2, 2, 1, 1, 0.5]) / 24.5))
        srgb = np.array(HAIR_COLOURS[colour], float)
        out.add(Slot.HAIR)
    hair = linear(srgb)
    outfitter.materials[Slot.HAIR] = Material(hair, hair, hair, wrinkle=0.0, gloss=0.05)
    outfitter.materials[Slot.SKIN] = Material(hair, hair, hair, wrinkle=0.0)
    long = avatar.hair is not None and avatar.entry.female
    outfitter.said |= {"hair": f"{'long' if long else 'short'} {colour}", "mask": False, "hat": None}
    hat = str(rng.choice(["none", "beanie", "cap"], p=[0.8, 0.12, 0.08]))
    if hat != "none" and avatar.hair is None:
        put_on_hat(outfitter, hat)
        outfitter.said["hat"] = hat
    return out
