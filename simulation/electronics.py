"""A camera's processing after its sensor, and transmission to the recorder.

Sharpening with halos, a soft picture, colour at half the resolution and shifted, two fields that combine, the
blocks of a compressed stream. All of it works on 8-bit pictures or parts of them.
"""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Pixels = NDArray[np.uint8]
RESAMPLINGS = (
    Image.Resampling.BILINEAR,
    Image.Resampling.BICUBIC,
    Image.Resampling.LANCZOS,
    Image.Resampling.BOX,
)
FIELD = 0.02  # seconds from one field to the next


@dataclass(frozen=True)
class Electronics:
    """One camera's processing."""

    softness: float = 1.0  # resolution that is really there, of 1
    halo: float = 0.0  # strength of sharpening
    halo_radius: float = 1.0  # pixels
    chroma: int = 1  # colour has so many times fewer columns, and rows
    chroma_shift: int = 0  # pixels by which colour lies to the right
    interlaced: bool = False
    quality: int | None = None  # of the stream, as JPEG counts it
    resampling: Image.Resampling = Image.Resampling.BICUBIC  # of crops


def draw_electronics(rng: np.random.Generator) -> Electronics:
    """The processing of one camera of a city."""
    return Electronics(
        softness=float(rng.choice([1.0, rng.uniform(0.55, 0.9)], p=[0.65, 0.35])),
        halo=float(rng.choice([0.0, rng.uniform(0.4, 1.2), rng.uniform(1.2, 2.2)], p=[0.35, 0.4, 0.25])),
        halo_radius=float(rng.uniform(0.7, 1.6)),
        chroma=int(rng.choice([1, 2, 4], p=[0.4, 0.4, 0.2])),
        chroma_shift=int(rng.choice([0, 1, 2], p=[0.7, 0.2, 0.1])),
        interlaced=bool(rng.random() < 0.2),
        quality=int(rng.uniform(25, 80)) if rng.random() < 0.7 else None,
        resampling=RESAMPLINGS[rng.integers(len(RESAMPLINGS))],
    )


def process(pixels: Pixels, who: Pixels, electronics: Electronics, *, drift: float = 0.0) -> Pixels:
    """A picture (H, W, 3) as it comes out of the recorder.

    `who` (H, W) is not 0 where somebody moves, `drift` by so many pixels to the right from field to field.
    """
    e = electronics
    if e.interlaced and abs(drift) >= 0.5:
        pixels = combined(pixels, who, round(drift))
    if e == Electronics(interlaced=e.interlaced, resampling=e.resampling):
        return pixels
    image = Image.fromarray(pixels)
    if e.softness < 1.0:
        small = (max(1, round(image.width * e.softness)), max(1, round(image.height * e.softness)))
        image = image.resize(small, Image.Resampling.BILINEAR).resize(image.size, Image.Resampling.BILINEAR)
    luma, *colours = image.convert("YCbCr").split()
    if e.halo > 0.0:
        luma = luma.filter(ImageFilter.UnsharpMask(e.halo_radius, round(100 * e.halo), 1))
    colours = [thinned(each, e.chroma, e.chroma_shift) for each in colours]
    image = Image.merge("YCbCr", (luma, *colours))
    if e.quality is not None:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=e.quality, subsampling=2 if e.chroma > 1 else 0)
        image = Image.open(buffer)
    return np.asarray(image.convert("RGB"))


def combined(pixels: Pixels, who: Pixels, shift: int) -> Pixels:
    """Odd rows show people where they are one field later, `shift` pixels to the right."""
    out = pixels.copy()
    moved, there = np.roll(pixels[1::2], shift, 1), np.roll(who[1::2], shift, 1) > 0
    out[1::2][there] = moved[there]
    return out


def thinned(channel: Image.Image, factor: int, shift: int) -> Image.Image:
    """A colour channel with `factor` times fewer columns and rows, shifted to the right."""
    if factor > 1:
        small = (max(1, channel.width // factor), max(1, channel.height // min(factor, 2)))
        channel = channel.resize(small, Image.Resampling.BOX).resize(channel.size, Image.Resampling.BILINEAR)
    if shift:
        values = np.asarray(channel)
        channel = Image.fromarray(np.concatenate([values[:, :1].repeat(shift, 1), values[:, :-shift]], 1))
    return channel
