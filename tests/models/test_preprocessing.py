from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image

from models.errors import BadImage
from models.preprocessing import Crop, Preprocessing, prepare, resample, resize, standardise

MakeCrop = Callable[..., Crop]


def test_a_crop_of_the_right_size_keeps_its_pixels(make_crop: MakeCrop) -> None:
    crop = make_crop(256, 128)
    assert np.array_equal(resize([crop], Preprocessing())[0].permute(1, 2, 0).numpy(), crop)


def test_standardising_follows_its_formula(make_crop: MakeCrop) -> None:
    p = Preprocessing(mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 0.125))
    crop = make_crop(256, 128)
    expected = (crop / 255 - np.array(p.mean)) / np.array(p.std)
    assert np.allclose(prepare([crop], p)[0].permute(1, 2, 0).numpy(), expected, atol=1e-5)


def test_red_is_the_first_channel() -> None:
    red = np.zeros((30, 20, 3), np.uint8)
    red[..., 0] = 255
    pixels = resize([red], Preprocessing())
    assert (pixels[0, 0] == 255).all()
    assert (pixels[0, 1:] == 0).all()


@pytest.mark.parametrize("size", [(160, 60), (400, 150), (1000, 333), (40, 17), (3, 200), (1, 1)])
def test_resizing_agrees_with_pillow(size: tuple[int, int], make_crop: MakeCrop) -> None:
    crop = make_crop(*size)
    ours = resize([crop], Preprocessing())[0].permute(1, 2, 0).numpy().astype(int)
    theirs = np.asarray(Image.fromarray(crop).resize((128, 256), Image.Resampling.BICUBIC)).astype(int)
    assert np.abs(ours - theirs).max() <= 2


def test_views_of_a_frame_give_what_their_copies_give(make_crop: MakeCrop) -> None:
    frame = make_crop(200, 300)
    view = frame[20:140, 50:110]
    mirrored = frame[:, ::-1]
    frozen = np.frombuffer(frame.tobytes(), np.uint8).reshape(frame.shape)
    p = Preprocessing()
    assert torch.equal(resize([view], p), resize([view.copy()], p))
    assert torch.equal(resize([mirrored], p), resize([mirrored.copy()], p))
    assert torch.equal(resize([frozen], p), resize([frame], p))


def test_crops_of_different_sizes_batch_together(make_crop: MakeCrop) -> None:
    crops = [make_crop(80, 30), make_crop(256, 128), make_crop(500, 100)]
    together = prepare(crops, Preprocessing())
    assert together.shape == (3, 3, 256, 128)
    assert together.dtype == torch.float32
    assert torch.equal(together, torch.cat([prepare([crop], Preprocessing()) for crop in crops]))


def test_no_crops_give_an_empty_batch() -> None:
    assert prepare([], Preprocessing()).shape == (0, 3, 256, 128)


def test_input_is_not_changed(make_crop: MakeCrop) -> None:
    crop = make_crop(256, 128)
    before = crop.copy()
    standardise(resize([crop], Preprocessing()), Preprocessing())
    prepare([crop], Preprocessing())
    assert np.array_equal(crop, before)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.zeros((10, 10), np.uint8), r"\(height, width, 3\)"),
        (np.zeros((10, 10, 1), np.uint8), r"\(height, width, 3\)"),
        (np.zeros((10, 10, 4), np.uint8), r"\(height, width, 3\)"),
        (np.zeros((10, 10, 3), np.float32), "uint8"),
        (np.zeros((0, 10, 3), np.uint8), "pixels"),
        (np.zeros((10, 0, 3), np.uint8), "pixels"),
        ([[0, 0, 0]], "numpy array"),
    ],
)
def test_what_is_no_picture_is_refused(image: Crop, reason: str) -> None:
    with pytest.raises(BadImage, match=reason):
        prepare([image], Preprocessing())
    with pytest.raises(BadImage, match=reason):
        resample(image, 8, 8, mode="bilinear")
