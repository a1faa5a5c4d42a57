"""Image quality of a person for search, on probe photos and on crops of a tracklet alike."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.preprocessing import Crop, check_image, resample

# A crop is judged at half the size the networks see it, at which a sharp person of any height has edges.
HEIGHT: Final = 128
WIDTH: Final = 64
GREY: Final = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601 luma

# Crops of simulated people that are blurred to this lose a third of the right hit's probability
# (benchmarks/probe_quality.py). 95 % of the persons found on three public surveillance clips are above .09.
BLURRED: Final = 0.058

MAX_LEVEL: Final = 255
_SAMPLED: Final = 1 << 20
EDGE: Final = 2.0  # pixels from the border of the image that count as touching it


@dataclass(frozen=True, slots=True)
class Quality:
    """Quality of one person in one image.

    `height_px` is the height of the box, `ratio` its height over its width; `sharpness` and `colour` as the
    functions of those names; `cut_off_at` the borders of the image that the box touches, of "left", "top",
    "right", "bottom": nobody saw what lies beyond.
    """

    height_px: float
    ratio: float
    sharpness: float
    colour: float
    cut_off_at: tuple[str, ...]


def assess(image: Crop, box: tuple[float, float, float, float]) -> Quality:
    """Judge the person in a box.

    Args:
        image: (h, w, 3) uint8 RGB.
        box: x1, y1, x2, y2 in pixels, at least partly on the image.

    Raises:
        BadImage: not an image, or no pixel of it is inside the box.
    """
    check_image(image)
    height, width = image.shape[:2]
    x1, y1, x2, y2 = box
    left, top = max(0, int(x1)), max(0, int(y1))
    crop = image[top : max(top, int(np.ceil(y2))), left : max(left, int(np.ceil(x2)))]
    touched = {
        "left": x1 <= EDGE,
        "top": y1 <= EDGE,
        "right": x2 >= width - EDGE,
        "bottom": y2 >= height - EDGE,
    }
    return Quality(
        height_px=y2 - y1,
        ratio=(y2 - y1) / max(x2 - x1, 1e-6),
        sharpness=sharpness(crop),
        colour=colour(crop),
        cut_off_at=tuple(side for side, touches in touched.items() if touches),
    )


def sharpness(crop: Crop) -> float:
    """Fine detail of a crop as a share of its contrast: 0 (flat, or blurred beyond use) to about 1.

    The deviation of the Laplacian (Pech-Pacheco et al. 2000) over the deviation of the grey levels, at one
    size for all crops. Brightness, contrast and size of a crop do not move it: one threshold, `BLURRED`,
    serves all cameras.

    Raises:
        BadImage: not an image.
    """
    grey = resample(crop, HEIGHT, WIDTH, mode="bilinear").permute(1, 2, 0).numpy() @ GREY  # (H, W)
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    detail = around - 4 * grey[1:-1, 1:-1]
    return float(detail.std() / (grey.std() + 1.0))  # one grey level of noise does not make a flat crop sharp


def colour(crop: Crop) -> float:
    """How much the colours of a crop differ, in grey levels: 0 (grey, or all of one tint) to about 150.

    The part of Hasler and Süsstrunk's colourfulness ("Measuring Colourfulness in Natural Images", 2003) that
    a tint of the whole crop does not move: infra-red and old films are often stored with one.

    Raises:
        BadImage: not an image.
    """
    red, green, blue = resample(crop, HEIGHT, WIDTH, mode="bilinear").numpy().astype(np.float32)
    return float(np.hypot((red - green).std(), ((red + green) / 2 - blue).std()))


def flat(image: Crop) -> float:
    """The share of an image's pixels that equal those right of and below them exactly: 0 to 1.

    Sensors make noise, so photos have few; what was drawn has many, such as screenshots, maps and drawings.
    Black and white pixels are left out: overexposed skies and night are alike in photos too. Of a large image
    an even sample of about a million pixels is looked at.

    Raises:
        BadImage: not an image.
    """
    check_image(image)
    step = max(1, round(math.sqrt(image.shape[0] * image.shape[1] / _SAMPLED)))
    here, right, below = (one[::step, ::step] for one in (image[:-1, :-1], image[:-1, 1:], image[1:, :-1]))
    same = np.ones(here.shape[:2], bool)
    lit, unlit = np.zeros_like(same), np.zeros_like(same)
    for channel in range(3):  # nine times as fast as reductions over so short an axis
        level = here[..., channel]
        same &= (level == right[..., channel]) & (level == below[..., channel])
        lit |= level > 0
        unlit |= level < MAX_LEVEL
    return float((same & lit & unlit).mean()) if same.size else 0.0
