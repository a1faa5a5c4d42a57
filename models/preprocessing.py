"""The one definition of how a crop of a person becomes the input of a network.

Probe photos, gallery clips, training and evaluation all come through here; a second definition of resizing or
normalisation anywhere else would quietly make features incomparable.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from models.errors import BadImage

Crop = NDArray[np.uint8]
"""A crop: (h, w, 3) uint8 RGB."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """Size and normalisation a model was trained with.

    `mean` and `std` are per channel (RGB) on a 0..1 scale. Resizing is bicubic with antialiasing and ignores
    the aspect ratio, as is usual in person re-identification. With `mirror` the feature of a photo is the
    mean of its own and its mirror image's, and that of a clip has both ways too (models.mirroring).
    """

    height: int = 256
    width: int = 128
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD
    mirror: bool = False


def check_image(image: Crop) -> None:
    """Raise BadImage unless `image` is uint8, (h, w, 3), with at least one pixel."""
    if not isinstance(image, np.ndarray):
        raise BadImage(f"an image must be a numpy array, not {type(image).__name__}")
    if image.dtype != np.uint8:
        raise BadImage(f"an image must be uint8, not {image.dtype}")
    if image.ndim != 3 or image.shape[2] != 3:
        raise BadImage(f"an image must be (height, width, 3) RGB, not {image.shape}")
    if 0 in image.shape:
        raise BadImage(f"an image must have pixels, not {image.shape}")


def resample(image: Crop, height: int, width: int, *, mode: str) -> Tensor:
    """Resize one crop with antialiasing.

    torch's uint8 kernels take a quarter to a tenth of Pillow's time and agree with it to two grey levels.

    Args:
        image: (h, w, 3) uint8.
        height: of the result, in pixels.
        width: of the result, in pixels.
        mode: "bilinear" or "bicubic".

    Returns:
        (3, height, width) uint8.

    Raises:
        BadImage: not an image.
    """
    check_image(image)
    # torch can share neither read-only memory nor negative strides: those few crops are copied.
    shareable = image.flags.writeable and min(image.strides) >= 0
    pixels = torch.from_numpy(image if shareable else image.copy())
    pixels = pixels.permute(2, 0, 1)  # (h, w, 3) -> (3, h, w)
    if pixels.shape[1:] == (height, width):
        return pixels
    return F.interpolate(pixels[None], (height, width), mode=mode, antialias=True)[0]


def resize(crops: Sequence[Crop], preprocessing: Preprocessing) -> Tensor:
    """Resize to the model's input size.

    Returns:
        (N, 3, H, W) uint8 in channels_last memory: a quarter of the bytes to send to a GPU.

    Raises:
        BadImage: a crop is not an image.
    """
    height, width = preprocessing.height, preprocessing.width
    pixels = torch.empty((len(crops), height, width, 3), dtype=torch.uint8)
    pixels = pixels.permute(0, 3, 1, 2)  # (N, H, W, 3) seen as (N, 3, H, W)
    for index, crop in enumerate(crops):
        pixels[index] = resample(crop, height, width, mode="bicubic")
    return pixels


def standardise(pixels: Tensor, preprocessing: Preprocessing) -> Tensor:
    """Turn (N, 3, H, W) uint8 into float32 (pixel / 255 - mean) / std, on the device the pixels are on."""
    mean = torch.tensor(preprocessing.mean, device=pixels.device).view(1, 3, 1, 1) * 255
    std = torch.tensor(preprocessing.std, device=pixels.device).view(1, 3, 1, 1) * 255
    return pixels.to(torch.float32).sub_(mean).div_(std)


def prepare(crops: Sequence[Crop], preprocessing: Preprocessing) -> Tensor:
    """Resize and standardise: (N, 3, H, W) float32 on the CPU. Raises BadImage."""
    return standardise(resize(crops, preprocessing), preprocessing)
