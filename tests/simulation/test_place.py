"""Places and what they are built of; those of older presets stay as they were."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.builder import LUMPS, Builder, colour
from simulation.place import draw_light, draw_place
from simulation.scene import SURFACES
from simulation.sensors import BRIGHTEST, MID_GREY, WHITE, draw_sensor, metered
from simulation.studio import Studio
from simulation.world import draw_station

seeds = st.integers(0, 2**32)
sides = st.floats(0.05, 5)
# Of train-3000 and small: seed and number of the camera; vertices, their summed coordinates; where it hangs;
# exposure and gamma; paving.
STATIONS = [
    (1010000, 0, 3168, 44132.2, [3.2075, -3.4, 3.3767], (0.8405, 2.18224), 0),
    (1010007, 3, 3912, 56356.3, [-11.8588, -2.3109, 2.7151], (1.0017, 2.09566), 2),
    (1020002, 1, 1992, 36027.4, [11.0584, 2.4255, 2.5296], (0.95387, 2.23879), 3),
]


def builder(seed: int = 1) -> Builder:
    return Builder(np.random.default_rng(seed))


@given(sides, sides, sides, st.floats(-4, 4))
def test_a_box_is_closed_and_its_normals_point_outwards(
    wide: float, deep: float, high: float, turn: float
) -> None:
    build = builder()
    build.box((1.0, 2.0, 3.0), (wide, deep, high), 0, turn)
    vertices, normals, faces = build.vertices[0], build.normals[0], build.faces[0]

    outwards = ((vertices - (1.0, 2.0, 3.0)) * normals).sum(1)
    corners = np.unique(vertices.round(4), axis=0)
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2
    assert (outwards > 0).all()
    assert len(corners) == 8
    assert area == pytest.approx(2 * (wide * deep + deep * high + wide * high), rel=1e-3)


@given(seeds, st.floats(0.2, 3))
def test_a_crown_lies_in_the_ball_that_rays_are_held_against(seed: int, radius: float) -> None:
    build = builder(seed)
    build.blob((0.0, 0.0, 4.0), radius, 0)

    reach = np.linalg.norm(build.vertices[0] - (0, 0, 4), axis=1)
    assert reach.max() <= radius * (1 + LUMPS) * (1 + 1e-5)
    assert build.balls[0][3] == pytest.approx(radius * (1 + LUMPS))


def test_a_full_table_of_surfaces_gives_earlier_ones_again() -> None:
    build = builder()
    numbers = [build.surface(colour(build.rng, 0.1, 0.5, 0.1)) for _ in range(SURFACES + 20)]

    assert numbers[:SURFACES] == list(range(SURFACES))
    assert all(0 <= number < SURFACES for number in numbers[SURFACES:])
    assert len(build.surfaces) == SURFACES


@given(seeds)
@settings(max_examples=20)
def test_a_place_is_the_same_from_the_same_seed(seed: int) -> None:
    first, again = (draw_place(np.random.default_rng(seed)) for _ in range(2))

    assert np.array_equal(first.vertices, again.vertices)
    assert np.array_equal(first.surfaces, again.surfaces)
    assert first.walk_width == again.walk_width
    assert first.faces.max() < len(first.vertices)
    assert not (first.night and first.ground.indoor)


@given(seeds, st.booleans(), st.booleans())
def test_light_comes_from_above_and_is_never_negative(seed: int, indoor: bool, night: bool) -> None:
    light = draw_light(np.random.default_rng(seed), indoor=indoor, night=night)

    assert np.linalg.norm(light.direction) == pytest.approx(1.0, abs=1e-5)
    assert light.direction[2] > 0
    assert min(light.sun.min(), light.sky.min(), light.bounce.min(), light.haze_colour.min()) > 0
    assert light.dapple == 0 or not (indoor or night)


@pytest.mark.parametrize(
    ("seed", "number", "vertices", "extent", "position", "response", "paving"),
    STATIONS,
)
def test_stations_of_older_presets_stay_as_they_were(
    seed: int,
    number: int,
    vertices: int,
    extent: float,
    position: list[float],
    response: tuple[float, float],
    paving: int,
) -> None:
    station = draw_station(seed, number, width=1280, height=720)

    assert len(station.place.vertices) == vertices
    assert np.abs(station.place.vertices).sum() == pytest.approx(extent, rel=1e-4)
    assert station.camera.position.tolist() == pytest.approx(position, abs=1e-3)
    assert (station.sensor.exposure, station.sensor.gamma) == pytest.approx(response, abs=1e-4)
    assert station.place.ground.paving == paving


@pytest.mark.parametrize("dimmer", [0.2, 1.0, 5.0])
def test_exposure_makes_up_for_the_light_without_burning_white_shirts(plain: Studio, dimmer: float) -> None:
    sensor = draw_sensor(np.random.default_rng(1), night=False)
    backdrop = plain.backdrop
    before = backdrop.luminance
    backdrop.luminance = before * dimmer
    try:
        gain = metered(sensor, backdrop).exposure / sensor.exposure
    finally:
        backdrop.luminance = before

    full = float((backdrop.light.sun + backdrop.light.sky).mean())
    assert gain == pytest.approx(
        np.clip(min(MID_GREY / (before * dimmer), BRIGHTEST / (WHITE * full)), 0.3, 8)
    )
