"""Worlds of cameras that disagree."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.scene import SURFACES
from simulation.sensors import draw_sensor, draw_unlike_camera, draw_unlike_sensor
from simulation.surroundings import SETTINGS, draw_surroundings
from simulation.world import TALL, draw_station, draw_unlike_station, stature_on

seeds = st.integers(0, 2**32)


@given(seeds, st.booleans())
@settings(max_examples=25)
def test_a_place_is_whole_and_its_strip_is_free(seed: int, indoor: bool) -> None:
    place = draw_surroundings(np.random.default_rng(seed), indoor=indoor)

    assert place.ground.indoor == indoor
    assert len(place.vertices) == len(place.normals) == len(place.kinds)
    assert 0 <= place.faces.min() <= place.faces.max() < len(place.vertices)
    assert len(place.surfaces) <= SURFACES
    assert place.kinds.max() < len(place.surfaces)
    assert np.isfinite(place.vertices).all()
    assert not (indoor and place.night)
    along = np.linspace(-12, 12, 97)
    for centre in place.solids.boxes:
        half = 0.5 * np.hypot(centre[3], centre[4]) if centre[6] else None
        if half is None and centre[2] - centre[5] / 2 < 2.0:
            inside = (np.abs(along - centre[0]) < centre[3] / 2) & (abs(centre[1]) < centre[4] / 2)
            assert not inside.any(), "something stands in the middle of the strip"


def test_settings_of_both_kinds_are_drawn_and_light_has_tubes_only_indoors() -> None:
    places = [draw_surroundings(np.random.default_rng(k), indoor=k % 2 == 0) for k in range(24)]

    assert {setting.indoor for setting in SETTINGS.values()} == {False, True}
    assert any(place.light.tubes > 0 for place in places[::2])
    assert all(place.light.tubes == 0 for place in places[1::2])
    assert len({place.ground.paving for place in places}) >= 6


@pytest.mark.parametrize("seed", range(4))
def test_a_world_has_a_camera_indoors_and_one_outdoors(seed: int) -> None:
    first, second = (draw_unlike_station(seed, number, width=640, height=360) for number in range(2))

    assert first.place.ground.indoor
    assert not second.place.ground.indoor


@pytest.mark.parametrize("seed", range(6))
def test_people_are_of_a_likely_height_on_every_camera(seed: int) -> None:
    camera = draw_unlike_station(seed, 2, width=1280, height=720).camera

    assert camera.width <= 1280
    assert camera.width % 2 == camera.height % 2 == 0
    assert 0.2 * TALL[0] < stature_on(camera) <= TALL[1] * 1.02


@given(st.floats(0.3, 2.0))
def test_a_scaled_camera_sees_the_same_in_other_pixels(factor: float) -> None:
    camera = draw_unlike_camera(np.random.default_rng(1), room=3.0)
    points = np.random.default_rng(2).uniform(-3, 3, (20, 3))

    seen, scaled = camera.project(points), camera.scaled(factor).project(points)

    np.testing.assert_allclose(scaled[:, :2], seen[:, :2] * factor, atol=2.0)
    np.testing.assert_array_equal(scaled[:, 2], seen[:, 2])


def test_a_station_is_the_same_every_time() -> None:
    first, again = (draw_unlike_station(3, 2, width=640, height=360) for _ in range(2))

    assert np.array_equal(first.place.vertices, again.place.vertices)
    assert np.array_equal(first.camera.position, again.camera.position)
    assert first.sensor.gamma == again.sensor.gamma


def test_unlike_sensors_disagree_more_than_others() -> None:
    def spread(draw: object) -> float:
        assert callable(draw)
        casts = [np.diag(draw(np.random.default_rng(seed), night=False).crosstalk) for seed in range(200)]
        return float(np.log(np.array(casts)).std(0).mean())

    assert spread(draw_unlike_sensor) > 1.3 * spread(draw_sensor)


def test_lenses_hang_from_chest_height_to_a_mast() -> None:
    rng = np.random.default_rng(1)
    cameras = [draw_unlike_camera(rng, room=3.0) for _ in range(400)]
    heights = np.array([camera.position[2] for camera in cameras])

    assert heights.min() < 1.6
    assert heights.max() > 6.0
    assert all(abs(camera.position[1]) <= 3.0 for camera in cameras)


def test_old_stations_have_no_tubes_and_a_straight_tone_curve() -> None:
    station = draw_station(5, 0, width=640, height=360)

    assert station.place.light.tubes == 0.0
    assert station.sensor.curve == 0.0
