"""People drawn from photographed figures: the same from the same seed, varied, and described as they are."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from simulation.avatars import People
from simulation.captions import caption
from simulation.cast import draw_cast
from simulation.closet import Wardrobe
from simulation.colours import COLOURS
from simulation.identity import Identity, disguised
from simulation.materials import PATTERNS
from simulation.pieces import Slot
from simulation.portrait import draw_portrait
from simulation.presets import TrackletPreset
from tests.simulation.figures import write_people

SEEDS = range(36)


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> People:
    return People(write_people(tmp_path_factory.mktemp("people")))


@pytest.fixture(scope="module")
def crowd(figures: People) -> list[Identity]:
    return [draw_portrait(seed, figures) for seed in SEEDS]


def texture(person: Identity) -> bytes:
    assert person.photograph is not None
    return person.photograph.tobytes()


def test_a_seed_is_one_person(figures: People, crowd: Sequence[Identity]) -> None:
    for seed in SEEDS[::20]:
        again = draw_portrait(seed, figures)
        assert again.attributes == crowd[seed].attributes
        assert again.style == crowd[seed].style
        assert again.materials.tobytes() == crowd[seed].materials.tobytes()
        assert texture(again) == texture(crowd[seed])
        for one, other in zip(again.pieces, crowd[seed].pieces, strict=True):
            assert one.vertices.tobytes() == other.vertices.tobytes()


def test_no_two_people_look_the_same(crowd: Sequence[Identity]) -> None:
    assert len({texture(person) + person.materials.tobytes() for person in crowd}) == len(crowd)
    assert len({person.attributes.top_colour for person in crowd}) > 8
    assert len({person.attributes.bottom_colour for person in crowd}) > 5


def test_people_are_as_tall_as_people_are(crowd: Sequence[Identity]) -> None:
    for person in crowd:
        bare = np.concatenate([p.vertices for p in person.pieces if p.uv is not None and p.slot != Slot.HAIR])
        assert np.ptp(bare[:, 2]) == pytest.approx(person.shape.stature + 0.03, abs=0.08)
        assert 1.4 < person.attributes.height_m < 2.05
    women, men = (
        np.mean([p.attributes.height_m for p in crowd if p.attributes.gender == gender])
        for gender in ("female", "male")
    )
    assert women + 0.06 < men


def test_attributes_name_the_pieces_that_are_there(crowd: Sequence[Identity]) -> None:
    for person in crowd:
        worn = {piece.slot for piece in person.pieces}
        assert {Slot.SKIN, Slot.SHOES, Slot.TOP, Slot.BOTTOM} <= worn
        assert (Slot.BAG in worn) == (person.attributes.bag is not None)
        assert (Slot.HAT in worn) == (person.attributes.hat is not None)
        assert person.attributes.hat is None or Slot.HAIR not in worn
        assert ("carries" in caption(person.attributes)) == (person.attributes.bag is not None)
        assert person.attributes.top in caption(person.attributes)


def test_colours_and_patterns_are_those_of_the_materials(crowd: Sequence[Identity]) -> None:
    for person in crowd:
        a = person.attributes
        for slot, colour in ((Slot.TOP, a.top_colour), (Slot.SHOES, a.shoes_colour)):
            srgb = person.materials[slot, 0, :3] ** (1 / 2.2) * 255
            assert np.abs(srgb - COLOURS[colour]).max() < 80, (a, slot)
        assert person.materials[Slot.TOP, 0, 3] == PATTERNS[a.top_pattern][0]


def test_sleeves_are_said_as_the_texture_shows_them(crowd: Sequence[Identity]) -> None:
    said = Counter(person.attributes.top for person in crowd)

    assert set(said) == {"T-shirt", "long-sleeved shirt"}
    assert min(said.values()) > 5


def test_look_alikes_wear_the_same_at_another_size(figures: People, crowd: Sequence[Identity]) -> None:
    for person in crowd[:4]:
        female = person.shape.female
        twin = draw_portrait(
            person.seed + 500, figures, outfit=person.seed, prints=person.seed, female=female
        )
        if draw_portrait(person.seed, figures, female=female).attributes != person.attributes:
            continue  # drawn among all figures, it would have been another
        of = ("gender", "top", "top_colour", "top_pattern", "bottom", "bottom_colour", "shoes_colour")
        assert [getattr(twin.attributes, k) for k in of] == [getattr(person.attributes, k) for k in of]
        assert twin.shape.stature != person.shape.stature


def test_a_bag_can_be_put_down(crowd: Sequence[Identity]) -> None:
    carrying = [person for person in crowd if person.attributes.bag is not None]

    assert len(carrying) > 6
    for person in carrying:
        assert Slot.BAG not in {piece.slot for piece in disguised(person).pieces}
        assert not disguised(person).materials[Slot.TOP, 6, 0]


def test_a_scene_has_its_share_of_photographed_people(figures: People) -> None:
    preset = TrackletPreset(seed=4, identities=24, test_identities=0, people=24, photographed=0.3)
    plain = draw_cast(preset, 0, Wardrobe())
    mixed = draw_cast(preset, 0, Wardrobe(), figures)
    found = [person.photograph is not None for person in mixed]

    assert not any(person.photograph is not None for person in plain)
    assert 0.15 < np.mean(found) < 0.45
    for one, other, photographed in zip(plain, mixed, found, strict=True):
        assert photographed or one.materials.tobytes() == other.materials.tobytes()


def test_a_preview_directory_of_nobody_changes_nothing(figures: People) -> None:
    preset = TrackletPreset(seed=3, identities=3, test_identities=0, people=3)

    assert [p.attributes for p in draw_cast(preset, 0, Wardrobe(), People())] == [
        p.attributes for p in draw_cast(preset, 0, Wardrobe())
    ]
