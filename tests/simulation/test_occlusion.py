"""What hides people is known exactly: against rays through the same boxes, and pixel by pixel."""

from dataclasses import replace

import numpy as np
import pytest

from simulation.builder import Builder, colour
from simulation.company import Crosser, random_pass
from simulation.identity import draw_identity
from simulation.place import Place, finished
from simulation.preview import studio_station
from simulation.renderer import Renderer
from simulation.studio import Actor, Studio
from simulation.walking import Moment
from simulation.world import Station

FACING = Moment(0.0, 0.0, -np.pi / 2, 0.1, 1.0)


def station_with(box: tuple[float, float, float, float, float, float] | None) -> Station:
    """The plain studio with a box before the middle: centre and size."""
    station = studio_station()
    build = Builder(np.random.default_rng(1))
    surface = build.surface(colour(build.rng, 0.1, 0.4, 0.1))
    build.box((0, 60, 1), (1, 1, 2), surface)
    if box is not None:
        build.box(box[:3], box[3:], surface)
    place: Place = finished(build, station.place.light, station.place.ground, 4.0, night=False)
    return replace(station, place=place)


@pytest.fixture(scope="module")
def actors(renderer: Renderer) -> list[Actor]:
    return [Actor(renderer, draw_identity(seed)) for seed in (3, 4)]


@pytest.mark.parametrize(
    "box",
    [
        (0, -2, 0.42, 4, 0.1, 0.84),
        (0, -2, 0.5, 4, 0.1, 1.0),
        (-1.0, -2, 1.5, 2, 0.1, 3),
        (0.1, -2, 1, 0.3, 0.1, 2),
    ],
    ids=["low wall", "railing height", "half of a gate", "post"],
)
def test_a_box_hides_what_rays_to_the_person_hit(
    renderer: Renderer, actors: list[Actor], box: tuple[float, float, float, float, float, float]
) -> None:
    plain, hidden = (Studio(renderer, station_with(standing)) for standing in (None, box))
    shares = [studio.shoot([(0, actors[0], FACING)], shot=1)[1][0].visible for studio in (plain, hidden)]

    camera, solids = hidden.station.camera, hidden.station.place.solids
    at = actors[0].puppet.stand(hidden.body, [FACING], camera)[0]
    pixels = at.points[: at.spread]
    ahead = np.ones((len(pixels), 1))
    rays = np.hstack([(pixels[:, :2] - (camera.width / 2, camera.height / 2)) / camera.focal, ahead])
    free = solids.hit(camera.position, (rays * pixels[:, 2:]) @ camera.rotation) >= 1.0
    assert 0.05 < free.mean() < 0.95
    assert shares[1] / shares[0] == pytest.approx(free.mean(), abs=0.08)
    plain.release()
    hidden.release()


def test_the_nearer_of_two_owns_every_pixel_that_both_cover(renderer: Renderer, actors: list[Actor]) -> None:
    studio = Studio(renderer, station_with(None))
    near = replace(FACING, y=-1.0, x=0.15)
    alone = [
        studio.shoot([(n, actor, at)], shot=1)[0].people > 0
        for n, (actor, at) in enumerate(zip(actors, (FACING, near), strict=True))
    ]

    both, _ = studio.shoot([(0, actors[0], FACING), (1, actors[1], near)], shot=1)

    shared = alone[0] & alone[1]
    assert shared.sum() > 500
    assert (both.people[shared] == 2).all()
    assert ((both.people > 0) == (alone[0] | alone[1])).all()
    assert (both.people[alone[0] & ~shared] == 1).all()
    studio.release()


def test_order_of_drawing_does_not_matter(renderer: Renderer, actors: list[Actor]) -> None:
    studio = Studio(renderer, station_with(None))
    cast = [(0, actors[0], FACING), (1, actors[1], replace(FACING, y=-1.0, x=0.15))]

    (first, seen), (second, turned) = (studio.shoot(order, shot=1) for order in (cast, cast[::-1]))

    swapped = np.array([0, 2, 1], np.uint8)[second.people]
    assert np.array_equal(first.people, swapped)
    assert sorted(seen, key=lambda s: s.person) == sorted(turned, key=lambda s: s.person)
    studio.release()


def test_somebody_who_crosses_hides_the_subject_most_at_the_time_of_crossing(
    renderer: Renderer, actors: list[Actor]
) -> None:
    studio = Studio(renderer, station_with(None))
    camera = studio.station.camera
    crosser = Crosser(random_pass(np.random.default_rng(1), 4.0), time=1.0, before=1.2, speed=1.2)
    shares = []
    for time in np.arange(0.0, 2.01, 0.25):
        other = crosser.at(actors[1].identity, FACING, float(time), camera)
        _, sightings = studio.shoot([(0, actors[0], FACING), (1, actors[1], other)], shot=1)
        shares.append(next(s.visible for s in sightings if s.person == 0))

    assert int(np.argmin(shares)) == 4
    assert shares[4] < 0.5 * max(shares)
    assert shares[0] == pytest.approx(max(shares), abs=0.03)
    assert shares[-1] == pytest.approx(max(shares), abs=0.03)
    studio.release()
