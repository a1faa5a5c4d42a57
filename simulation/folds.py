"""Folds of clothes: smooth waves of a garment's surface, deeper where cloth piles up."""

from dataclasses import replace

import numpy as np

from simulation.body import Array
from simulation.pieces import Piece, Slot

WAVES = 10
LENGTHS = (0.07, 0.22)  # metres from fold to fold, canonical
STEEP = 2.2  # how much shorter waves are along the body than around it
DEPTH = {Slot.BOTTOM: (0.004, 0.010), Slot.TOP: (0.003, 0.008), Slot.OUTER: (0.004, 0.010)}  # metres
ANKLE = -0.62  # canonical level below which trousers pile up
PILE = 0.055  # metres from fold to fold there


def waves(rng: np.random.Generator, canonical: Array) -> Array:
    """Sums of waves (N,) at canonical points (N, 3), of mean square 1/2."""
    directions = rng.normal(size=(WAVES, 3)) * (1.0, 1.0, STEEP)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lengths = rng.uniform(*LENGTHS, WAVES)
    phases = rng.uniform(0, 2 * np.pi, WAVES)
    total = np.zeros(len(canonical))
    for direction, length, phase in zip(directions, lengths, phases, strict=True):
        along = (canonical * direction).sum(1)
        total += np.sin(2 * np.pi * along / length + phase)
    return np.asarray(total / np.sqrt(WAVES), np.float32)


def relief(rng: np.random.Generator, slot: Slot, canonical: Array) -> Array:
    """How far (N,) a garment stands off further or less far for its folds, metres."""
    depth = rng.uniform(*DEPTH[slot])
    out = depth * np.clip(waves(rng, canonical), -1, 1.5)
    if slot == Slot.BOTTOM:
        level = canonical[:, 2]
        piled = np.clip((ANKLE - level) / 0.08, 0, 1)
        out = out + piled * rng.uniform(0.0, 0.007) * np.sin(2 * np.pi * level / PILE)
    return np.asarray(out, np.float32)


def folded(rng: np.random.Generator, pieces: list[Piece]) -> list[Piece]:
    """Pieces with folds; all pieces of one garment have the same."""
    seeds = {slot: int(rng.integers(1 << 32)) for slot in DEPTH}
    return [fold(piece, seeds[piece.slot]) if piece.slot in DEPTH else piece for piece in pieces]


def fold(piece: Piece, seed: int) -> Piece:
    """A piece with the folds of a seed."""
    off = relief(np.random.default_rng(seed), piece.slot, piece.canonical)[:, None]
    return replace(piece, vertices=(piece.vertices + off * piece.normals).astype(np.float32))
