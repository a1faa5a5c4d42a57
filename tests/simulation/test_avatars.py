"""Figure files are strangers' files: read when they are of the format, refused in one line when not."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulation.avatars import People, Region, fingerprint, height, sample
from simulation.errors import BadPeople
from tests.simulation.figures import SHIRT, SKIN, joints, write_figure, write_index, write_people


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(write_people(tmp_path))


def load(people: People, name: str) -> Any:
    return next(
        people.load(entry) for entries in people.groups.values() for entry in entries if entry.name == name
    )


def test_a_figure_stands_as_its_file_says_in_the_axes_of_the_body(people: People) -> None:
    dan = load(people, "dan")
    x, y, z = joints()["LeftForeArm"]

    np.testing.assert_allclose(dan.joints["LeftForeArm"], (x, -z, y), atol=1e-6)
    assert height(dan) == pytest.approx(1.79, abs=0.02)
    assert dan.vertices[dan.region == Region.FOOT, 2].max() < 0.2
    np.testing.assert_allclose(dan.joint_weight.sum(1), 1.0)
    assert dan.hair is None
    assert load(people, "ann").hair is not None


def test_texture_and_clothes_lie_under_the_vertices_they_are_of(people: People) -> None:
    bea = load(people, "bea")
    trunk, arm = (
        np.median(sample(bea.texture, bea.uv[bea.region == region]), 0)
        for region in (Region.TORSO, Region.FOREARM)
    )

    assert np.abs(trunk - SHIRT).max() < 12
    assert np.abs(arm - SKIN).max() < 12
    assert bea.dressed(Region.FOREARM) < 0.1
    assert load(people, "dan").dressed(Region.FOREARM) > 0.9


def test_an_outfit_is_as_likely_as_any_other_however_many_wear_it(people: People) -> None:
    rng = np.random.default_rng(0)
    drawn = Counter(people.draw(rng).group for _ in range(3000))

    assert all(count == pytest.approx(1000, abs=120) for count in drawn.values())
    assert all(people.draw(rng, female=True).female for _ in range(50))
    assert not any(people.draw(rng, female=False).female for _ in range(50))


def test_no_directory_has_nobody() -> None:
    assert not People()


@pytest.mark.parametrize(
    "changes",
    [
        {"positions": None},
        {"uv": np.zeros((3, 2), np.float32)},
        {"positions": np.zeros((4, 2), np.float32)},
        {"positions": np.full((900, 3), np.nan, np.float32)},
        {"triangles": np.array([[0, 1, 60000]], np.uint16)},
        {"triangles": np.zeros((0, 3), np.uint16)},
        {"joint_names": np.array(["Hips"])},
        {"joint_weight": np.zeros((900, 4), np.uint8)},
        {"joint_index": np.full((900, 4), 200, np.uint8)},
        {"region": np.full(900, 11, np.uint8)},
        {"clothes": np.zeros((256, 256), np.uint8)},
        {"inverse_bind": np.zeros((27, 4, 4), np.float32)},
        {"joint_names": np.array([object()] * 27, object)},
    ],
)
def test_a_broken_figure_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    write_figure(tmp_path, "eve")
    with np.load(tmp_path / "eve.npz") as whole:
        count = len(whole["positions"])
    # Arrays of 900 stand for one value a vertex.
    fitting = {
        key: value if value is None or len(value) != 900 else np.resize(value, (count, *value.shape[1:]))
        for key, value in changes.items()
    }
    write_figure(tmp_path, "eve", changes=fitting)
    write_index(tmp_path, {"eve": ("F", "Casual", 0)})

    with pytest.raises(BadPeople, match=r"eve\.npz"):
        load(People(tmp_path), "eve")


@pytest.mark.parametrize("name", ["ann.npz", "ann.webp", "ann.hair.webp"])
@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut off"])
def test_a_file_that_is_missing_or_cut_off_is_refused(
    tmp_path: Path, name: str, content: bytes | None
) -> None:
    people = People(write_people(tmp_path))
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)

    with pytest.raises(BadPeople, match=name):
        load(people, "ann")


@pytest.mark.parametrize(
    "index",
    [
        None,
        "",
        "[]",
        '{"people": []}',
        '{"people": [{"name": "ann"}]}',
        '{"people": [{"name": "../ann", "gender": "F", "outfit": "Casual", "outfit_group": 0}]}',
    ],
)
def test_a_broken_index_is_refused(tmp_path: Path, index: str | None) -> None:
    if index is not None:
        (tmp_path / "index.json").write_text(index)

    with pytest.raises(BadPeople, match=r"index\.json"):
        People(tmp_path)


def test_the_fingerprint_follows_contents_and_index(tmp_path: Path) -> None:
    first = fingerprint(write_people(tmp_path))
    write_figure(tmp_path, "dan", sleeves=False)
    second = fingerprint(tmp_path)
    write_index(tmp_path, {"dan": ("M", "Casual", 0)})

    assert len({first, second, fingerprint(tmp_path)}) == 3
    assert fingerprint(tmp_path) == fingerprint(tmp_path)
