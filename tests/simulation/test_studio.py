"""Pictures and what is known of them: windows, visibility, body parts, exposure."""

import numpy as np
import pytest

from simulation.camera import Camera, Window
from simulation.identity import draw_identity
from simulation.renderer import Renderer
from simulation.studio import Actor, Studio
from simulation.walking import Moment
from simulation.world import draw_station

WIDTH, HEIGHT = 480, 270


@pytest.fixture(scope="module")
def studio(renderer: Renderer) -> Studio:
    return Studio(renderer, draw_station(5, 0, width=WIDTH, height=HEIGHT))


@pytest.fixture(scope="module")
def actors(studio: Studio) -> list[Actor]:
    return [Actor(studio.renderer, draw_identity(seed)) for seed in (1, 2)]


def towards(camera: Camera, away: float = 0.0) -> Moment:
    """Standing at the centre, `away` metres nearer to the camera, facing it."""
    x, y = camera.position[:2] / np.hypot(*camera.position[:2])
    return Moment(x * away, y * away, float(np.arctan2(y, x)), 0.0, 0.0)


def test_a_known_point_is_on_its_pixel() -> None:
    camera = Camera.looking_at(
        np.array([0.0, -4.0, 1.0]), np.array([0.0, 0.0, 1.0]), field=np.pi / 2, width=200, height=100
    )

    seen = camera.project(np.array([[0.0, 0.0, 1.0], [1.0, 0.0, 1.0], [0.0, 0.0, 2.0]]))

    assert seen.tolist() == [pytest.approx(row) for row in ([100, 50, 4], [112.5, 50, 4], [100, 37.5, 4])]


def test_a_window_has_the_pixels_of_the_whole(studio: Studio, actors: list[Actor]) -> None:
    cast = [(0, actors[0], towards(studio.station.camera))]
    whole, (sighting,) = studio.shoot(cast, shot=1)
    left, top, width, height = (int(side) for side in sighting.box)
    window = Window(left - 8, top - 8, width + 16, height + 16)
    part, (again,) = studio.shoot(cast, shot=1, window=window)

    across = slice(window.x0, window.x0 + window.width)
    down = slice(window.y0, window.y0 + window.height)
    inner = slice(2, -2)  # the lens' blur reaches over the edge
    difference = np.abs(whole.pixels[down, across].astype(int) - part.pixels)[inner, inner]
    assert difference.mean() < 1.0
    assert again.box == sighting.box
    assert again.visible == pytest.approx(sighting.visible, abs=0.02)


def test_somebody_in_front_hides_who_is_behind(studio: Studio, actors: list[Actor]) -> None:
    camera = studio.station.camera
    behind = (0, actors[0], towards(camera))
    _, (alone,) = studio.shoot([behind], shot=1)
    _, (hidden, _) = studio.shoot([behind, (1, actors[1], towards(camera, 0.6))], shot=1)

    assert alone.visible > 0.85
    assert hidden.visible < 0.7 * alone.visible


def test_parts_know_front_and_back_left_and_right(studio: Studio, actors: list[Actor]) -> None:
    facing = towards(studio.station.camera)
    turned = Moment(facing.x, facing.y, facing.heading + np.pi, 0.0, 0.0)

    front, back = (studio.shoot([(0, actors[0], at)], shot=1, truth=True)[0].truth for at in (facing, turned))
    assert front is not None
    assert back is not None
    for truth, shown, unseen, left_is_right in ((front, 2, 1, 1), (back, 1, 2, -1)):
        parts = truth[..., 1]
        assert set(np.unique(parts)) <= set(range(25))
        assert (parts == shown).sum() > 3 * (parts == unseen).sum()
        left, right = (np.nonzero(parts == foot)[1].mean() for foot in (5, 6))
        assert (left - right) * left_is_right > 0  # who faces us has the left foot on our right


def test_exposure_is_metered_on_the_whole_frame(studio: Studio) -> None:
    middle = Window(WIDTH // 2 - 32, HEIGHT // 2 - 32, 64, 64)
    whole, _ = studio.shoot([], shot=1)
    part, _ = studio.shoot([], shot=1, window=middle)

    cut = whole.pixels[middle.y0 : middle.y0 + 64, middle.x0 : middle.x0 + 64]
    np.testing.assert_array_equal(cut[2:-2, 2:-2], part.pixels[2:-2, 2:-2])
