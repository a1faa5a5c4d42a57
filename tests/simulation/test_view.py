"""Which cameras see the strip: rays against boxes and balls, and stations that are taken."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simulation.camera import Camera
from simulation.view import LEAST_TALL, NEAREST, Solids, hit_ball, hit_box, picture_rays, view_quality
from simulation.world import draw_station

NOTHING = Solids(np.zeros((0, 7)), np.zeros((0, 4)))
WIDTH = 4.5
coordinate = st.floats(-3, 3)


def down_the_strip(**changes: float) -> Camera:
    """Ten metres before the centre, three metres up."""
    values = {"back": -10.0, "field": 0.8} | changes
    return Camera.looking_at(
        np.array([values["back"], 0.0, 3.0]),
        np.array([0.0, 0.0, 0.9]),
        field=values["field"],
        width=1280,
        height=720,
    )


def inside_box(points: np.ndarray, box: np.ndarray) -> np.ndarray:
    c, s = np.cos(-box[6]), np.sin(-box[6])
    p = points - box[:3]
    turned = np.stack([c * p[:, 0] - s * p[:, 1], s * p[:, 0] + c * p[:, 1], p[:, 2]], 1)
    return np.asarray((np.abs(turned) <= box[3:6] / 2).all(1))


def test_a_box_is_hit_where_its_side_is() -> None:
    rays = np.array([[1.0, 0, 0], [2.0, 0, 0], [0, 1.0, 0], [-1.0, 0, 0]])

    hits = hit_box(np.zeros(3), rays, np.array([5.0, 0, 0, 2.0, 2.0, 2.0, 0.0]))

    assert hits.tolist() == [4.0, 2.0, np.inf, np.inf]


def test_a_turned_box_is_hit_at_its_corner() -> None:
    hits = hit_box(np.zeros(3), np.array([[1.0, 0, 0]]), np.array([5.0, 0, 0, 2.0, 2.0, 2.0, np.pi / 4]))

    assert hits[0] == pytest.approx(5.0 - np.sqrt(2))


def test_a_ball_is_hit_where_its_surface_is() -> None:
    rays = np.array([[1.0, 0, 0], [0, 0, 1.0], [-1.0, 0, 0]])

    assert hit_ball(np.zeros(3), rays, np.array([4.0, 0, 0, 1.5])).tolist() == [2.5, np.inf, np.inf]


def test_inside_something_everything_is_hit_at_once() -> None:
    solids = Solids(np.array([[0.0, 0, 0, 2, 2, 2, 0.3]]), np.zeros((0, 4)))
    rays = np.random.default_rng(1).normal(size=(20, 3))

    assert not solids.hit(np.zeros(3), rays).any()
    assert not Solids(NOTHING.boxes, np.array([[0.0, 0, 0, 1.0]])).hit(np.zeros(3), rays).any()


@given(
    st.tuples(coordinate, coordinate, coordinate),
    st.tuples(coordinate, coordinate, coordinate),
    st.tuples(st.floats(0.2, 3), st.floats(0.2, 3), st.floats(0.2, 3)),
    st.floats(-4, 4),
)
def test_a_box_is_hit_where_walking_along_the_ray_enters_it(
    centre: tuple[float, ...], towards: tuple[float, ...], size: tuple[float, ...], turn: float
) -> None:
    box, start, ray = np.array([*centre, *size, turn]), np.array([0.1, -0.2, 0.3]), np.array(towards)
    steps = np.linspace(0, 4, 4001)

    points = start + steps[:, None] * ray
    grown, shrunk = (np.concatenate([box[:3], box[3:6] + by, box[6:]]) for by in (1e-6, -1e-6))
    # A ray that lies in a face is inside or outside by rounding.
    assume(inside_box(points, grown).any() == inside_box(points, shrunk).any())
    within = inside_box(points, box)
    hit = hit_box(start, ray[None], box)[0]

    if within.any():
        assert steps[within.argmax()] == pytest.approx(hit, abs=0.002)
    elif hit <= 4:  # a corner between two steps
        assert inside_box(start + (hit + 1e-9) * ray[None], grown).all()


def test_a_free_view_is_good_and_a_wall_or_a_tree_before_it_is_not() -> None:
    camera = down_the_strip()
    wall = Solids(np.array([[-8.0, 0, 2, 0.2, 6, 4, 0]]), NOTHING.balls)
    tree = Solids(NOTHING.boxes, np.array([[-9.5, 0, 2.8, 1.0]]))
    behind = Solids(np.array([[20.0, 0, 5, 1, 40, 10, 0]]), np.array([[0.0, 0, 6.0, 1.0]]))

    assert view_quality(camera, NOTHING, WIDTH) >= 1
    assert view_quality(camera, behind, WIDTH) >= 1
    assert view_quality(camera, wall, WIDTH) < 0.5
    assert view_quality(camera, tree, WIDTH) < 0.5


def test_something_beside_the_camera_that_fills_the_picture_is_refused() -> None:
    camera = down_the_strip()
    side = Solids(np.array([[-9.0, 0.9, 3.0, 1.0, 0.8, 2.0, 0]]), NOTHING.balls)

    assert (side.hit(camera.position, picture_rays(camera)) < NEAREST).mean() > 0.04
    assert view_quality(camera, side, WIDTH) < 1


def test_too_far_away_or_looking_elsewhere_is_refused() -> None:
    elsewhere = replace(down_the_strip(), rotation=-down_the_strip().rotation)

    assert view_quality(down_the_strip(back=-80.0), NOTHING, WIDTH) == 0
    assert view_quality(elsewhere, NOTHING, WIDTH) == 0


@pytest.mark.parametrize("height", [240, 720])
def test_stations_see_people_well_at_any_size_of_picture(height: int) -> None:
    stations = [draw_station(seed, 1, width=height * 16 // 9, height=height) for seed in range(25)]

    for station in stations:
        assert view_quality(station.camera, station.place.solids, station.place.walk_width) >= 1
        person = station.camera.project(np.array([[x, 0.0, z] for x in range(-5, 6) for z in (0.0, 1.7)]))
        tall = (person[0::2, 1] - person[1::2, 1])[person[0::2, 2] > 1]
        assert tall.max() >= LEAST_TALL * height
    assert {station.place.night for station in stations} == {True, False}
    assert {station.place.ground.indoor for station in stations} == {True, False}
