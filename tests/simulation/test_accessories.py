"""What is stiff and hung on a bone: closed, where it belongs, and carried along."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.accessories import backpack, cap_brim, hand_bag, hung, rounded_box, shoulder_bag, toe_caps
from simulation.body import HEAD, LEG_L, LEG_R, SKIN_VERTICES, load_body, pose, rotation, skin
from simulation.heads import skin_colour
from simulation.identity import draw_identity
from simulation.pieces import Slot, Tailor

BODY = load_body()
SHAPE = BODY.shape(17)
TAILOR = Tailor(BODY, SHAPE)
SHIRT = TAILOR.top(Slot.TOP, sleeve=0.3, hem=0.0, collar=0.53, thickness=0.02)
EXTENT = st.floats(0.01, 0.3)


@settings(max_examples=40)
@given(EXTENT, EXTENT, EXTENT, st.floats(0.2, 1.0))
def test_a_rounded_box_fills_its_extents_and_faces_outwards(
    x: float, y: float, z: float, power: float
) -> None:
    points, faces = rounded_box((x, y, z), power)
    a, b, c = (points[faces[:, k]].astype(np.float64) for k in range(3))
    edges = Counter(frozenset((int(f[k]), int(f[(k + 1) % 3]))) for f in faces for k in range(3))

    np.testing.assert_allclose(np.abs(points).max(0), (x, y, z), rtol=0.06)
    assert (np.cross(b - a, c - a) * a).sum() > 0
    assert Counter(edges.values()).most_common(1)[0][0] == 2


def test_a_thing_goes_with_its_bone() -> None:
    points, faces = rounded_box((0.1, 0.1, 0.1), 0.4)
    piece = hung(BODY, Slot.BAG, points, faces, bone="wrist.L", centre=SHAPE.heads[BODY.bone("wrist.L")])
    turn = {"upperarm01.L": rotation(1, 0.7)}
    posed = skin(piece.vertices, piece.bones, piece.weights, pose(BODY, SHAPE.heads, turn, 1))[0]
    shoulder = SHAPE.heads[BODY.bone("upperarm01.L")]
    before, after = (np.linalg.norm(p - shoulder, axis=1) for p in (piece.vertices, posed))

    np.testing.assert_allclose(before, after, atol=1e-5)
    assert np.linalg.norm(posed - piece.vertices, axis=1).min() > 0.05


@pytest.mark.parametrize("seed", range(6))
def test_bags_touch_who_carries_them(seed: int) -> None:
    trunk = SHIRT.vertices[np.abs(SHIRT.vertices[:, 0]) < 0.3]
    for maker in (backpack, shoulder_bag, hand_bag):
        for side in (1.0, -1.0):
            piece = maker(np.random.default_rng(seed), BODY, SHAPE, [SHIRT], side)
            middle = piece.vertices.mean(0)
            if maker is backpack:
                assert piece.vertices[:, 1].min() < trunk[:, 1].max() < middle[1]
                assert abs(middle[0]) < 1e-3
            else:
                assert middle[0] * side > 0.1
            if maker is hand_bag:
                hand = SHAPE.heads[BODY.bone(f"wrist.{'L' if side > 0 else 'R'}")]
                assert np.linalg.norm(piece.vertices - hand, axis=1).min() < 0.25


def test_toe_caps_hold_the_toes() -> None:
    regions = BODY.regions()[:SKIN_VERTICES]
    caps = toe_caps(BODY, SHAPE, sole=0.014)

    assert [int(cap.region[0]) for cap in caps] == [LEG_L, LEG_R]
    for cap in caps:
        foot = SHAPE.vertices[:SKIN_VERTICES][
            (regions == cap.region[0]) & (BODY.template[:SKIN_VERTICES, 2] < -0.75)
        ]
        toes = foot[foot[:, 1] < np.quantile(foot[:, 1], 0.1)]
        assert (toes.min(0) > cap.vertices.min(0) - 0.005).all()
        assert (toes.max(0) < cap.vertices.max(0) + 0.005).all()


def test_the_brim_of_a_cap_is_over_the_eyes() -> None:
    brim = cap_brim(BODY, SHAPE)
    eyes = SHAPE.heads[BODY.bone("eye.L")]
    skull = SHAPE.vertices[:SKIN_VERTICES][BODY.regions()[:SKIN_VERTICES] == HEAD]

    assert brim.vertices[:, 2].mean() > eyes[2]
    assert brim.vertices[:, 1].min() < skull[:, 1].min() - 0.02


def test_skin_is_as_dark_as_ancestry_says_and_never_out_of_range() -> None:
    shapes = [BODY.shape(index) for index in range(200)]
    rng = np.random.default_rng(0)
    light = np.array([skin_colour(rng, shape).mean() for shape in shapes])
    african = np.array([shape.ancestry[0] for shape in shapes])

    assert np.corrcoef(light, african)[0, 1] < -0.7
    assert light.min() > 0
    assert light.max() < 1


def test_hair_is_said_as_it_is_worn() -> None:
    for seed in range(40):
        person = draw_identity(seed)
        said, pieces = person.attributes.hair, [p for p in person.pieces if p.slot == Slot.HAIR]
        if said == "bald":
            assert not pieces
        elif said.startswith("long"):
            assert min(piece.lowest for piece in pieces) < 0.5
        elif said.startswith("chin"):
            assert 0.5 < min(piece.lowest for piece in pieces) < 0.66
        if person.attributes.hat is not None:
            assert any(piece.slot == Slot.HAT for piece in person.pieces)
