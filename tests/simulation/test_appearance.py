"""What is said of a person is what its pixels show."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from simulation.captions import caption
from simulation.colours import COLOURS
from simulation.identity import Identity, disguised, draw_identity
from simulation.pieces import Slot
from simulation.seasons import EVERYDAY
from simulation.studio import Actor, Studio
from simulation.walking import Moment
from tests.simulation.drawing import linear, silhouette

FACING, TURNED = -np.pi / 2, np.pi / 2
TORSO_FRONT = 2


def seen(studio: Studio, person: Identity, heading: float) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Pixels (N, 3) of the front of the torso, and the whole silhouette (H, W)."""
    actor = Actor(studio.renderer, person)
    picture, _ = studio.shoot([(0, actor, Moment(0, 0, heading, 0.1, 0.0))], shot=1, truth=True)
    actor.release()
    assert picture.truth is not None
    torso = silhouette(np.asarray(picture.truth[..., 1]), TORSO_FRONT)
    return picture.pixels[torso], silhouette(picture.people)


def in_one_colour(colour: str, seeds: range, count: int = 2) -> list[Identity]:
    """People whose tops are of one colour without pattern, with nothing over them."""
    season = replace(EVERYDAY, upper={colour: 1})
    found: list[Identity] = []
    for seed in seeds:
        person = draw_identity(seed, season=season)
        a = person.attributes
        # Prints and sleeves of another colour have no words of their own.
        if (a.top_pattern, a.outer, a.bag) == ("plain", None, None) and a.top != "dress":
            materials = person.materials.copy()
            materials[Slot.TOP, 5, 0] = 0.0
            found.append(replace(person, materials=materials))
        if len(found) == count:
            return found
    raise AssertionError(f"nobody in plain {colour}")


@pytest.mark.parametrize("colour", ["red", "blue", "green", "yellow"])
def test_a_plain_top_has_mostly_pixels_of_its_colour(plain: Studio, colour: str) -> None:
    name = np.array(COLOURS[colour], np.uint8)
    wanted = linear(name) / linear(name).sum()
    for person in in_one_colour(colour, range(60)):
        light = linear(seen(plain, person, FACING)[0])
        share = light / light.sum(1, keepdims=True)
        close = np.abs(share - wanted).max(1) < 0.15

        assert person.attributes.top_colour == colour
        assert colour in caption(person.attributes)
        assert close.mean() > 0.6, person.attributes


def test_white_grey_and_black_tops_are_of_that_order(plain: Studio) -> None:
    levels = [
        float(np.median(seen(plain, in_one_colour(colour, range(40), 1)[0], FACING)[0]))
        for colour in ("black", "grey", "white")
    ]

    assert levels[0] < 60
    assert levels[0] + 25 < levels[1] < levels[2] - 25


def test_a_bag_that_is_said_to_be_carried_is_seen(plain: Studio) -> None:
    checked = set()
    for seed in range(40):
        person = draw_identity(seed)
        bag = person.attributes.bag
        if bag is None or bag in checked:
            continue
        checked.add(bag)
        outline, without = (seen(plain, one, TURNED)[1] for one in (person, disguised(person)))
        extended = (outline & ~without).sum() + (without & ~outline).sum()
        with_bag, bare = (shot(plain, one) for one in (person, disguised(person)))
        different = np.abs(with_bag.astype(int) - bare).max(-1) > 15

        assert "carries" in caption(person.attributes)
        assert different.sum() > 0.03 * outline.sum(), bag
        assert bag == "backpack" or extended > 0
    assert checked == {"backpack", "shoulder bag", "hand bag"}


def shot(studio: Studio, person: Identity) -> NDArray[np.uint8]:
    """Somebody's picture from behind."""
    actor = Actor(studio.renderer, person)
    picture, _ = studio.shoot([(0, actor, Moment(0, 0, TURNED, 0.1, 0.0))], shot=1)
    actor.release()
    return picture.pixels


def test_taller_people_are_taller_in_the_picture(plain: Studio) -> None:
    people = sorted((draw_identity(seed) for seed in range(12)), key=lambda p: p.attributes.height_m)
    people = [person for person in people if person.attributes.hat is None]
    outlines = [seen(plain, person, FACING)[1].any(1) for person in (people[0], people[-1])]
    short, tall = (np.ptp(np.flatnonzero(rows)) + 1 for rows in outlines)
    said = people[-1].attributes.height_m / people[0].attributes.height_m

    assert said > 1.05
    assert tall / short == pytest.approx(said, rel=0.04)
