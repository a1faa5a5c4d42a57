"""The renderer's own rules: buffers, uniforms, what is left out, how samples become pixels."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from simulation.camera import Window
from simulation.identity import draw_identity
from simulation.passes import overlaps, within
from simulation.preview import studio_station
from simulation.programs import set_uniforms
from simulation.renderer import MOST_TARGETS, Renderer
from simulation.scene import SUPERSAMPLE, Picture, Stance
from simulation.studio import Actor, Studio
from simulation.walking import Moment, Standing
from tests.simulation.drawing import silhouette

AT = Moment(0.0, 0.0, -np.pi / 2 + 0.4, 0.1, 1.0)
BEFORE = Window(40, 40, 80, 240)


@pytest.fixture(scope="module")
def actor(plain: Studio) -> Actor:
    return Actor(plain.renderer, draw_identity(1))


@pytest.fixture(scope="module")
def standing(plain: Studio, actor: Actor) -> Standing:
    return actor.puppet.stand(plain.body, [AT], plain.station.camera)[0]


def draw(studio: Studio, actor: Actor, standing: Standing, **changes: object) -> Picture | None:
    values: dict[str, object] = {"shot": 1, "window": BEFORE} | changes
    taken = studio.shoot_placed([(0, actor, standing)], **values)  # type: ignore[arg-type]
    return None if taken is None else taken[0]


def test_pictures_stay_the_same_when_buffers_were_given_up(
    plain: Studio, actor: Actor, standing: Standing
) -> None:
    before = draw(plain, actor, standing)
    for step in range(MOST_TARGETS + 4):
        plain.shoot([], shot=1, window=Window(0, 0, 16 + step, 32))
    after = draw(plain, actor, standing)

    assert before is not None
    assert after is not None
    assert np.array_equal(before.pixels, after.pixels)
    assert np.array_equal(before.people, after.people)


def test_nothing_is_coloured_when_too_little_shows(plain: Studio, actor: Actor, standing: Standing) -> None:
    assert draw(plain, actor, standing, least=(0, 0.5)) is not None
    assert draw(plain, actor, standing, least=(0, 0.999)) is None
    assert draw(plain, actor, standing, least=(7, 0.0)) is None, "nobody has this number"


def test_noise_is_of_the_shot_and_nothing_else_is(plain: Studio, actor: Actor, standing: Standing) -> None:
    noisy = replace(plain.sensor, noise_level=0.03)
    first, again, other = (draw(plain, actor, standing, sensor=noisy, shot=shot) for shot in (1, 1, 2))

    assert first is not None
    assert again is not None
    assert other is not None
    assert np.array_equal(first.pixels, again.pixels)
    difference = first.pixels.astype(int) - other.pixels
    assert 1 < difference.std() < 20
    assert abs(difference.mean()) < 0.5
    assert np.array_equal(first.people, other.people)


def test_one_shaded_sample_gives_nearly_the_picture_of_two(
    plain: Studio, actor: Actor, standing: Standing
) -> None:
    two, one = (draw(plain, actor, standing, shaded=count) for count in (2, 1))

    assert two is not None
    assert one is not None
    assert np.array_equal(one.people, two.people)
    difference = np.abs(one.pixels.astype(int) - two.pixels)
    assert 0 < difference.mean() < 2.0


def test_the_truth_shows_whom_the_picture_shows(plain: Studio, actor: Actor, standing: Standing) -> None:
    picture = draw(plain, actor, standing, truth=True)

    assert picture is not None
    assert picture.truth is not None
    assert np.array_equal(picture.truth[..., 0], picture.people)
    assert ((picture.truth[..., 1] > 0) == (picture.people > 0)).all()
    assert picture.people.shape == (BEFORE.height * SUPERSAMPLE, BEFORE.width * SUPERSAMPLE)


def brightness(picture: Picture | None) -> NDArray[np.float64]:
    assert picture is not None
    return np.asarray(picture.pixels.mean(2))


@pytest.mark.parametrize("curve", [0.3, 0.7])
def test_a_tone_curve_darkens_what_is_dark_and_lightens_what_is_light(
    plain: Studio, actor: Actor, standing: Standing, curve: float
) -> None:
    sensor = replace(plain.sensor, saturation=0.0)
    straight = brightness(draw(plain, actor, standing, sensor=sensor))
    bent = brightness(draw(plain, actor, standing, sensor=replace(sensor, curve=curve)))

    assert (bent[straight < 110] <= straight[straight < 110] + 1).all()
    assert (bent[straight > 145] >= straight[straight > 145] - 1).all()
    expected = straight / 255
    expected += curve * (expected**2 * (3 - 2 * expected) - expected)
    np.testing.assert_allclose(bent, 255 * expected, atol=1.5)


def test_more_exposure_is_brighter_everywhere(plain: Studio, actor: Actor, standing: Standing) -> None:
    dark, light = (
        brightness(draw(plain, actor, standing, sensor=replace(plain.sensor, exposure=exposure)))
        for exposure in (0.3, 0.6)
    )

    assert (light >= dark).all()
    assert light.mean() > 1.2 * dark.mean()


def test_uniforms_that_a_program_lacks_are_passed_over_and_matrices_go_row_by_row(
    renderer: Renderer,
) -> None:
    program = renderer.programs.geometry
    matrix = np.arange(16.0).reshape(4, 4)

    set_uniforms(program, view_projection=matrix, no_such_thing=1.0)

    stored = np.frombuffer(program.extra["view_projection"].read(), "<f4").reshape(4, 4)
    np.testing.assert_array_equal(stored, matrix.T)  # OpenGL keeps columns


def stance(left: int, top: int, right: int, bottom: int) -> Stance:
    return Stance(np.zeros((1, 3, 4)), 0.0, 0.0, 0.0, 0.0, (left, top, right, bottom))


@pytest.mark.parametrize(
    ("bounds", "inside"),
    [
        ((50, 50, 60, 60), (10, 10, 20, 20)),
        ((0, 0, 200, 400), (0, 0, 80, 240)),
        ((0, 0, 50, 50), (0, 0, 10, 10)),
        ((0, 0, 40, 400), None),
        ((0, 280, 200, 400), None),
        ((0, 0, 0, 0), None),
    ],
)
def test_people_are_drawn_where_they_meet_the_window(
    bounds: tuple[int, int, int, int], inside: tuple[int, int, int, int] | None
) -> None:
    assert overlaps(stance(*bounds), BEFORE) == (inside is not None)
    assert inside is None or within(stance(*bounds), BEFORE) == inside


def test_light_from_one_side_falls_on_that_side_of_people_only(renderer: Renderer, actor: Actor) -> None:
    station = studio_station()
    even = replace(station.place.light, sun=np.zeros(3, np.float32))
    pictures = []
    for side in ((0.0, 0.0, 0.0), (0.8, 0.0, 0.0)):
        place = replace(station.place, light=replace(even, side=side))
        studio = Studio(renderer, replace(station, place=place))
        at = actor.puppet.stand(studio.body, [replace(AT, heading=-np.pi / 2)], station.camera)[0]
        picture = draw(studio, actor, at, sensor=replace(station.sensor, saturation=0.0))
        assert picture is not None
        pictures.append(picture)
        studio.release()

    seen = silhouette(pictures[0].people)
    gain = brightness(pictures[1]) - brightness(pictures[0])
    middle = np.nonzero(seen)[1].mean()
    columns = np.arange(BEFORE.width)[None, :]
    left, right = (gain[seen & part].mean() for part in (columns < middle - 8, columns > middle + 8))
    assert right > 1.3 * left > 0, "the camera looks along +y, so +x is on its right"
    assert gain[seen].min() >= -1
