"""Truth against pixels: boxes, body parts, visible shares, and that who is named is seen."""

import numpy as np
import pytest
from numpy.typing import NDArray

from simulation.identity import draw_identity
from simulation.scene import SUPERSAMPLE, Picture
from simulation.studio import Actor, Sighting, Studio
from simulation.walking import Moment
from tests.simulation.drawing import silhouette

TURNS = np.arange(8) * np.pi / 4
FACING, TURNED = -np.pi / 2, np.pi / 2  # the studio's camera stands at -y
SEEDS = (1, 2, 9)
# Part numbers as in DensePose.
TORSO_BACK, TORSO_FRONT = 1, 2
PAIRS = (
    (4, 3),
    (5, 6),
    (8, 7),
    (10, 9),
    (12, 11),
    (14, 13),
    (15, 16),
    (17, 18),
    (19, 20),
    (21, 22),
    (24, 23),
)


def at(heading: float, **changes: float) -> Moment:
    values = {"x": 0.0, "y": 0.0, "phase": 0.1, "walk": 1.0} | changes
    return Moment(values["x"], values["y"], heading, values["phase"], values["walk"])


@pytest.fixture(scope="module", params=SEEDS)
def views(plain: Studio, request: pytest.FixtureRequest) -> list[tuple[Picture, Sighting]]:
    """One person from all sides."""
    actor = Actor(plain.renderer, draw_identity(request.param))
    shots = [plain.shoot([(0, actor, at(turn))], shot=1, truth=True) for turn in TURNS]
    actor.release()
    return [(picture, sighting) for picture, (sighting,) in shots]


@pytest.fixture(scope="module")
def pair(plain: Studio) -> list[Actor]:
    return [Actor(plain.renderer, draw_identity(seed)) for seed in (1, 2)]


def parts_of(picture: Picture) -> NDArray[np.uint8]:
    assert picture.truth is not None
    return np.asarray(picture.truth[..., 1])


def middle(parts: NDArray[np.uint8], wanted: tuple[int, ...]) -> tuple[float, float]:
    rows, columns = np.nonzero(np.isin(parts, wanted))
    assert len(rows)
    return float(rows.mean()), float(columns.mean())


def test_boxes_are_tight_around_the_silhouette(views: list[tuple[Picture, Sighting]]) -> None:
    for picture, sighting in views:
        rows, columns = np.nonzero(picture.people == 1)
        left, top, width, height = sighting.box
        drawn = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]) / SUPERSAMPLE

        np.testing.assert_allclose(drawn, [left, top, left + width, top + height], atol=0.03 * height)


def test_every_part_is_seen_from_some_side(views: list[tuple[Picture, Sighting]]) -> None:
    seen = {int(part) for picture, _ in views for part in np.unique(parts_of(picture))}

    assert seen == set(range(25))


def test_parts_belong_to_people_and_people_consist_of_parts(views: list[tuple[Picture, Sighting]]) -> None:
    for picture, _ in views:
        np.testing.assert_array_equal(parts_of(picture) > 0, picture.people > 0)


def test_heads_are_above_torsos_above_legs_above_feet(views: list[tuple[Picture, Sighting]]) -> None:
    for picture, _ in views:
        groups = ((23, 24), (1, 2), (7, 8, 9, 10), (11, 12, 13, 14), (5, 6))
        levels = [middle(parts_of(picture), group)[0] for group in groups]
        assert levels == sorted(levels)


def test_left_and_right_change_sides_with_the_view(plain: Studio, pair: list[Actor]) -> None:
    for heading, left_is_right in ((FACING, 1), (TURNED, -1)):
        standing = at(heading, walk=0.0)
        parts = parts_of(plain.shoot([(0, pair[0], standing)], shot=1, truth=True)[0])
        shown = [(left, right) for left, right in PAIRS if (parts == left).any() and (parts == right).any()]
        assert len(shown) >= 7
        for left, right in shown:
            across = middle(parts, (left,))[1] - middle(parts, (right,))[1]
            assert across * left_is_right > 0, (heading, left, right)


def test_the_front_of_the_torso_is_seen_from_the_front(plain: Studio, pair: list[Actor]) -> None:
    for heading, shown, unseen in ((FACING, TORSO_FRONT, TORSO_BACK), (TURNED, TORSO_BACK, TORSO_FRONT)):
        parts = parts_of(plain.shoot([(0, pair[1], at(heading))], shot=1, truth=True)[0])
        assert (parts == shown).sum() > 5 * (parts == unseen).sum()


def test_charts_fill_their_range_and_grow_upwards(views: list[tuple[Picture, Sighting]]) -> None:
    """Seen from all sides each part shows nearly all of its chart."""
    charts = np.concatenate([p.truth.reshape(-1, 4) for p, _ in views if p.truth is not None])
    for part in range(1, 25):
        u, v = charts[charts[:, 1] == part][:, 2:].T
        # Of hands and feet some sides and ends are hidden by what is next to them.
        least = 90 if 3 <= part <= 6 else 170
        assert np.ptp(u) > least, part
        assert np.ptp(v) > least, part
    for picture, _ in views:
        assert picture.truth is not None
        for part in (11, 12, 13, 14):
            rows, columns = np.nonzero(picture.truth[..., 1] == part)
            if len(rows) > 400:
                assert np.corrcoef(rows, picture.truth[rows, columns, 3])[0, 1] < -0.8, part


def test_charts_of_limbs_mirror_each_other_and_the_torso_s_goes_round(
    plain: Studio, pair: list[Actor]
) -> None:
    """What models.datasets.truth takes for granted when it mirrors a picture."""
    truth = plain.shoot([(0, pair[0], at(FACING, walk=0.0))], shot=1, truth=True)[0].truth
    assert truth is not None

    def slope(part: int) -> float:
        rows, columns = np.nonzero(truth[..., 1] == part)
        return float(np.corrcoef(columns, truth[rows, columns, 2])[0, 1])

    for right, left in ((9, 10), (13, 14)):
        assert slope(left) * slope(right) < -0.25
    middle_column = np.nonzero(truth[..., 1] == TORSO_FRONT)[1].mean()
    rows, columns = np.nonzero(truth[..., 1] == TORSO_FRONT)
    across = truth[rows, columns, 2].astype(float)[np.abs(columns - middle_column) < 4]
    assert abs(slope(TORSO_FRONT)) > 0.9
    assert abs(across.mean() - 127.5) < 25


def test_the_visible_share_goes_with_the_silhouette(plain: Studio, pair: list[Actor]) -> None:
    behind = (0, pair[0], at(FACING))
    alone, (whole,) = plain.shoot([behind], shot=1)
    shares = []
    for aside in (0.0, 0.1, 0.25, 0.4, 0.55):
        both, (hidden, _) = plain.shoot([behind, (1, pair[1], at(FACING, x=aside, y=-0.9))], shot=1)
        shares.append((hidden.visible / whole.visible, (both.people == 1).sum() / (alone.people == 1).sum()))
        assert hidden.box == whole.box
    shown, drawn = np.array(shares).T

    assert np.all(np.diff(drawn) > 0)
    assert np.all(np.diff(shown) > 0)
    # It is counted in points spread over the surface: what is seen edge-on counts for more than its pixels.
    np.testing.assert_allclose(shown, drawn, atol=0.12)
    assert shown[0] < 0.2
    assert shown[-1] > 0.85


def test_who_is_in_the_truth_is_in_the_picture(plain: Studio, pair: list[Actor]) -> None:
    empty, nobody = plain.shoot([], shot=1)
    filled, (first, second) = plain.shoot(
        [(0, pair[0], at(FACING, x=-0.4)), (1, pair[1], at(FACING, x=0.4))], shot=1
    )
    changed = np.abs(filled.pixels.astype(int) - empty.pixels).max(-1)

    assert nobody == []
    for number in (1, 2):
        assert np.median(changed[silhouette(filled.people, number)]) > 12
    above = int(min(first.box[1], second.box[1])) - 3
    assert above > 10
    assert changed[:above].max() <= 1
