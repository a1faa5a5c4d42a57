"""Garments are cut where they are told: hems, sleeves, collars, thickness; what is covered is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.body import ARM_L, ARM_R, HEAD, load_body
from simulation.layers import OVERLAP, without_covered
from simulation.meshes import along_limb, arm_distance, mix_skinning, simplified_skin, vertex_normals
from simulation.pieces import LAYER, Piece, Slot, Tailor

BODY = load_body()
TAILOR = Tailor(BODY, BODY.shape(21))
SLACK = 0.03  # metres between the vertices of the helper meshes


def sleeve(piece: Piece) -> float:
    """How far down the left arm a piece reaches."""
    kept = (piece.cut > 0) & (piece.region == ARM_L)
    return float(along_limb(BODY, "L", piece.canonical[kept]).max()) if kept.any() else 0.0


@settings(max_examples=20, deadline=None)
@given(st.floats(-0.78, -0.2), st.floats(0.002, 0.03))
def test_trousers_end_at_their_hem(hem: float, thickness: float) -> None:
    piece = TAILOR.trousers(hem=hem, waist=0.10, thickness=thickness)

    assert piece.lowest == pytest.approx(hem, abs=SLACK)
    assert piece.canonical[piece.cut > 0, 2].max() <= 0.10
    assert not np.isin(piece.region[piece.cut > 0], (ARM_L, ARM_R, HEAD)).any()


@settings(max_examples=20, deadline=None)
@given(st.floats(0.12, 0.5), st.floats(0.0, 0.1))
def test_a_top_ends_at_hem_and_sleeve_and_leaves_the_neck(length: float, hem: float) -> None:
    piece = TAILOR.top(Slot.TOP, sleeve=length, hem=hem, collar=0.53, thickness=0.01)
    kept = piece.canonical[piece.cut > 0]

    assert piece.lowest >= min(hem, 0.17) - SLACK or length > 0.4  # hands hang lower than the hem
    assert sleeve(piece) == pytest.approx(length, abs=SLACK)
    throat = (np.abs(kept[:, 0]) < 0.05) & (kept[:, 1] < 0)
    assert kept[throat, 2].max() < 0.56


def test_a_sleeveless_top_ends_at_the_shoulder() -> None:
    piece = TAILOR.top(Slot.TOP, sleeve=0.0, hem=0.0, collar=0.53, thickness=0.01)

    assert sleeve(piece) < 0.03


def test_a_skirt_hangs_as_low_as_it_is_long() -> None:
    for hem in (-0.6, -0.4, -0.25):
        assert TAILOR.skirt(Slot.BOTTOM, hem=hem, thickness=0.004).lowest == pytest.approx(hem, abs=0.05)


def test_thickness_pushes_cloth_out_and_flare_widens_the_lower_leg() -> None:
    thin, thick = (TAILOR.trousers(hem=-0.75, waist=0.1, thickness=t) for t in (0.0, 0.02))
    wide = TAILOR.trousers(hem=-0.75, waist=0.1, thickness=0.0, flare=0.03)
    moved = np.linalg.norm(thick.vertices - thin.vertices, axis=1)
    below = thin.canonical[:, 2] < -0.7

    np.testing.assert_allclose(moved, 0.02, atol=1e-4)
    flared = np.linalg.norm(wide.vertices - thin.vertices, axis=1)
    assert flared[below].mean() > 0.02
    assert flared[thin.canonical[:, 2] > -0.25].max() < 1e-6


def test_what_falls_over_another_garment_stands_off_below_the_waist_only() -> None:
    shirt = TAILOR.top(Slot.TOP, sleeve=0.2, hem=0.0, collar=0.53, thickness=0.01)
    moved = np.linalg.norm(TAILOR.over(shirt, 0.02).vertices - shirt.vertices, axis=1)

    assert moved[shirt.canonical[:, 2] > 0.2].max() < 1e-6
    low = (shirt.canonical[:, 2] < 0.04) & ~np.isin(shirt.region, (ARM_L, ARM_R))
    assert moved[low].min() == pytest.approx(0.02, abs=1e-4)


def test_hair_and_hats_stay_on_the_head() -> None:
    for piece in (
        TAILOR.scalp(Slot.HAT, thickness=0.02, front=0.735, back=0.66),
        TAILOR.long_hair(length=0.45, crown=1.0, thickness=0.006),
    ):
        kept = piece.canonical[piece.cut > 0]
        assert kept[:, 2].min() > 0.43
        face = (np.abs(kept[:, 0]) < 0.03) & (kept[:, 1] < -0.1) & (kept[:, 2] < 0.72)
        assert not face.any()


def test_skin_under_clothes_is_left_out_and_other_skin_is_not() -> None:
    shirt = TAILOR.top(Slot.TOP, sleeve=0.49, hem=0.0, collar=0.53, thickness=0.01)
    trousers = TAILOR.trousers(hem=-0.75, waist=0.1, thickness=0.01)
    bare, dressed = TAILOR.skin([]), TAILOR.skin([shirt, trousers])
    shown = dressed.canonical

    assert len(dressed.faces) < 0.8 * len(bare.faces)
    for level in (-0.5, -0.2, 0.3):
        around = (np.abs(bare.canonical[:, 2] - level) < 0.04) & (np.abs(bare.canonical[:, 0]) < 0.13)
        left = (np.abs(shown[:, 2] - level) < 0.04) & (np.abs(shown[:, 0]) < 0.13)
        assert left.sum() < 0.2 * around.sum(), level
    assert shown[:, 2].max() == pytest.approx(bare.canonical[:, 2].max())


def test_a_jacket_hides_the_shirt_but_for_collar_and_hem() -> None:
    shirt = TAILOR.top(Slot.TOP, sleeve=0.49, hem=0.0, collar=0.53, thickness=0.01)
    jacket = TAILOR.top(Slot.OUTER, sleeve=0.52, hem=0.08, collar=0.545, thickness=0.03)
    trousers = TAILOR.trousers(hem=-0.75, waist=0.1, thickness=0.01)
    worn = {piece.slot: piece for piece in without_covered([trousers, shirt, jacket], tucked=False)}
    seen = worn[Slot.TOP].canonical[worn[Slot.TOP].cut > 0, 2]

    assert ((seen > 0.45) | (seen < 0.08 + OVERLAP + SLACK)).all()
    assert not np.isin(worn[Slot.TOP].region[worn[Slot.TOP].cut > 0], (ARM_L, ARM_R)).any()
    assert worn[Slot.BOTTOM].canonical[worn[Slot.BOTTOM].cut > 0, 2].max() <= OVERLAP + 0.01
    assert np.array_equal(worn[Slot.OUTER].cut, jacket.cut)


def test_a_tucked_shirt_ends_in_the_trousers_and_lies_under_them() -> None:
    shirt = TAILOR.top(Slot.TOP, sleeve=0.2, hem=0.0, collar=0.53, thickness=0.01)
    trousers = TAILOR.trousers(hem=-0.75, waist=0.1, thickness=0.01)
    worn = {piece.slot: piece for piece in without_covered([trousers, shirt], tucked=True)}

    assert worn[Slot.TOP].lowest >= 0.1 - OVERLAP - SLACK
    assert worn[Slot.TOP].layer < LAYER[Slot.BOTTOM]
    assert np.array_equal(worn[Slot.BOTTOM].cut, trousers.cut)


def test_distances_along_an_arm_are_those_of_its_joints() -> None:
    shoulder, elbow, wrist = (
        BODY.template_heads[BODY.bone(f"{name}.R")] for name in ("upperarm01", "lowerarm01", "wrist")
    )
    upper, lower = (float(np.linalg.norm(b - a)) for a, b in ((shoulder, elbow), (elbow, wrist)))
    points = np.stack([shoulder, (shoulder + elbow) / 2, elbow, wrist])

    np.testing.assert_allclose(along_limb(BODY, "R", points), [0, upper / 2, upper, upper + lower], atol=1e-5)
    assert not arm_distance(BODY).flags.writeable


def test_mixed_skinning_keeps_the_strongest_bones_and_sums_to_one() -> None:
    anchors = np.array([[100, 100, 100], [500, 9000, 12000]], np.int32)
    weights = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]], np.float32)
    bones, mixed = mix_skinning(BODY, anchors, weights)

    np.testing.assert_allclose(mixed.sum(1), 1.0, atol=1e-6)
    assert (np.diff(mixed, axis=1) <= 1e-6).all()
    own = dict(zip(BODY.skin_bones[100].tolist(), BODY.skin_weights[100].tolist(), strict=True))
    for bone, share in zip(bones[0].tolist(), mixed[0].tolist(), strict=True):
        if share > 0.02:
            assert share == pytest.approx(own[bone], abs=0.02)


def test_normals_of_a_ball_point_away_from_its_middle() -> None:
    rng = np.random.default_rng(0)
    corners = np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], np.float32)
    faces = np.array(
        [[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]], np.int32
    )
    points = corners * rng.uniform(0.9, 1.1, (6, 1)).astype(np.float32)
    normals = vertex_normals(points, faces)

    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0, atol=1e-6)
    assert (normals * corners).sum(1).min() > 0.9


def test_the_simplified_skin_is_whole_where_it_is_seen() -> None:
    faces = simplified_skin()
    t = BODY.template

    assert 0.3 * len(BODY.skin_faces) < len(faces) < 0.9 * len(BODY.skin_faces)
    trunk = (np.abs(t[:, 0]) < 0.1) & (np.abs(t[:, 2] - 0.25) < 0.1)
    kept, whole = (trunk[triangles].all(1).sum() for triangles in (faces, BODY.skin_faces))
    assert kept == whole
