"""What a person wears and carries, drawn piece by piece from the body's helper meshes or from a wardrobe."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulation.accessories import backpack, cap_brim, hand_bag, shoulder_bag, toe_caps
from simulation.body import ARM_L, ARM_R, Array, Body, Shape, load_body
from simulation.materials import (
    BAG_WEIGHTS,
    HAIR_COLOURS,
    LOWER_WEIGHTS,
    OUTER_WEIGHTS,
    SHOE_WEIGHTS,
    UPPER_WEIGHTS,
    Material,
    draw_colour,
    draw_fabric,
    linear,
)
from simulation.pieces import Piece, Slot, Tailor, halves
from simulation.wardrobe import BoundMesh, read_mesh

SHORTS_HEM = -0.50  # above the calf
SOLE = 0.014  # metres
CLEARANCE = 0.006  # metres between a top and the bottom that it falls over
OVERLAP = 0.05  # metres that an inner garment reaches beyond an outer one's hem
TUCKED = 0.004  # metres towards the camera: less than a bottom
UNDER_HAT = 0.68  # level up to which hair shows below a hat
MIDRIFF = 0.10  # level that a top must reach to be worn
NECK = 0.46  # level above which a top shows in a jacket's collar
CROTCH = 0.0  # level below which a garment hangs around both legs together


HAIR_STYLES = {  # by the beginning of a wardrobe file's name
    "long": "long",
    "bob": "chin-length",
    "ponytail": "tied",
    "braid": "tied",
    "short": "short",
    "afro": "curly",
}


class Wardrobe:
    """Wardrobe meshes by role, read once; empty without a directory."""

    def __init__(self, directory: Path | None = None) -> None:
        self.tops: list[tuple[BoundMesh, NDArray[np.bool_]]] = []
        self.bottoms: list[tuple[BoundMesh, NDArray[np.bool_]]] = []
        self.shoes: list[BoundMesh] = []
        self.hair: dict[str, BoundMesh] = {}
        if directory is None:
            return
        body = load_body()
        for path in sorted((directory / "clothes").glob("*/*.mhclo")):
            mesh = read_mesh(path)
            if path.stem.startswith("shoes"):
                self.shoes.append(mesh)
            elif "suit" in path.stem:
                upper, lower = halves(body, mesh)
                if upper.any() and mesh.fit(body.template)[upper, 2].min() < MIDRIFF:
                    self.tops.append((mesh, upper))
                if lower.any():
                    self.bottoms.append((mesh, lower))
        self.hair = {path.stem: read_mesh(path) for path in sorted((directory / "hair").glob("*/*.mhclo"))}


class Outfitter:
    """Draws one identity; holds what its parts have in common."""

    def __init__(self, rng: np.random.Generator, body: Body, shape: Shape, wardrobe: Wardrobe) -> None:
        self.rng, self.body, self.shape, self.wardrobe = rng, body, shape, wardrobe
        self.tailor = Tailor(body, shape)
        self.pieces: list[Piece] = []
        self.materials: dict[Slot, Material] = {}
        self.said: dict[str, object] = {}
        self.tucked = False  # the top, into the bottom
        self.bulk = 0.0  # metres that the bottom stands off the body
        self.busy_arm: str | None = None  # left or right: carries a bag

    def chance(self, probability: float) -> bool:
        """True with a probability; every call uses one draw."""
        return bool(self.rng.random() < probability)

    def bottom(self) -> None:
        """Trousers, shorts, leggings or a skirt."""
        rng, woman = self.rng, self.shape.female
        material, colour, pattern = draw_fabric(rng, LOWER_WEIGHTS, lower=True)
        material.gloss = 0.0
        material.belt, material.side_stripe = self.chance(0.25), self.chance(0.08)
        kind = str(
            rng.choice(
                ["trousers", "shorts", "leggings", "skirt"],
                p=[0.62, 0.14, 0.08, 0.16] if woman else [0.78, 0.2, 0.02, 0.0],
            )
        )
        loose = rng.uniform(0.012, 0.028) if kind == "shorts" else rng.uniform(0.007, 0.022)
        self.bulk = {"skirt": 0.006, "leggings": 0.003}.get(kind, loose)
        if kind == "skirt":
            length = rng.uniform(-0.66, -0.26)
            self.pieces.append(self.tailor.skirt(Slot.BOTTOM, hem=length, thickness=0.004))
            kind = "long skirt" if length < -0.45 else "short skirt"
        elif kind == "leggings":
            self.pieces.append(
                self.tailor.trousers(hem=rng.uniform(-0.74, -0.62), waist=0.10, thickness=0.003)
            )
            material.pattern, material.wrinkle, pattern = 0, 0.15, "plain"
        elif kind == "shorts":
            self.pieces.append(
                self.tailor.trousers(hem=rng.uniform(-0.42, -0.2), waist=0.10, thickness=loose)
            )
        elif self.wardrobe.bottoms and self.chance(0.6):
            mesh, part = self.wardrobe.bottoms[int(rng.integers(len(self.wardrobe.bottoms)))]
            piece = self.tailor.bound(Slot.BOTTOM, mesh, thickness=rng.uniform(0.002, 0.012), keep=part)
            kind = "shorts" if piece.lowest > SHORTS_HEM else "trousers"
            self.pieces.append(piece)
        else:
            flare = float(rng.choice([0.0, 0.012, 0.03]))
            self.pieces.append(
                self.tailor.trousers(
                    hem=rng.uniform(-0.78, -0.72),
                    waist=0.10,
                    thickness=loose,
                    flare=flare,
                )
            )
        if kind == "trousers" and pattern == "denim":
            kind, pattern = "jeans", "plain"
        if pattern == "denim" and "denim" in colour:
            pattern = "plain"  # said by the colour
        self.materials[Slot.BOTTOM] = material
        self.said |= {"bottom": kind, "bottom_colour": colour, "bottom_pattern": pattern}

    def top(self) -> None:
        """A shirt, T-shirt, jumper or sleeveless top."""
        rng = self.rng
        material, colour, pattern = draw_fabric(rng, UPPER_WEIGHTS, lower=False)
        material.collar, material.contrast_sleeves = self.chance(0.25), self.chance(0.1)
        if self.chance(0.3):
            material.printed, material.print_back = True, self.chance(0.3)
            material.print_size, material.print_level = rng.uniform(0.1, 0.24), rng.uniform(0.2, 0.34)
        kind, sleeve = [
            ("sleeveless top", 0.0),
            ("T-shirt", rng.uniform(0.14, 0.24)),
            ("long-sleeved shirt", 0.49),
            ("jumper", 0.51),
        ][int(rng.choice(4, p=[0.06, 0.46, 0.26, 0.22]))]
        thickness = {"jumper": rng.uniform(0.018, 0.03)}.get(kind, rng.uniform(0.007, 0.018))
        if self.wardrobe.tops and self.chance(0.5) and kind in ("T-shirt", "long-sleeved shirt"):
            mesh, part = self.wardrobe.tops[int(rng.integers(len(self.wardrobe.tops)))]
            thickness = rng.uniform(0.003, 0.012)
            piece = self.tailor.bound(Slot.TOP, mesh, thickness=thickness, keep=part)
            kind = "long-sleeved shirt" if self.tailor.reaches_wrist(piece) else "T-shirt"
        else:
            hem = rng.uniform(-0.13 if self.shape.female else -0.07, 0.05)
            piece = self.tailor.top(
                Slot.TOP, sleeve=sleeve, hem=max(hem, CROTCH), collar=0.53, thickness=thickness
            )
            if hem < CROTCH:
                self.pieces.append(self.tailor.skirt(Slot.TOP, hem=hem, thickness=thickness * 0.5))
        self.tucked = self.chance(0.2) and self.said["bottom"] != "leggings"
        if not self.tucked:
            piece = self.tailor.over(piece, max(0.0, self.bulk + CLEARANCE - thickness))
        self.pieces.append(piece)
        self.materials[Slot.TOP] = material
        self.said |= {"top": kind, "top_colour": colour, "top_pattern": pattern}

    def dress(self) -> None:
        """A dress: one fabric above and below."""
        rng = self.rng
        material, colour, pattern = draw_fabric(rng, UPPER_WEIGHTS, lower=False)
        material.belt = self.chance(0.3)
        self.pieces.append(
            self.tailor.top(
                Slot.TOP,
                sleeve=float(rng.choice([0.0, 0.12, 0.24, 0.49])),
                hem=-0.02,
                collar=0.52,
                thickness=0.007,
            )
        )
        length = rng.uniform(-0.68, -0.28)
        self.pieces.append(self.tailor.skirt(Slot.TOP, hem=length, thickness=0.004))
        self.materials[Slot.TOP] = self.materials[Slot.BOTTOM] = material
        self.said |= {
            "top": "dress",
            "top_colour": colour,
            "top_pattern": pattern,
            "bottom": "dress",
            "bottom_colour": colour,
            "bottom_pattern": pattern,
        }

    def outer(self) -> None:
        """A jacket or coat, closed or open."""
        rng = self.rng
        material, colour, _ = draw_fabric(rng, OUTER_WEIGHTS, lower=False, plain=self.chance(0.8))
        kind = str(rng.choice(["jacket", "padded jacket", "coat"], p=[0.5, 0.25, 0.25]))
        if kind == "padded jacket":
            material.pattern, material.scale, material.duty = 11, float(rng.uniform(0.05, 0.08)), 0.1
        material.zip = self.chance(0.6)
        if self.chance(0.4):
            material.open_width = float(rng.uniform(0.035, 0.08))
            material.under = self.materials[Slot.TOP].a
        thickness = {
            "jacket": rng.uniform(0.026, 0.036),
            "padded jacket": rng.uniform(0.042, 0.055),
            "coat": rng.uniform(0.030, 0.042),
        }[kind]
        hem = rng.uniform(-0.52, -0.26) if kind == "coat" else rng.uniform(-0.18, 0.02)
        self.pieces.append(
            self.tailor.top(Slot.OUTER, sleeve=0.52, hem=max(hem, CROTCH), collar=0.545, thickness=thickness)
        )
        if hem < CROTCH:
            self.pieces.append(self.tailor.skirt(Slot.OUTER, hem=hem, thickness=thickness * 0.6))
        self.materials[Slot.OUTER] = material
        self.said |= {"outer": kind, "outer_colour": colour}

    def cut_what_is_covered(self) -> None:
        """Take off what lies under another garment: it could only poke through."""
        hem = {
            slot: min((p.lowest for p in self.pieces if p.slot == slot), default=None)
            for slot in (Slot.BOTTOM, Slot.TOP, Slot.OUTER)
        }
        bottoms = [p for p in self.pieces if p.slot == Slot.BOTTOM]
        waist = max((float(p.canonical[p.cut > 0, 2].max()) for p in bottoms), default=0.0)
        dressed = []
        for piece in self.pieces:
            z, cut, layer = piece.canonical[:, 2], piece.cut, piece.layer
            over = hem[Slot.OUTER]
            if piece.slot == Slot.TOP and self.tucked and hem[Slot.BOTTOM] is not None:
                cut = np.minimum(cut, z - (waist - OVERLAP))
                layer = TUCKED
            if piece.slot == Slot.TOP and over is not None:
                arm = np.isin(piece.region, (ARM_L, ARM_R))
                below = over + OVERLAP - z if piece.lowest < over - OVERLAP else np.full_like(z, -1.0)
                shows = np.where(arm, -1.0, np.maximum(z - NECK, below))
                cut = np.minimum(cut, shows)
            if piece.slot == Slot.BOTTOM:
                top = hem[Slot.TOP]
                if top is not None and not self.tucked:
                    cut = np.minimum(cut, top + OVERLAP - z)
                if over is not None:
                    cut = np.minimum(cut, over + OVERLAP - z)
            if (cut > 0).any():
                dressed.append(replace(piece, cut=cut.astype(np.float32), layer=layer))
            elif piece.slot == Slot.BOTTOM:
                dressed.append(piece)
        self.pieces = dressed

    def shoes(self) -> None:
        """Shoes or boots."""
        rng = self.rng
        name, a = draw_colour(rng, SHOE_WEIGHTS)
        sole = linear((235, 235, 230)) if self.chance(0.4) else linear((30, 28, 27))
        self.materials[Slot.SHOES] = Material(
            a, a, sole, wrinkle=0.1, gloss=float(rng.choice([0, 0.05, 0.12]))
        )
        if self.wardrobe.shoes and self.chance(0.75):
            self.pieces.append(
                self.tailor.bound(
                    Slot.SHOES, self.wardrobe.shoes[int(rng.integers(len(self.wardrobe.shoes)))]
                )
            )
        else:
            boots = name in ("black", "brown", "dark grey", "tan") and self.chance(0.3)
            shaft = -0.62 if boots else float(rng.choice([-0.755, -0.735]))
            self.pieces.append(self.tailor.plain_shoes(shaft=shaft, sole=SOLE))
            self.pieces += toe_caps(self.body, self.shape, sole=SOLE)
        self.said["shoes_colour"] = name

    def head(self) -> None:
        """Hair, beard, hat, mask."""
        rng, shape = self.rng, self.shape
        names = list(HAIR_COLOURS)
        share = (
            np.array([6, 5, 4, 2, 2, 1, 1, 1]) if shape.age < 0.8 else np.array([1, 1, 1, 0.5, 0.5, 0, 6, 4])
        )
        name = names[int(rng.choice(len(names), p=share / share.sum()))]
        hair = linear(HAIR_COLOURS[name])
        skin = skin_colour(rng, shape)
        bald = not shape.female and not shape.child and self.chance(0.12)
        mask = self.chance(0.06)
        self.materials[Slot.SKIN] = Material(
            skin,
            hair,
            hair,
            grain=0.05,
            wrinkle=0.0,
            beard=not shape.female and not shape.child and self.chance(0.25),
            mask=mask,
            cropped_hair=not bald,
        )
        self.materials[Slot.HAIR] = Material(
            hair, hair, hair, seed=float(rng.uniform(0, 90)), wrinkle=0.0, gloss=0.05
        )
        hat = str(rng.choice(["none", "beanie", "cap"], p=[0.88, 0.05, 0.07]))
        style = self.hair_style(bald=bald, hat=hat != "none")
        if hat != "none":
            self.hat(hat)
        self.said |= {
            "hair": "bald" if bald else f"{style} {name}",
            "mask": mask,
            "hat": None if hat == "none" else hat,
        }

    def hat(self, kind: str) -> None:
        """A beanie or a cap."""
        self.materials[Slot.HAT], _, _ = draw_fabric(self.rng, UPPER_WEIGHTS, lower=False, plain=True)
        beanie = kind == "beanie"
        self.pieces.append(
            self.tailor.scalp(
                Slot.HAT,
                thickness=0.022 if beanie else 0.016,
                front=0.735,
                back=0.665 if beanie else 0.70,
            )
        )
        if not beanie:
            self.pieces.append(cap_brim(self.body, self.shape))

    def hair_style(self, *, bald: bool, hat: bool) -> str:
        """Add hair; returns short, chin-length, long or tied."""
        rng = self.rng
        if bald:
            return "no"
        long = self.shape.female and self.chance(0.7)
        if self.wardrobe.hair and not hat and self.chance(0.85):
            wanted = ("long", "bob", "ponytail", "braid") if long else ("short", "afro")
            fitting = [key for key in self.wardrobe.hair if key.startswith(wanted)]
            if fitting:
                key = fitting[int(rng.integers(len(fitting)))]
                self.pieces.append(self.tailor.bound(Slot.HAIR, self.wardrobe.hair[key]))
                return next(said for start, said in HAIR_STYLES.items() if key.startswith(start))
        if long:
            level = float(rng.choice([0.6, 0.45, 0.3]))
            crown = UNDER_HAT if hat else 1.0
            self.pieces.append(self.tailor.long_hair(length=level, crown=crown, thickness=0.006))
            self.pieces.append(self.tailor.scalp(Slot.HAIR, thickness=0.008, front=0.755, back=0.58))
            return "chin-length" if level > 0.5 else "long"
        if not hat:
            self.pieces.append(
                self.tailor.scalp(
                    Slot.HAIR,
                    thickness=float(rng.uniform(0.006, 0.022)),
                    front=0.752,
                    back=float(rng.uniform(0.61, 0.66)),
                )
            )
        return "short"

    def bag(self) -> None:
        """A backpack, a shoulder bag, a hand bag or nothing."""
        rng = self.rng
        kind = str(rng.choice(["none", "backpack", "shoulder bag", "hand bag"], p=[0.56, 0.2, 0.12, 0.12]))
        if kind == "none" or self.shape.child:
            return
        material, colour, _ = draw_fabric(rng, BAG_WEIGHTS, lower=False, plain=True)
        material.belt, material.wrinkle, material.gloss = self.chance(0.3), 0.15, 0.04
        self.materials[Slot.BAG] = material
        side = 1.0 if self.chance(0.5) else -1.0
        strap = {"backpack": 1.0, "shoulder bag": 2.0 * -side, "hand bag": 0.0}[kind]
        for slot in (Slot.TOP, Slot.OUTER):
            if slot in self.materials:
                self.materials[slot].strap, self.materials[slot].strap_colour = strap, material.a
        worn = [piece for piece in self.pieces if piece.slot in (Slot.TOP, Slot.OUTER, Slot.SKIN)]
        maker = {"backpack": backpack, "shoulder bag": shoulder_bag, "hand bag": hand_bag}[kind]
        self.pieces.append(maker(rng, self.body, self.shape, worn, side))
        if kind == "hand bag":
            self.busy_arm = "left" if side > 0 else "right"
        self.said |= {"bag": kind, "bag_colour": colour}


def skin_colour(rng: np.random.Generator, shape: Shape) -> Array:
    """Linear skin colour from ancestry."""
    anchors = np.array([[92, 62, 44], [214, 174, 140], [224, 182, 160]], float)
    srgb = (np.array(shape.ancestry)[:, None] * anchors).sum(0) * rng.uniform(0.86, 1.08) + rng.normal(
        0, 5, 3
    )
    return linear(tuple(np.clip(srgb, 25, 245)))
