"""People drawn from photographed figures: whose body, in which clothes and dyes, of what size, carrying what.

They walk, are described and are told apart in the truth as all other people are.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulation.avatars import (
    HAIR,
    Avatar,
    People,
    Region,
    height,
    sample,
)
from simulation.body import Array, Shape, load_body
from simulation.captions import describe
from simulation.closet import Wardrobe
from simulation.colours import (
    HAIR_COLOURS,
    LOWER_WEIGHTS,
    OUTER_WEIGHTS,
    SHOE_WEIGHTS,
    UPPER_WEIGHTS,
    draw_colour,
    linear,
    nearest_colour,
)
from simulation.dye import atlas, paint
from simulation.gait import draw_style
from simulation.garments import (
    Dress,
    cut_of,
    displacement,
    exchanged,
    main_colour,
    welded,
    worn_by,
)
from simulation.heads import put_on_hat
from simulation.identity import Identity
from simulation.materials import Material, draw_fabric
from simulation.meshes import vertex_normals
from simulation.outfitter import Outfitter
from simulation.pieces import Piece, Slot
from simulation.prints import draw_print
from simulation.rig import Rig, blended, inverse, reshaped, rig

STATURE = {True: (1.64, 0.062), False: (1.77, 0.068)}  # female or not: mean and deviation, metres
HEEL = 0.03  # metres of a figure's shoes
OWN = 0.25  # chance that a garment keeps the colours of its photograph
PADDED = 0.2
ALIKE = 0.2  # difference in how much of a limb is bare
EXCHANGE = 0.4  # chance that a garment comes from another figure


@dataclass(frozen=True)
class Clothes:
    """What a figure wears after exchange, and what that is called."""

    dress: Dress
    top: str
    bottom: str
    mixed: bool  # of several figures


def draw_portrait(
    seed: int,
    people: People,
    *,
    outfit: int | None = None,
    prints: int | None = None,
    female: bool | None = None,
) -> Identity:
    """The person of a seed; arguments as in `draw_identity`. Raises BadPeople."""
    who = np.random.default_rng([seed, 21])
    wears = np.random.default_rng([seed if outfit is None else outfit, 24])
    avatar = people.load(people.draw(wears, female))
    worn = exchange(wears, avatar, people)
    hang = rig(avatar)
    shape, pieces = body_of(who, avatar, hang, displacement(avatar, worn.dress, looseness(wears)))
    outfitter = Outfitter(wears, load_body(), shape, Wardrobe())
    outfitter.pieces = pieces
    slots = dye(outfitter, avatar, worn)
    outfitter.rng = who
    slots |= dress_head(outfitter, avatar)
    outfitter.bag()
    tan = float(who.uniform(0.88, 1.1))
    several = cut_of(avatar).several
    texture = paint(worn.dress, avatar.hair, several=several, slots=slots, tan=tan)
    style = draw_style(who, shape)
    if outfitter.busy_arm is not None:
        left = outfitter.busy_arm == "left"
        style = replace(style, left_arm="swing") if left else replace(style, right_arm="swing")
    materials = np.zeros((9, 10, 4), np.float32)
    for slot, material in outfitter.materials.items():
        materials[slot] = material.rows()
    printed = np.random.default_rng([seed if prints is None else prints, 5])
    return Identity(
        seed,
        shape,
        style,
        describe(shape, style, outfitter.said),
        outfitter.pieces,
        materials,
        np.stack([draw_print(printed), draw_print(printed)]),
        texture,
    )


def names(avatar: Avatar) -> tuple[str, str]:
    """What upper and lower garment of a figure are called."""
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


def exchange(rng: np.random.Generator, avatar: Avatar, people: People) -> Clothes:
    """What a figure wears: its own, or an upper or lower garment or shoes of another's."""
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
    return Clothes(dress, top, bottom, mixed)


def fits(slot: Slot, avatar: Avatar, other: Avatar) -> bool:
    """Whether the texture of another figure's garment looks right on the shape of one's own."""
    if slot == Slot.SHOES:
        return abs(avatar.dressed(Region.FOOT) - other.dressed(Region.FOOT)) < ALIKE
    bare = slot == Slot.BOTTOM and abs(avatar.dressed(Region.SHIN) - other.dressed(Region.SHIN)) > ALIKE
    return not (bare or cut_of(avatar).skirted or cut_of(other).skirted)


def body_of(
    rng: np.random.Generator, avatar: Avatar, hang: Rig, stand_off: Array
) -> tuple[Shape, list[Piece]]:
    """A figure at a stature and build of its own in pieces; `stand_off` (V,) is how loose its clothes are."""
    body = load_body()
    mean, deviation = STATURE[avatar.entry.female]
    stature = float(np.clip(rng.normal(mean, deviation), 1.45, 2.02))
    weight = float(np.clip(rng.normal(0.5, 0.2), 0.05, 0.95))
    parts = {
        "upperleg": rng.uniform(0.96, 1.05),
        "lowerleg": rng.uniform(0.96, 1.05),
        "upperarm": rng.uniform(0.96, 1.04),
        "clavicle": rng.uniform(0.92, 1.06),
    }
    build = 0.82 + 0.3 * weight
    heads, maps = reshaped(hang.heads, (stature + HEEL) / height(avatar), parts, build)
    vertices = blended(maps, hang.bones, hang.weights, avatar.vertices)
    canonical = blended(hang.to_template, hang.bones, hang.weights, avatar.vertices)
    back = np.stack([inverse(affine) for affine in hang.to_template])
    figure = blended(back, body.skin_bones, body.skin_weights, body.template)
    shape = Shape(
        vertices=blended(maps, body.skin_bones, body.skin_weights, figure),
        heads=heads,
        female=avatar.entry.female,
        age=float(rng.uniform(0.42, 0.76)),
        weight=weight,
        muscle=0.5,
        stature=float(np.ptp(vertices[np.unique(avatar.faces[avatar.material == 0]), 2])) - HEEL,
        ancestry=(1 / 3, 1 / 3, 1 / 3),
    )
    label = welded(avatar.vertices)
    normals = vertex_normals(vertices[np.unique(label, return_index=True)[1]], label[avatar.faces])[label]
    return shape, cut_apart(avatar, hang, vertices + stand_off[:, None] * normals, canonical, normals)


def cut_apart(avatar: Avatar, hang: Rig, vertices: Array, canonical: Array, normals: Array) -> list[Piece]:
    """A figure's mesh as one piece a slot."""
    slots = cut_of(avatar).slots
    of_hair = np.zeros(len(vertices), bool)
    of_hair[avatar.faces[avatar.material == HAIR]] = True
    uv = atlas(avatar.uv, of_hair)
    regions = region_of(hang)
    pieces = []
    for slot in (Slot.SKIN, Slot.SHOES, Slot.BOTTOM, Slot.TOP, Slot.HAIR):
        used, index = np.unique(avatar.faces[slots == slot], return_inverse=True)
        if len(used):
            pieces.append(
                Piece(
                    slot,
                    vertices[used],
                    canonical[used],
                    hang.bones[used],
                    hang.weights[used],
                    index.reshape(-1, 3).astype(np.int32),
                    np.ones(len(used), np.float32),
                    regions[used],
                    layer=0.0,
                    uv=uv[used],
                    smooth=normals[used],
                )
            )
    return pieces


def region_of(hang: Rig) -> NDArray[np.uint8]:
    """Body region (V,) of a figure's vertices, by the bones that move them most."""
    from simulation.body import bone_regions

    region = bone_regions(load_body().bone_names)
    share = np.zeros((len(hang.bones), 6))
    for slot in range(hang.bones.shape[1]):
        np.add.at(share, (np.arange(len(share)), region[hang.bones[:, slot]]), hang.weights[:, slot])
    return np.asarray(share.argmax(1), np.uint8)


def looseness(rng: np.random.Generator) -> dict[Slot, float]:
    """How far garments stand off, metres: some are wide or padded."""
    padded = rng.random() < PADDED
    return {
        Slot.TOP: rng.uniform(0.015, 0.035) if padded else rng.uniform(0.0, 0.012),
        Slot.BOTTOM: rng.uniform(0.0, 0.014),
    }


def dye(outfitter: Outfitter, avatar: Avatar, worn: Clothes) -> set[Slot]:
    """Choose fabrics, or keep a garment's own colours; returns the slots that are dyed."""
    rng, out = outfitter.rng, set()
    said: dict[str, object] = {"top": worn.top, "bottom": worn.bottom}
    weights = {
        Slot.TOP: OUTER_WEIGHTS if worn.top in ("jacket", "coat") else UPPER_WEIGHTS,
        Slot.BOTTOM: LOWER_WEIGHTS,
    }
    for slot, word in ((Slot.TOP, "top"), (Slot.BOTTOM, "bottom")):
        material, colour, pattern = draw_fabric(rng, weights[slot], lower=slot == Slot.BOTTOM)
        material.wrinkle *= 0.5
        if rng.random() < OWN and not (worn.mixed and slot == Slot.BOTTOM):
            srgb = main_colour(worn.dress.texture, worn.dress.texels(slot))
            material, colour = (
                Material(linear(srgb), linear(srgb), linear(srgb), wrinkle=0.3),
                nearest_colour(srgb),
            )
            pattern = "camouflage" if avatar.entry.outfit == "Milit" else "plain"
        else:
            out.add(slot)
        outfitter.materials[slot] = material
        said |= {f"{word}_colour": colour, f"{word}_pattern": pattern}
    if worn.bottom == "dress":
        said |= {"bottom_colour": said["top_colour"], "bottom_pattern": said["top_pattern"]}
    elif said["bottom_pattern"] == "denim":
        said |= {"bottom": "jeans" if worn.bottom == "trousers" else worn.bottom, "bottom_pattern": "plain"}
    name, colour_of = draw_colour(rng, SHOE_WEIGHTS)
    if rng.random() < OWN:
        srgb = main_colour(worn.dress.texture, worn.dress.texels(Slot.SHOES))
        name, colour_of = nearest_colour(srgb), linear(srgb)
    else:
        out.add(Slot.SHOES)
    outfitter.materials[Slot.SHOES] = Material(colour_of, colour_of, colour_of, wrinkle=0.1)
    outfitter.said |= said | {"shoes_colour": name}
    return out


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
