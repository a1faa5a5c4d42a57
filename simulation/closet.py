"""The wardrobe that people are dressed from: meshes by role."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from simulation.body import load_body
from simulation.pieces import halves
from simulation.wardrobe import BoundMesh, read_mesh

SHORTS_HEM = -0.50  # level above the calf
MIDRIFF = 0.10  # level that a top must reach to be worn


class Wardrobe:
    """Wardrobe meshes by role, read once; empty without a directory."""

    def __init__(self, directory: Path | None = None) -> None:
        self.tops: list[tuple[BoundMesh, NDArray[np.bool_]]] = []
        self.bottoms: list[tuple[BoundMesh, NDArray[np.bool_]]] = []
        self.long_bottoms: list[tuple[BoundMesh, NDArray[np.bool_]]] = []  # those that are no shorts
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
        self.long_bottoms = [
            (mesh, lower)
            for mesh, lower in self.bottoms
            if mesh.fit(body.template)[lower, 2].min() <= SHORTS_HEM
        ]
        self.hair = {path.stem: read_mesh(path) for path in sorted((directory / "hair").glob("*/*.mhclo"))}
