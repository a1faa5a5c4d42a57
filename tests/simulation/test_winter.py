"""Groups in the same dark winter clothes: alike in what they wear, told apart by little, and described so."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from simulation.avatars import People
from simulation.body import load_body
from simulation.captions import caption, record
from simulation.cast import draw_cast
from simulation.closet import Wardrobe
from simulation.identity import Identity, draw_identity
from simulation.neckwear import AROUND, SECTION, neck, torus
from simulation.pieces import Slot
from simulation.portrait import draw_portrait
from simulation.presets import PRESETS, TrackletPreset
from simulation.seasons import EVERYDAY, WINTER
from tests.simulation.figures import write_people

DARK = 0.2  # linear light that a dark cloth reflects at most
SAME = ("gender", "top", "bottom", "outer", "outer_colour")


@pytest.fixture(scope="module")
def figures(tmp_path_factory: pytest.TempPathFactory) -> People:
    return People(write_people(tmp_path_factory.mktemp("people")))


@pytest.fixture(scope="module")
def group() -> list[Identity]:
    return [draw_identity(s, outfit=40, female=True, season=WINTER, apart=True) for s in range(40, 52)]


@pytest.fixture(scope="module")
def photographed(figures: People) -> list[Identity]:
    return [
        draw_portrait(s, figures, outfit=40, female=False, season=WINTER, apart=True) for s in range(40, 52)
    ]


def shade(person: Identity, slot: Slot) -> float:
    return float(person.materials[slot, 0, :3].mean())


def test_a_group_wears_the_same(group: Sequence[Identity], photographed: Sequence[Identity]) -> None:
    for people in (group, photographed):
        for name in SAME:
            assert len({getattr(person.attributes, name) for person in people}) == 1, name
        over = Slot.TOP if people is photographed else Slot.OUTER
        assert len({person.materials[over, 0].tobytes() for person in people}) == 1
        assert not any(person.shape.child for person in people)


def test_everyone_of_a_group_can_be_told_apart(
    group: Sequence[Identity], photographed: Sequence[Identity]
) -> None:
    for people in (group, photographed):
        shades = sorted(shade(person, Slot.BOTTOM) for person in people)
        assert shades[-1] > 1.8 * shades[0]
        for name in ("bag", "shoes_colour", "extras"):
            assert len({getattr(person.attributes, name) for person in people}) > 2, name
        seen = [person.materials.tobytes() for person in people]
        assert len(set(seen)) == len(seen)


def test_winter_covers_arms_and_legs_in_dark_colours() -> None:
    people = [draw_identity(seed, season=WINTER) for seed in range(20)]

    assert all(person.attributes.outer is not None for person in people)
    assert {person.attributes.bottom for person in people} <= {"trousers", "jeans", "leggings"}
    assert {person.attributes.top for person in people} <= {"long-sleeved shirt", "jumper"}
    assert np.mean([shade(person, Slot.OUTER) < DARK for person in people]) > 0.9
    assert all(person.attributes.bottom_pattern in ("plain", "denim", "heather") for person in people)
    assert WINTER.warm
    assert not EVERYDAY.warm


def test_photographed_people_wear_what_suits_winter(figures: People) -> None:
    people = [draw_portrait(seed, figures, season=WINTER) for seed in range(14)]

    assert {person.attributes.top for person in people} <= {"jacket", "padded jacket"}
    assert {person.attributes.bottom for person in people} <= {"trousers", "jeans"}
    assert np.mean([shade(person, Slot.TOP) < DARK for person in people]) > 0.9


def test_what_is_round_the_neck_is_there_and_said(
    group: Sequence[Identity], photographed: Sequence[Identity]
) -> None:
    kinds: Counter[str] = Counter()
    for person in [*group, *photographed]:
        extras = person.attributes.extras
        worn = [piece for piece in person.pieces if piece.slot == Slot.EXTRA]
        assert bool(extras) == bool(worn)
        assert ("extras" in record(person.attributes)) == bool(extras)
        for extra in extras:
            kinds[extra.split(" ", 1)[-1]] += 1
            assert extra in caption(person.attributes)
            middle, half = neck(load_body(), person.shape.vertices)
            points = np.concatenate([piece.vertices for piece in worn])
            assert points[:, 2].max() > middle[2] - 0.08
            assert np.abs(points[:, 0]).max() < half[0] + 0.16
    assert set(kinds) == {"scarf", "fur collar", "hood"}


def test_a_ring_goes_all_round_the_neck(group: Sequence[Identity]) -> None:
    rings = 0
    for person in group:
        if not any("fur" in extra or "scarf" in extra for extra in person.attributes.extras):
            continue
        worn = next(piece for piece in person.pieces if piece.slot == Slot.EXTRA)
        middle, half = neck(load_body(), person.shape.vertices)
        core = worn.vertices.reshape(AROUND, SECTION, 3).mean(1) - middle
        angles = np.sort(np.arctan2(core[:, 1], core[:, 0]))
        assert np.linalg.norm(core[:, :2] / half[:2], axis=1).min() > 1.0
        assert np.diff(angles).max() < 0.7
        rings += 1
    assert rings > 1


def test_a_torus_is_closed_and_turned_outwards() -> None:
    points, faces = torus(np.array([0.08, 0.06]), 0.03, 1.2, 0.0)
    edges = Counter(frozenset((int(face[k]), int(face[(k + 1) % 3]))) for face in faces for k in range(3))
    a, b, c = (points[faces[:, k]] for k in range(3))

    assert set(edges.values()) == {2}
    assert (np.cross(b - a, c - a) * a).sum() > 0  # the volume inside is positive
    assert np.ptp(points[:, 2]) == pytest.approx(2 * 1.2 * 0.03, rel=0.02)


def test_groups_are_the_share_of_a_world_that_its_preset_says() -> None:
    preset = TrackletPreset(seed=6, identities=80, test_identities=0, people=40, alike=0.4)
    people = [person for part in range(2) for person in draw_cast(preset, part, Wardrobe())]
    worn = Counter(
        (person.attributes.outer_colour, person.materials[Slot.OUTER, 0].tobytes()) for person in people
    )
    grouped = sum(count for (colour, _), count in worn.items() if colour is not None and count >= 4)

    assert 0.2 < grouped / len(people) < 0.6


def test_old_presets_have_no_groups() -> None:
    assert all(PRESETS[name].alike == 0 for name in ("train-3000", "small", "tiny"))
    assert all(PRESETS[name].alike > 0 for name in ("train-9000", "unseen", "clips"))
