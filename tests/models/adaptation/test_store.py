"""Crops on disk survive kills, and nonsense is found."""

from pathlib import Path

import numpy as np
import pytest

from models.adaptation.source import Crops
from models.adaptation.store import CROPS, INDEX, CropStore
from models.errors import TrainingError
from models.preprocessing import Crop, Preprocessing

SMALL = Preprocessing(64, 32)


def crop(seed: int, height: int = 40, width: int = 20) -> Crop:
    rows = np.linspace(0, 200, height).astype(np.uint8)
    return np.stack([np.roll(np.tile(rows[:, None], (1, width)), seed * 3, axis=0)] * 3, axis=2)


def test_crops_come_back_as_they_were(tmp_path: Path) -> None:
    store = CropStore(tmp_path, SMALL)
    store.add(Crops("a", [crop(1), crop(2)]))
    store.add(Crops("b", [crop(3)]))

    assert (store.count("a"), store.count("b")) == (2, 1)
    store.flush()
    assert np.abs(store.read("b", 0).astype(int) - crop(3)).max() < 8  # JPEG
    store.close()


def test_none_is_larger_than_the_network_sees(tmp_path: Path) -> None:
    store = CropStore(tmp_path, SMALL)
    store.add(Crops("a", [crop(1, 400, 100), crop(1, 40, 20)]))
    store.flush()

    assert store.read("a", 0).shape == (64, 32, 3)
    assert store.read("a", 1).shape == (40, 20, 3)
    store.close()


def test_only_eight_are_kept_and_what_is_no_crop_is_left_out(tmp_path: Path) -> None:
    store = CropStore(tmp_path, SMALL)
    store.add(Crops("a", [crop(n) for n in range(12)]))
    store.add(Crops("b", [np.zeros((0, 4, 3), dtype=np.uint8), crop(1)]))
    store.add(Crops("c", [np.zeros((4, 4), dtype=np.uint8)]))
    store.add(Crops("d", missing="the recording is gone"))

    assert [store.count(name) for name in "abcd"] == [8, 1, 0, 0]
    assert store.known["b"].missing is None
    assert store.known["c"].missing == "its crops cannot be read"
    assert store.known["d"].missing == "the recording is gone"
    store.close()


def test_equal_crops_have_one_digest(tmp_path: Path) -> None:
    store = CropStore(tmp_path, SMALL)
    for name, image in (("a", crop(1)), ("b", crop(1)), ("c", crop(2))):
        store.add(Crops(name, [image]))

    assert store.known["a"].digest == store.known["b"].digest != store.known["c"].digest
    store.close()


def test_a_kill_leaves_what_was_kept(tmp_path: Path) -> None:
    store = CropStore(tmp_path, SMALL)
    store.add(Crops("a", [crop(1)]))
    store.flush()
    store.close()
    with (tmp_path / CROPS).open("ab") as file:
        file.write(b"half a pict")
    with (tmp_path / INDEX).open("a") as file:
        file.write('{"id": "b", "pla')

    again = CropStore(tmp_path, SMALL)

    assert set(again.known) == {"a"}
    again.add(Crops("b", [crop(2)]))
    again.flush()
    assert np.abs(again.read("b", 0).astype(int) - crop(2)).max() < 8
    again.close()
    with CropStore(tmp_path, SMALL) as once_more:
        assert set(once_more.known) == {"a", "b"}


@pytest.mark.parametrize("line", ["[]\n", '{"id": 3}\n', "\x00\n", '{"id": "a", "places": [[0, 9e9]]}\n'])
def test_an_index_that_is_none_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / INDEX).write_text(line)
    (tmp_path / CROPS).touch()

    with pytest.raises(TrainingError, match=r"crops\.(jsonl|bin)"):
        CropStore(tmp_path, SMALL)


def test_lost_crops_are_named(tmp_path: Path) -> None:
    store = CropStore(tmp_path, SMALL)
    store.add(Crops("a", [crop(1)]))
    store.close()
    whole = (tmp_path / CROPS).read_bytes()
    (tmp_path / CROPS).write_bytes(whole[:50])

    with pytest.raises(TrainingError, match="shorter"):
        CropStore(tmp_path, SMALL)
    (tmp_path / CROPS).write_bytes(bytes(len(whole)))
    with CropStore(tmp_path, SMALL) as zeros, pytest.raises(TrainingError, match="damaged"):
        zeros.read("a", 0)
