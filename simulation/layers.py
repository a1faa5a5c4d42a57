"""Garments over garments: what lies under another one is taken off where it could only poke through."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simulation.body import ARM_L, ARM_R
from simulation.pieces import Piece, Slot

OVERLAP = 0.05  # metres that an inner garment reaches beyond an outer one's hem
TUCKED = 0.004  # metres towards the camera: less than a bottom
NECK = 0.46  # level above which a top shows in a jacket's collar


def without_covered(pieces: Sequence[Piece], *, tucked: bool) -> list[Piece]:
    """Take off what lies under another garment: it could only poke through."""
    hem = {
        slot: min((p.lowest for p in pieces if p.slot == slot), default=None)
        for slot in (Slot.BOTTOM, Slot.TOP, Slot.OUTER)
    }
    bottoms = [p for p in pieces if p.slot == Slot.BOTTOM]
    waist = max((float(p.canonical[p.cut > 0, 2].max()) for p in bottoms), default=0.0)
    dressed = []
    for piece in pieces:
        z, cut, layer = piece.canonical[:, 2], piece.cut, piece.layer
        over = hem[Slot.OUTER]
        if piece.slot == Slot.TOP and tucked and hem[Slot.BOTTOM] is not None:
            cut = np.minimum(cut, z - (waist - OVERLAP))
            layer = TUCKED
        if piece.slot == Slot.TOP and over is not None:
            arm = np.isin(piece.region, (ARM_L, ARM_R))
            below = over + OVERLAP - z if piece.lowest < over - OVERLAP else np.full_like(z, -1.0)
            shows = np.where(arm, -1.0, np.maximum(z - NECK, below))
            cut = np.minimum(cut, shows)
        if piece.slot == Slot.BOTTOM:
            top = hem[Slot.TOP]
            if top is not None and not tucked:
                cut = np.minimum(cut, top + OVERLAP - z)
            if over is not None:
                cut = np.minimum(cut, over + OVERLAP - z)
        if (cut > 0).any():
            dressed.append(replace(piece, cut=cut.astype(np.float32), layer=layer))
        elif piece.slot == Slot.BOTTOM:
            dressed.append(piece)
    return dressed
