"""Body parts beside the pictures: found, checked, resized, mirrored."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from models.datasets.clips import ClipDataset, Draw, collate
from models.datasets.records import Tracklet
from models.datasets.truth import MIRRORED, mirror, read_truth, resize_truth, truth_file
from models.errors import BadDataset
from models.preprocessing import Preprocessing

TRUTHS = arrays.arrays(np.uint8, (3, 4, 5), elements=st.integers(0, 255)).map(
    lambda a: np.concatenate([a[:1] % 25, a[1:]])
)


@pytest.mark.parametrize(
    ("frame", "truth"),
    [
        ("bbox_train/0001/0001C1T0001F001.jpg", "truth/0001/0001C1T0001F001.png"),
        ("sequences/cam1/person001/a.b.png", "truth/cam1/person001/a.b.png"),
        ("train/0001_c1.jpeg", "truth/0001_c1.png"),
    ],
)
def test_where_the_file_of_a_frame_is(tmp_path: Path, frame: str, truth: str) -> None:
    assert truth_file(tmp_path, tmp_path / frame) == tmp_path / truth


def test_frames_elsewhere_have_no_file(tmp_path: Path) -> None:
    for frame in (tmp_path / "loose.jpg", tmp_path.parent / "other" / "a" / "b.jpg"):
        with pytest.raises(BadDataset, match="in no folder"):
            truth_file(tmp_path, frame)


def written(folder: Path, values: Any, mode: str = "RGB") -> Path:
    file = folder / "truth.png"
    Image.fromarray(np.asarray(values, np.uint8)).convert(mode).save(file)
    return file


def test_a_good_file_is_read_as_it_is(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(0, 25, (6, 4, 3), np.uint8)
    values[0, 0] = (24, 255, 0)
    np.testing.assert_array_equal(read_truth(written(tmp_path, values), (6, 4)), values)


def test_bad_files_are_named_with_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match=r"no body parts at .*truth\.png.*docs/datasets\.md"):
        read_truth(tmp_path / "truth.png", (6, 4))
    plain = np.zeros((6, 4, 3), np.uint8)
    with pytest.raises(BadDataset, match=r"truth\.png is 4 x 6 pixels, its crop 3 x 7"):
        read_truth(written(tmp_path, plain), (7, 3))
    for mode in ("L", "P", "RGBA", "CMYK", "1"):
        if mode == "CMYK":
            file = tmp_path / "truth.jpg"
            Image.fromarray(plain).convert(mode).save(file)
        else:
            file = written(tmp_path, plain, mode)
        with pytest.raises(BadDataset, match=f"three channels of a byte, not of type {mode}"):
            read_truth(file, (6, 4))
    plain[2, 3] = (25, 0, 30)
    with pytest.raises(BadDataset, match=r"a body part 25 in its red channel, of 0 to 24$"):
        read_truth(written(tmp_path, plain), (6, 4))
    plain[2, 3] = (200, 130, 7)
    with pytest.raises(BadDataset, match=r"body part 200.*the wrong way round"):
        read_truth(written(tmp_path, plain), (6, 4))


@pytest.mark.parametrize("content", [b"", b"no picture", b"\x89PNG\r\n\x1a\n cut off"])
def test_what_is_no_picture_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "truth.png").write_bytes(content)
    with pytest.raises(BadDataset, match=r"truth\.png: not a readable image"):
        read_truth(tmp_path / "truth.png", (6, 4))


def test_a_cut_off_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    file = written(tmp_path, np.random.default_rng(0).integers(0, 25, (90, 80, 3)))
    file.write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(BadDataset, match=r"truth\.png"):
        read_truth(file, (90, 80))
    with pytest.raises(BadDataset, match="no body parts"):
        read_truth(tmp_path, (90, 80))


def test_resizing_takes_pixels_and_never_mixes_them() -> None:
    truth = np.array([[[24, 255, 9], [0, 0, 0]], [[3, 7, 8], [1, 200, 2]]], np.uint8)
    larger = resize_truth(truth, 4, 6)
    assert larger.dtype == torch.uint8
    assert larger[0].tolist() == [[24] * 3 + [0] * 3] * 2 + [[3] * 3 + [1] * 3] * 2
    assert resize_truth(np.repeat(truth, 3, axis=0), 2, 2).permute(1, 2, 0).tolist() == truth.tolist()


def test_a_mirror_by_hand() -> None:
    """Right hand (3) at u 10, torso front (2) at u 10, nothing: from the right now, left hand, u 245."""
    truth = torch.tensor([[[3, 2, 0]], [[10, 10, 0]], [[20, 30, 0]]], dtype=torch.uint8)
    assert mirror(truth).tolist() == [[[0, 2, 4]], [[0, 245, 10]], [[0, 30, 20]]]


def test_sides_change_in_pairs() -> None:
    pairs = {frozenset((part, int(MIRRORED[part]))) for part in range(25)}
    assert {frozenset((n, n + 1)) for n in range(3, 25, 2)} | {frozenset((n,)) for n in range(3)} == pairs


@given(TRUTHS)
def test_two_mirrors_change_nothing(values: Any) -> None:
    truth = torch.from_numpy(values)
    assert mirror(mirror(truth)).equal(truth)
    assert ((mirror(truth)[0] > 0) == (truth.flip(-1)[0] > 0)).all()


def test_a_clip_has_the_truth_of_its_frames(tmp_path: Path) -> None:
    """Frames of one colour each, and their number as the body part."""
    frames = []
    for n in range(1, 9):
        frame = tmp_path / "bbox_train" / "0001" / f"{n}.png"
        for file, colour in ((frame, (10 * n, 0, 0)), (truth_file(tmp_path, frame), (n, 20 * n, 30))):
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (16, 32), colour).save(file)
        frames.append(frame)
    tracklet = Tracklet(1, 1, tuple(frames))
    data = ClipDataset([tracklet], Preprocessing(48, 32), frames=3, stride=2, truth=tmp_path)
    batch = collate([data[Draw(0, (seed,))] for seed in range(4)])
    assert batch.truth is not None
    assert batch.truth.shape == batch.pixels.shape == (4, 3, 3, 48, 32)
    assert (batch.truth[:, :, 0] * 10 == batch.pixels[:, :, 0]).all()
    assert (batch.truth[:, :, 1] == batch.truth[:, :, 0] * 20).all()
    truth_file(tmp_path, frames[3]).unlink()
    with pytest.raises(BadDataset, match=r"truth/0001/4\.png"):
        [data[Draw(0, (seed,))] for seed in range(9)]
