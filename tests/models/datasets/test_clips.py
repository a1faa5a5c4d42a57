from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from models import preprocessing
from models.datasets.clips import (
    CHOICES,
    ClipDataset,
    Draw,
    collate,
    part_frames,
    strided_frames,
    view_frames,
)
from models.datasets.frames import read_frame
from models.datasets.records import Tracklet
from models.errors import BadDataset
from models.preprocessing import Crop, Preprocessing
from tests.models.people import draw_tracklets

SMALL = Preprocessing(height=48, width=32)


@given(st.integers(1, 80), st.integers(1, 8), st.integers(1, 9), st.integers(0, 99))
def test_frames_as_published(length: int, frames: int, stride: int, seed: int) -> None:
    chosen = strided_frames(length, frames, stride, np.random.default_rng(seed))
    steps = np.diff(chosen)
    assert len(chosen) == frames
    assert 0 <= chosen.min() <= chosen.max() < length
    if length >= frames * stride:
        assert (steps == stride).all()
    elif length >= frames:
        assert (steps > 0).all()
    else:
        assert (steps >= 0).all()


def test_every_start_of_a_long_tracklet_comes_up() -> None:
    """Ten frames, four at a stride of two: starts 0 to 2."""
    starts = {int(strided_frames(10, 4, 2, np.random.default_rng(seed))[0]) for seed in range(60)}
    assert starts == {0, 1, 2}


@given(st.integers(1, 80), st.integers(1, 8), st.integers(0, 99))
def test_one_frame_of_each_part(length: int, frames: int, seed: int) -> None:
    chosen = part_frames(length, frames, 1, np.random.default_rng(seed))
    for part, position in enumerate(chosen):
        # Bounds may lie within a frame when a tracklet does not divide evenly.
        assert int(part * length / frames) <= position <= (part + 1) * length / frames
    assert chosen.max() < length


@given(st.lists(st.integers(1, 4), min_size=1, max_size=6), st.integers(1, 9), st.integers(0, 99))
def test_views_are_of_as_many_tracklets_as_there_are(lengths: list[int], frames: int, seed: int) -> None:
    own = [
        Tracklet(1, camera, tuple(Path(f"{camera}/{n}") for n in range(length)))
        for camera, length in enumerate(lengths)
    ]
    files = view_frames(own, frames, np.random.default_rng(seed))
    seen = Counter(file.parent.name for file in files)
    assert len(files) == frames
    assert len(seen) == min(frames, len(own))
    assert max(seen.values()) - min(seen.values()) <= 1
    assert set(files) <= {file for tracklet in own for file in tracklet.frames}


def test_a_student_may_get_any_two_of_the_views() -> None:
    """Two tracklets, each twice in a bag: its first two are of one tracklet in one of three draws."""
    own = [Tracklet(1, camera, (Path(f"{camera}"),)) for camera in range(2)]
    bags = [view_frames(own, 4, np.random.default_rng(seed)) for seed in range(300)]
    assert sum(bag[0] == bag[1] for bag in bags) / 300 == pytest.approx(1 / 3, abs=0.09)


def test_views_are_of_one_person_and_repeatable(tmp_path: Path) -> None:
    tracklets = draw_tracklets(tmp_path, identities=2, cameras=3, frames=2)
    data = ClipDataset(tracklets, SMALL, frames=3, stride=1, choice=CHOICES["views"])
    own = {n: [data[Draw(n, (9, n))], data[Draw(n, (9, n))]] for n in (0, 4)}
    pictures = [resized(f) for t in tracklets[3:] for f in t.frames]
    for first, second in own.values():
        assert first[0].equal(second[0])
    for view in own[4][0][0]:
        assert any(view.equal(picture) for picture in pictures)
    assert own[4][0][1] == 1


def resized(file: Path) -> Tensor:
    return preprocessing.resize([read_frame(file)], SMALL)[0]


def test_a_clip_is_resized_by_the_one_definition(tmp_path: Path, make_crop: Callable[..., Crop]) -> None:
    crops = [make_crop(60, 30), make_crop(60, 30)]
    files = tuple(tmp_path / f"{n}.png" for n in range(2))
    for crop, file in zip(crops, files, strict=True):
        Image.fromarray(crop).save(file)
    data = ClipDataset([Tracklet(42, 3, files)], SMALL, frames=2, stride=1)
    pixels, label, camera, truth = data[Draw(0, (1,))]
    assert pixels.equal(preprocessing.resize(crops, SMALL))
    assert (label, camera, truth) == (0, 3, None)


def test_labels_have_no_gaps_and_a_draw_is_repeatable(tmp_path: Path) -> None:
    tracklets = [t for t in draw_tracklets(tmp_path, identities=5, frames=6) if t.identity != 2]
    data = ClipDataset(tracklets, SMALL, frames=2, stride=9)
    batch = collate([data[Draw(n, (7, n))] for n in range(len(tracklets))])
    assert batch.pixels.shape == (8, 2, 3, 48, 32)
    assert batch.labels.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert batch.cameras.tolist() == [1, 2] * 4
    assert data[Draw(0, (7, 0))][0].equal(batch.pixels[0])
    assert any(not data[Draw(0, (8, n))][0].equal(batch.pixels[0]) for n in range(9))


@pytest.mark.parametrize("content", [b"", b"no picture", b"\xff\xd8\xff\xe0 cut off"])
def test_a_file_that_is_no_picture_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "0001C1T0001F001.jpg"
    file.write_bytes(content)
    with pytest.raises(BadDataset, match=r"F001\.jpg"):
        read_frame(file)


def test_a_missing_frame_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.jpg", tmp_path):
        with pytest.raises(BadDataset, match=path.name):
            read_frame(path)


def test_a_cut_off_picture_is_refused(tmp_path: Path, make_crop: Callable[..., Crop]) -> None:
    file = tmp_path / "cut.jpg"
    Image.fromarray(make_crop(128, 64)).save(file)
    file.write_bytes(file.read_bytes()[:-400])
    with pytest.raises(BadDataset, match=r"cut\.jpg"):
        read_frame(file)


def test_grey_and_palette_pictures_become_rgb(tmp_path: Path, make_crop: Callable[..., Crop]) -> None:
    for mode in ("L", "P", "RGBA"):
        file = tmp_path / f"{mode}.png"
        Image.fromarray(make_crop(20, 10)).convert(mode).save(file)
        assert read_frame(file).shape == (20, 10, 3)
