"""Folds, bags with what bags have, busy hands: there, in measure, and said."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from simulation import bags
from simulation.avatars import People
from simulation.body import load_body, pose, skin
from simulation.captions import caption, record
from simulation.cast import draw_cast
from simulation.closet import Wardrobe
from simulation.folds import DEPTH, PILE, folded, relief, waves
from simulation.gait import GaitStyle, joint_rotations, lively_style
from simulation.identity import Identity, disguised, draw_identity
from simulation.pieces import Piece, Slot
from simulation.portrait import draw_portrait
from simulation.presets import PRESETS, TrackletPreset
from simulation.seasons import EVERYDAY
from tests.simulation.figures import write_people

LIVELY = replace(EVERYDAY, lively=True)
PHASES = np.linspace(0, 1, 8, endpoint=False)


@pytest.fixture(scope="module")
def people() -> list[Identity]:
    return [draw_identity(seed, season=LIVELY) for seed in range(48)]


@pytest.fixture(scope="module")
def photographed(tmp_path_factory: pytest.TempPathFactory) -> list[Identity]:
    figures = People(write_people(tmp_path_factory.mktemp("people")))
    return [draw_portrait(seed, figures, season=LIVELY) for seed in range(20)]


def hands(style: GaitStyle, side: str) -> NDArray[np.floating]:
    """Where a wrist is over a gait cycle (T, 3), of a body of average size."""
    body = load_body()
    shape = body.shape(3)
    bone = body.bone(f"wrist.{side}")
    rotations = joint_rotations(body, shape.heads, style, PHASES, np.ones(len(PHASES)))
    transforms = pose(body, shape.heads, rotations, len(PHASES))
    at = shape.heads[bone].astype(np.float64)
    return np.asarray(transforms[:, bone, :, :3] @ at + transforms[:, bone, :, 3])


def test_waves_are_smooth_and_of_even_strength() -> None:
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (4000, 3)).astype(np.float32)
    value = waves(np.random.default_rng(1), points)
    near = waves(np.random.default_rng(1), points + np.float32(0.002))

    assert (value**2).mean() == pytest.approx(0.5, abs=0.15)
    assert np.abs(near - value).max() < 0.5
    assert not np.array_equal(value, waves(np.random.default_rng(2), points))


@pytest.mark.parametrize("slot", list(DEPTH))
def test_folds_stay_within_the_thickness_of_cloth(slot: Slot) -> None:
    points = np.random.default_rng(0).uniform(-0.8, 0.5, (3000, 3)).astype(np.float32)
    for seed in range(5):
        off = relief(np.random.default_rng(seed), slot, points)
        assert np.abs(off).max() < 1.5 * DEPTH[slot][1] + 0.008
        assert off.std() > 0.3 * DEPTH[slot][0]


def test_trousers_pile_up_at_the_ankles() -> None:
    levels = np.arange(-0.80, -0.72, PILE / 16, dtype=np.float32)
    column = np.stack([np.full_like(levels, 0.15), np.zeros_like(levels), levels], 1)

    def roughness(level: float) -> float:
        points = column + np.array([0, 0, level], np.float32)
        reliefs = (relief(np.random.default_rng(seed), Slot.BOTTOM, points) for seed in range(30))
        return float(np.mean([np.abs(np.diff(off, 2)).mean() for off in reliefs]))

    assert roughness(0.0) > 1.15 * roughness(0.5)


def test_folding_leaves_skin_hair_and_the_number_of_vertices(people: Sequence[Identity]) -> None:
    before = people[0].pieces
    after = folded(np.random.default_rng(0), list(before))

    for old, new in zip(before, after, strict=True):
        moved = np.linalg.norm(new.vertices - old.vertices, axis=1)
        assert (moved.max() > 0) == (old.slot in DEPTH)
        assert new.faces is old.faces
        assert moved.max() < 0.03


def of(person: Identity, slot: Slot) -> list[Piece]:
    return [piece for piece in person.pieces if piece.slot == slot]


def test_bags_have_parts_and_hang_where_they_are_carried(people: Sequence[Identity]) -> None:
    kinds: Counter[str] = Counter()
    for person in people:
        bag, worn = person.attributes.bag, of(person, Slot.BAG)
        assert bool(worn) == (bag is not None)
        if bag is None:
            continue
        kinds[bag] += 1
        points = np.concatenate([piece.vertices for piece in worn])
        trunk = np.concatenate([piece.vertices for piece in of(person, Slot.TOP)])
        if bag == "backpack":
            assert points[:, 1].max() > trunk[:, 1].max() + 0.05  # behind
        elif bag == "hand bag":
            assert len(worn) == 2
            side = "L" if points[:, 0].mean() > 0 else "R"
            wrist = person.shape.heads[load_body().bone(f"wrist.{side}")]
            assert np.linalg.norm(points - wrist, axis=1).min() < bags.HAND + 0.03
        else:
            assert np.abs(points[:, 0]).max() > 0.12  # beside
    assert set(kinds) == {"backpack", "hand bag", "shoulder bag"}


def test_triangles_of_bags_face_outwards(people: Sequence[Identity]) -> None:
    for person in people[:30]:
        for piece in of(person, Slot.BAG) + of(person, Slot.HELD):
            a, b, c = (piece.vertices[piece.faces[:, k]].astype(np.float64) for k in range(3))
            middle = piece.vertices.mean(0)
            assert (np.cross(b - a, c - a) * (a - middle)).sum() > 0, person.attributes.bag


@pytest.mark.parametrize("side", ["L", "R"])
def test_a_held_up_hand_is_before_the_body(side: str) -> None:
    sign = 1 if side == "L" else -1
    heads = load_body().shape(3).heads
    shoulder = heads[load_body().bone(f"upperarm01.{side}")]
    swing, hold, strap = (
        hands(GaitStyle(left_arm=manner, right_arm=manner), side) for manner in ("swing", "hold", "strap")
    )

    assert (hold[:, 1] < swing[:, 1].min()).all()  # further ahead: people face -y
    assert (hold[:, 2] > swing[:, 2].max() + 0.1).all()
    assert (np.abs(hold[:, 0]) < abs(shoulder[0])).all()
    assert (strap[:, 2] > hold[:, 2].max()).all()
    assert (np.abs(strap[:, 2] - shoulder[2]) < 0.3).all()
    assert (sign * hold[:, 0] > -0.1).all()
    assert np.ptp(hold, axis=0).max() < 0.5 * np.ptp(swing, axis=0).max() + 0.1


def test_hands_are_busy_as_often_as_they_are_said_to_be() -> None:
    rng, shape = np.random.default_rng(0), load_body().shape(0)
    styles = [lively_style(rng, shape) for _ in range(600)]
    arms = Counter(arm for style in styles for arm in (style.left_arm, style.right_arm))

    assert set(arms) == {"swing", "hold", "strap", "pocket", "phone", "still"}
    assert arms["swing"] / 1200 == pytest.approx(0.64, abs=0.06)
    assert arms["hold"] / 1200 == pytest.approx(0.13, abs=0.04)


def test_what_is_held_is_in_a_hand_and_said(
    people: Sequence[Identity], photographed: Sequence[Identity]
) -> None:
    holding = 0
    for person in [*people, *photographed]:
        a, worn = person.attributes, of(person, Slot.HELD)
        assert bool(worn) == (a.held is not None) == ("held" in record(a))
        assert a.held is None or a.held in caption(a)
        if worn:
            side = "left_arm" if worn[0].vertices[:, 0].mean() > 0 else "right_arm"
            hanging = a.held is not None and "umbrella" in a.held
            assert getattr(person.style, side) in (("swing", "still") if hanging else ("hold",))
            assert of(disguised(person), Slot.HELD)
            holding += 1
    assert holding > 8


@pytest.mark.parametrize("side", ["L", "R"])
def test_a_rolled_up_umbrella_hangs_from_the_hand_to_the_shin(side: str) -> None:
    body, shape = load_body(), load_body().shape(5)
    for seed in range(5):
        (piece,) = bags.closed_umbrella(np.random.default_rng(seed), body, shape, side)
        rotations = joint_rotations(body, shape.heads, GaitStyle(), PHASES, np.ones(8))
        posed = skin(piece.vertices, piece.bones, piece.weights, pose(body, shape.heads, rotations, 8))
        ground = shape.vertices[:, 2].min()

        assert posed[..., 2].min() > ground - 0.05
        assert np.ptp(posed[0, :, 2]) > 0.4
        assert posed[..., 2].max() < ground + 0.6 * shape.stature


def test_what_is_held_is_seen_from_ahead(people: Sequence[Identity]) -> None:
    body = load_body()
    person = next(p for p in people if p.attributes.held is not None and "papers" in p.attributes.held)
    piece = of(person, Slot.HELD)[0]
    rotations = joint_rotations(body, person.shape.heads, person.style, PHASES[:1], np.ones(1))
    posed = skin(piece.vertices, piece.bones, piece.weights, pose(body, person.shape.heads, rotations, 1))[0]
    extent = np.ptp(posed, axis=0)

    assert extent[2] > 0.2  # upright
    assert extent[0] > extent[1]  # and across the way


def test_the_seams_of_a_quilted_jacket_are_darker_than_its_cloth(
    people: Sequence[Identity], photographed: Sequence[Identity]
) -> None:
    quilted = [
        person.materials[slot, :2, :3]
        for person in [*people, *photographed]
        for slot, name in ((Slot.OUTER, person.attributes.outer), (Slot.TOP, person.attributes.top))
        if name == "padded jacket"
    ]

    assert quilted
    assert all((seam < cloth).all() for cloth, seam in quilted)


def test_only_the_newer_presets_are_lively() -> None:
    lively = {"train-9000", "unseen", "clips", "pairs"}
    assert {name for name, preset in PRESETS.items() if preset.lively} == lively
    plain = TrackletPreset(seed=4, identities=6, test_identities=0, people=6)
    still, moving = (draw_cast(replace(plain, lively=lively), 0, Wardrobe()) for lively in (False, True))

    for one, other in zip(still, moving, strict=True):
        assert one.shape.stature == other.shape.stature
        assert one.attributes.top_colour == other.attributes.top_colour
        assert any(
            not np.array_equal(a.vertices, b.vertices)
            for a, b in zip(of(one, Slot.TOP), of(other, Slot.TOP), strict=True)
        )
