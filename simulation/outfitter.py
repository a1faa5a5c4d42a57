"""Clothes and things carried, drawn piece by piece from the body's helper meshes or from a wardrobe."""

import numpy as np
from numpy.typing import NDArray

from simulation.accessories import toe_caps
from simulation.body import Body, Shape
from simulation.closet import SHORTS_HEM, Wardrobe
from simulation.colours import SHOE_WEIGHTS, draw_colour, linear
from simulation.folds import folded
from simulation.layers import without_covered
from simulation.materials import PATTERNS, Material, draw_fabric
from simulation.pieces import Piece, Slot, Tailor
from simulation.seasons import EVERYDAY, Season
from simulation.wardrobe import BoundMesh

SEAM = np.float32(0.45)  # how dark the seams of a quilted jacket are against its cloth
QUIET = ("plain", "denim", "heather")
SOLE = 0.014  # metres
CLEARANCE = 0.006  # metres between a top and the bottom that it falls over
CROTCH = 0.0  # level below which a garment hangs around both legs together


class Outfitter:
    """Draws one identity; holds what its parts have in common."""

    def __init__(
        self,
        rng: np.random.Generator,
        body: Body,
        shape: Shape,
        wardrobe: Wardrobe,
        season: Season = EVERYDAY,
    ) -> None:
        self.rng, self.body, self.shape = rng, body, shape
        self.wardrobe, self.season = wardrobe, season
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

    def clothe(self) -> None:
        """All clothes but shoes."""
        if self.shape.female and self.chance(self.season.dress):
            self.dress()
        else:
            self.bottom()
            self.top()
        if self.chance(self.season.jacket):
            self.outer()
        self.pieces = without_covered(self.pieces, tucked=self.tucked)
        if self.season.lively:
            self.pieces = folded(self.rng, self.pieces)

    def fitting_bottoms(self) -> list[tuple[BoundMesh, NDArray[np.bool_]]]:
        """The wardrobe's trousers, in a warm season without the shorts."""
        return self.wardrobe.long_bottoms if self.season.warm else self.wardrobe.bottoms

    def seasonal(self, material: Material, pattern: str) -> str:
        """A fabric's pattern, or none where the season has but quiet ones."""
        if self.season.patterned or pattern in QUIET:
            return pattern
        material.pattern = PATTERNS["plain"][0]
        return "plain"

    def bottom(self) -> None:
        """Trousers, shorts, leggings or a skirt."""
        rng = self.rng
        material, colour, pattern = draw_fabric(rng, self.season.lower, lower=True)
        pattern = self.seasonal(material, pattern)
        material.gloss = 0.0
        material.belt, material.side_stripe = self.chance(0.25), self.chance(0.08)
        kind = str(
            rng.choice(
                ["trousers", "shorts", "leggings", "skirt"],
                p=self.season.women if self.shape.female else self.season.men,
            )
        )
        loose = rng.uniform(0.012, 0.028) if kind == "shorts" else rng.uniform(0.007, 0.022)
        self.bulk = {"skirt": 0.006, "leggings": 0.003}.get(kind, loose)
        if kind == "leggings":
            material.pattern, material.wrinkle, pattern = 0, 0.15, "plain"
        kind = self.cut_bottom(kind, loose)
        if kind == "trousers" and pattern == "denim":
            kind, pattern = "jeans", "plain"
        if pattern == "denim" and "denim" in colour:
            pattern = "plain"  # said by the colour
        self.materials[Slot.BOTTOM] = material
        self.said |= {"bottom": kind, "bottom_colour": colour, "bottom_pattern": pattern}

    def cut_bottom(self, kind: str, loose: float) -> str:
        """Cut a lower garment that stands off by `loose` metres; returns what it turned out to be."""
        rng, tailor = self.rng, self.tailor
        if kind == "skirt":
            length = rng.uniform(-0.66, -0.26)
            self.pieces.append(tailor.skirt(Slot.BOTTOM, hem=length, thickness=0.004))
            return "long skirt" if length < -0.45 else "short skirt"
        if kind == "leggings":
            piece = tailor.trousers(hem=rng.uniform(-0.74, -0.62), waist=0.10, thickness=0.003)
        elif kind == "shorts":
            piece = tailor.trousers(hem=rng.uniform(-0.42, -0.2), waist=0.10, thickness=loose)
        elif (bottoms := self.fitting_bottoms()) and self.chance(0.6):
            mesh, part = bottoms[int(rng.integers(len(bottoms)))]
            piece = tailor.bound(Slot.BOTTOM, mesh, thickness=rng.uniform(0.002, 0.012), keep=part)
            kind = "shorts" if piece.lowest > SHORTS_HEM else "trousers"
        else:
            flare = float(rng.choice([0.0, 0.012, 0.03]))
            hem = rng.uniform(-0.78, -0.72)
            piece = tailor.trousers(hem=hem, waist=0.10, thickness=loose, flare=flare)
        self.pieces.append(piece)
        return kind

    def top(self) -> None:
        """A shirt, T-shirt, jumper or sleeveless top."""
        rng = self.rng
        material, colour, pattern = draw_fabric(rng, self.season.upper, lower=False)
        pattern = self.seasonal(material, pattern)
        material.collar, material.contrast_sleeves = self.chance(0.25), self.chance(0.1)
        if self.chance(0.3):
            material.printed, material.print_back = True, self.chance(0.3)
            material.print_size, material.print_level = rng.uniform(0.1, 0.24), rng.uniform(0.2, 0.34)
        kind, sleeve = [
            ("sleeveless top", 0.0),
            ("T-shirt", rng.uniform(0.14, 0.24)),
            ("long-sleeved shirt", 0.49),
            ("jumper", 0.51),
        ][int(rng.choice(4, p=self.season.tops))]
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
        material, colour, pattern = draw_fabric(rng, self.season.upper, lower=False)
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
        material, colour, _ = draw_fabric(rng, self.season.outer, lower=False, plain=self.chance(0.8))
        kind = str(rng.choice(["jacket", "padded jacket", "coat"], p=self.season.jackets))
        if kind == "padded jacket":
            material.pattern, material.scale, material.duty = 11, float(rng.uniform(0.05, 0.08)), 0.1
            if self.season.lively:
                material.b = material.a * SEAM
        material.zip = self.chance(0.6)
        if self.chance(self.season.open_front):
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
