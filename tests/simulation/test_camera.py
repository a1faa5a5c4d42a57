"""The camera against plain linear algebra: pixels, clip space, rays, parallel light."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from simulation.camera import FAR, NEAR, Camera, Window, clip_matrix, light_matrix, ray_matrix

coordinate = st.floats(-8, 8)
seeds = st.integers(0, 2**32)
Points = NDArray[np.float64]


def camera_of(seed: int) -> Camera:
    rng = np.random.default_rng(seed)
    return Camera.looking_at(
        np.array([rng.uniform(6, 12), rng.uniform(-3, 3), rng.uniform(1, 6)]),
        np.array([rng.normal(), rng.normal(), rng.uniform(0.5, 1.2)]),
        field=float(rng.uniform(0.4, 1.1)),
        width=int(rng.integers(64, 1920)),
        height=int(rng.integers(64, 1080)),
        roll=float(rng.normal(0, 0.1)),
    )


def points_of(seed: int, count: int = 30) -> Points:
    """Points in the strip, all before the camera."""
    return np.random.default_rng(seed).uniform((-4, -2, 0), (4, 2, 2), (count, 3))


def oracle(camera: Camera, points: Points) -> Points:
    """Pixels and depth by a homogeneous projection matrix K [R | -Rc]."""
    k = np.array([[camera.focal, 0, camera.width / 2], [0, camera.focal, camera.height / 2], [0, 0, 1]])
    matrix = k @ np.hstack([camera.rotation, -(camera.rotation @ camera.position)[:, None]])
    seen = np.hstack([points, np.ones((len(points), 1))]) @ matrix.T
    return np.concatenate([seen[:, :2] / seen[:, 2:], seen[:, 2:]], 1)


@given(seeds, seeds)
def test_projection_is_that_of_the_projection_matrix(seed: int, other: int) -> None:
    camera, points = camera_of(seed), points_of(other)

    np.testing.assert_allclose(camera.project(points), oracle(camera, points), rtol=1e-9, atol=1e-6)


@given(seeds)
def test_axes_are_right_handed_and_of_length_one(seed: int) -> None:
    rotation = camera_of(seed).rotation

    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)


def test_what_is_looked_at_is_in_the_middle_and_up_is_up() -> None:
    camera = Camera.looking_at(
        np.array([9.0, 1.0, 3.0]), np.array([0.0, 0.0, 1.0]), field=0.8, width=640, height=360
    )

    middle, above = camera.project(np.array([[0.0, 0.0, 1.0], [0.0, 0.0, 1.5]]))

    assert middle[:2] == pytest.approx([320, 180])
    assert above[0] == pytest.approx(320)
    assert above[1] < 180


@given(seeds, seeds, st.integers(0, 40), st.integers(0, 40))
def test_clip_space_and_pixels_agree_in_every_window(seed: int, other: int, x0: int, y0: int) -> None:
    camera, points = camera_of(seed), points_of(other)
    window = Window(x0, y0, camera.width - x0, camera.height - y0)

    clip = np.hstack([points, np.ones((len(points), 1))]) @ clip_matrix(camera, window).T

    seen = camera.project(points)
    across = (clip[:, 0] / clip[:, 3] + 1) / 2 * window.width + window.x0
    down = (clip[:, 1] / clip[:, 3] + 1) / 2 * window.height + window.y0
    np.testing.assert_allclose(np.stack([across, down], 1), seen[:, :2], rtol=1e-7, atol=1e-5)
    np.testing.assert_allclose(clip[:, 3], seen[:, 2], rtol=1e-9)


@pytest.mark.parametrize(("depth", "expected"), [(NEAR, -1.0), (FAR, 1.0)])
def test_the_nearest_and_the_farthest_are_at_the_ends_of_clip_space(depth: float, expected: float) -> None:
    camera = camera_of(1)
    point = camera.position + depth * camera.rotation[2]

    clip = clip_matrix(camera, Window.whole(camera)) @ [*point, 1.0]

    assert clip[2] / clip[3] == pytest.approx(expected)


@given(seeds, st.floats(-1, 1), st.floats(-1, 1), st.floats(1, 20))
def test_a_ray_goes_through_its_pixel(seed: int, x: float, y: float, reach: float) -> None:
    camera = camera_of(seed)
    window = Window.whole(camera)

    ray = (ray_matrix(camera, window) @ [x, y, 1.0, 0.0])[:3]

    (seen,) = camera.project((camera.position + reach * ray)[None])
    assert seen[:2] == pytest.approx(
        [(x + 1) / 2 * camera.width, (y + 1) / 2 * camera.height], rel=1e-6, abs=1e-4
    )


@given(seeds, coordinate, coordinate, st.floats(2, 20))
def test_parallel_light_moves_nothing_along_its_direction(
    seed: int, x: float, y: float, radius: float
) -> None:
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    matrix, point = light_matrix(direction, np.zeros(3), radius), np.array([x, y, 1.0])

    first, second = (matrix @ [*(point + shift * direction), 1.0] for shift in (0.0, 2.5))

    np.testing.assert_allclose(first[:2], second[:2], atol=1e-9)
    assert second[2] < first[2], "what is nearer to the light has the smaller depth"


@given(seeds, st.floats(2, 20))
def test_what_stands_around_the_centre_is_in_the_shadow_map(seed: int, radius: float) -> None:
    rng = np.random.default_rng(seed)
    direction = np.array([*rng.normal(size=2), 1.0])
    direction /= np.linalg.norm(direction)
    centre = rng.uniform(-5, 5, 3)
    inside = rng.normal(size=(40, 3))
    inside *= (rng.uniform(0, radius, 40) / np.linalg.norm(inside, axis=1))[:, None]

    seen = np.hstack([centre + inside, np.ones((40, 1))]) @ light_matrix(direction, centre, radius).T

    assert np.abs(seen[:, :3]).max() <= 1.0 + 1e-9


def test_a_window_of_the_whole_has_the_camera_s_size() -> None:
    camera = camera_of(3)

    assert Window.whole(camera) == Window(0, 0, camera.width, camera.height)
