"""Fewer triangles for what is small on the picture: vertices of a grid cell become one.

Rossignac and Borrel, "Multi-resolution 3D approximations for rendering complex scenes", 1993.
"""

import numpy as np
from numpy.typing import NDArray

from simulation.body import Faces

BITS = 16  # of a cell's number along one axis


def join_cells(
    points: NDArray[np.floating],
    faces: Faces,
    cell: float | NDArray[np.floating],
    labels: NDArray[np.integer],
) -> Faces:
    """Faces in which the vertices of one cell and label are one: the first of them.

    Args:
        points: (N, 3) in metres, within 300 cells of the origin.
        faces: (F, 3), indices of points.
        cell: edge of the cells in metres, one for all or (N,).
        labels: (N,) from 0 below 2 ** 15; vertices with different labels stay apart.

    Returns:
        (G, 3), indices of the same points; triangles that became lines or points are gone.
    """
    keys = np.asarray(labels, np.int64)
    for axis in range(3):
        keys = (keys << BITS) + np.floor(points[:, axis] / cell).astype(np.int64) + (1 << (BITS - 1))
    _, first, cell_of = np.unique(keys, return_index=True, return_inverse=True)
    joined = first[cell_of][faces]
    a, b, c = joined.T
    return np.asarray(joined[(a != b) & (b != c) & (c != a)], np.int32)
