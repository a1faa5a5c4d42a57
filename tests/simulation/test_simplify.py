"""Joining the vertices of a cell: fewer triangles, nothing moved further than a cell, labels kept apart."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulation.body import Faces
from simulation.simplify import join_cells


def grid(side: int) -> tuple[NDArray[np.float64], Faces]:
    """A flat square of side x side points one centimetre apart, off the cells' edges."""
    y, x = np.mgrid[:side, :side]
    points = np.stack([x.ravel() * 0.01 + 0.001, y.ravel() * 0.01 + 0.001, np.full(side * side, 0.001)], 1)
    corner = np.array([r * side + c for r in range(side - 1) for c in range(side - 1)])
    upper = np.stack([corner, corner + 1, corner + side], 1)
    lower = np.stack([corner + 1, corner + side + 1, corner + side], 1)
    return points, np.concatenate([upper, lower]).astype(np.int32)


def test_small_cells_change_nothing() -> None:
    points, faces = grid(5)

    joined = join_cells(points, faces, 0.005, np.zeros(len(points), int))

    assert np.array_equal(joined, faces)


def test_cells_of_two_points_leave_a_quarter_of_the_triangles() -> None:
    points, faces = grid(9)

    joined = join_cells(points, faces, 0.02, np.zeros(len(points), int))

    assert len(faces) == 128
    assert len(joined) == 32


def test_labels_stay_apart() -> None:
    points, faces = grid(4)
    labels = np.arange(len(points))

    assert np.array_equal(join_cells(points, faces, 1.0, labels), faces)
    assert len(join_cells(points, faces, 1.0, np.zeros(len(points), int))) == 0


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.3))
def test_no_corner_moves_further_than_a_cell(seed: int, cell: float) -> None:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1, 1, (60, 3))
    faces = rng.integers(0, 60, (40, 3)).astype(np.int32)
    labels = rng.integers(0, 3, 60)

    joined = join_cells(points, faces, cell, labels)

    known = {tuple(face) for face in faces.tolist()}
    for face in joined:
        assert len(set(face.tolist())) == 3
        moved = [
            max(np.abs(points[face[k]] - points[old[k]]).max() for k in range(3))
            for old in known
            if all(labels[face[k]] == labels[old[k]] for k in range(3))
        ]
        assert min(moved) <= cell
