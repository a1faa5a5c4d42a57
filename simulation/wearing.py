"""Clothes of a photographed figure: its own or another's, in which fabrics, and their names."""

from dataclasses import dataclass

import numpy as np

from simulation.avatars import Avatar, People, Region
from simulation.colours import SHOE_WEIGHTS, draw_colour, linear, nearest_colour
from simulation.garments import Dress, cut_of, exchanged, main_colour, worn_by
from simulation.materials import PATTERNS, Material, draw_fabric
from simulation.outfitter import SEAM, Outfitter
from simulation.pieces import Slot
from simulation.seasons import Season

OWN = 0.25  # chance that a garment keeps the colours of its photograph
PADDED = 0.2  # share of tops, and of winter's
PADDED_IN_WINTER = 0.6
ALIKE = 0.2  # difference in how much of a limb is bare
EXCHANGE = 0.4  # chance that a garment comes from another figure
TRIES = 20


@dataclass(frozen=True)
class Clothes:
    """A figure's clothes after exchange, and their names."""

    dress: Dress
    top: str
    bottom: str
    mixed: bool  # of several figures
    padding: float  # metres that the top stands off
    width: float  # metres that the bottom stands off


def draw_figure(rng: np.random.Generator, people: People, female: bool | None, season: Season) -> Avatar:
    """A figure whose clothes suit the season."""
    for _ in range(TRIES):
        avatar = people.load(people.draw(rng, female))
        covered = min(avatar.dressed(Region.FOREARM), avatar.dressed(Region.SHIN)) > 0.5
        if covered or not season.warm:
            break
    return avatar


def draw_clothes(rng: np.random.Generator, avatar: Avatar, people: People, season: Season) -> Clothes:
    """Draw a figure's clothes; in winter all is its own and a jacket is over it."""
    padded = bool(rng.random() < (PADDED_IN_WINTER if season.warm else PADDED))
    padding = float(rng.uniform(0.015, 0.035) if padded else rng.uniform(0.0, 0.012))
    width = float(rng.uniform(0.0, 0.014))
    if not season.warm:
        dress, top, bottom, mixed = exchange(rng, avatar, people)
        return Clothes(dress, top, bottom, mixed, padding, width)
    top = "coat" if cut_of(avatar).skirted else "padded jacket" if padded else "jacket"
    return Clothes(worn_by(avatar), top, "trousers", mixed=False, padding=padding, width=width)


def names(avatar: Avatar) -> tuple[str, str]:
    """Return the names of a figure's upper and lower garment."""
    if cut_of(avatar).skirted and avatar.entry.female and avatar.entry.outfit == "Casual":
        return "dress", "dress"
    top = "long-sleeved shirt" if avatar.dressed(Region.FOREARM) > 0.5 else "T-shirt"
    if avatar.entry.outfit == "Busi":
        top = "jacket"
    elif cut_of(avatar).skirted:
        top = "coat"
    elif avatar.entry.outfit == "Util":
        top = "coverall"
    return top, "trousers" if avatar.dressed(Region.SHIN) > 0.5 else "shorts"


def exchange(rng: np.random.Generator, avatar: Avatar, people: People) -> tuple[Dress, str, str, bool]:
    """A figure's own clothes, or some of another's; what they are called, whether they are of several."""
    dress, (top, bottom), mixed = worn_by(avatar), names(avatar), False
    for slot in (Slot.TOP, Slot.BOTTOM, Slot.SHOES):
        if rng.random() >= EXCHANGE:
            continue
        other = people.load(people.draw(rng, avatar.entry.female))
        if not fits(slot, avatar, other):
            continue
        dress, mixed = exchanged(dress, worn_by(other), slot), mixed or slot != Slot.SHOES
        if slot == Slot.TOP:
            top = names(other)[0]
        elif slot == Slot.BOTTOM:
            bottom = names(other)[1]
    if mixed and top == "coverall":
        top = "long-sleeved shirt"
    return dress, top, bottom, mixed


def fits(slot: Slot, avatar: Avatar, other: Avatar) -> bool:
    """Return whether the texture of another figure's garment looks right on the shape of one's own."""
    if slot == Slot.SHOES:
        return abs(avatar.dressed(Region.FOOT) - other.dressed(Region.FOOT)) < ALIKE
    bare = slot == Slot.BOTTOM and abs(avatar.dressed(Region.SHIN) - other.dressed(Region.SHIN)) > ALIKE
    return not (bare or cut_of(avatar).skirted or cut_of(other).skirted)


def dye(outfitter: Outfitter, avatar: Avatar, worn: Clothes) -> set[Slot]:
    """Choose fabrics, or keep a garment's own colours; returns the slots that are dyed."""
    rng, season, out = outfitter.rng, outfitter.season, set()
    said: dict[str, object] = {"top": worn.top, "bottom": worn.bottom}
    upper = season.outer if worn.top in ("jacket", "padded jacket", "coat") else season.upper
    for slot, word, weights in ((Slot.TOP, "top", upper), (Slot.BOTTOM, "bottom", season.lower)):
        material, colour, pattern = draw_fabric(rng, weights, lower=slot == Slot.BOTTOM)
        pattern = outfitter.seasonal(material, pattern)
        material.wrinkle *= 0.5
        if rng.random() < OWN and not season.warm and not (worn.mixed and slot == Slot.BOTTOM):
            material, colour = photographed(worn, slot)
            pattern = "camouflage" if avatar.entry.outfit == "Milit" else "plain"
        else:
            out.add(slot)
        outfitter.materials[slot] = material
        said |= {f"{word}_colour": colour, f"{word}_pattern": pattern}
    if worn.top == "padded jacket":
        quilted = outfitter.materials[Slot.TOP]
        quilted.pattern, quilted.b, quilted.scale = PATTERNS["quilted"][0], quilted.a * SEAM, 0.065
    if worn.bottom == "dress":
        said |= {"bottom_colour": said["top_colour"], "bottom_pattern": said["top_pattern"]}
    elif said["bottom_pattern"] == "denim":
        said |= {"bottom": "jeans" if worn.bottom == "trousers" else worn.bottom, "bottom_pattern": "plain"}
    outfitter.said |= said
    return out


def dye_shoes(outfitter: Outfitter, worn: Clothes) -> set[Slot]:
    """Choose the colour of the shoes, or keep their own; returns the slot if it is dyed."""
    rng = outfitter.rng
    name, colour = draw_colour(rng, SHOE_WEIGHTS)
    kept = rng.random() < OWN
    material = Material(colour, colour, colour)
    if kept:
        material, name = photographed(worn, Slot.SHOES)
    material.wrinkle = 0.1
    outfitter.materials[Slot.SHOES] = material
    outfitter.said["shoes_colour"] = name
    return set() if kept else {Slot.SHOES}


def photographed(worn: Clothes, slot: Slot) -> tuple[Material, str]:
    """A garment as its texture shows it, and the name of its colour."""
    srgb = main_colour(worn.dress.texture, worn.dress.texels(slot))
    return Material(linear(srgb), linear(srgb), linear(srgb), wrinkle=0.3), nearest_colour(srgb)
