"""Probe photos as they come: sniffed, bounded, turned upright, stored as RGB and nothing else."""

import io
import struct
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from service.errors import BadProbe, ContentTooLarge, UnsupportedImage

Pixels = NDArray[np.uint8]

ACCEPTED: Final = ("image/jpeg", "image/png", "image/webp")
LOSSLESS_PIXELS: Final = 512 * 512
"""Photos up to here, such as crops of people, are stored as PNG: JPEG would blur what little they show."""
MIN_SIDE: Final = 16
_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")
# What Pillow's readers raise on damaged files, beside their own error.
_DAMAGED: Final = (
    UnidentifiedImageError,
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    IndexError,
)


@dataclass(frozen=True, slots=True)
class Photo:
    """A probe photo: `pixels` (h, w, 3) RGB as stored, `data` what is stored, without metadata."""

    pixels: Pixels
    data: bytes
    media_type: str


def sniff(head: bytes) -> str:
    """The Pillow format of an accepted image, from its first bytes; names and declared types say nothing.

    Raises:
        UnsupportedImage: with the accepted types, and for the phones' usual format with what to do.
        BadProbe: the file is empty.
    """
    if not head:
        raise BadProbe("The file is empty.")
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    accepted = f"Accepted are {', '.join(ACCEPTED)}."
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        raise UnsupportedImage(
            f"HEIC and AVIF photos cannot be read here; save the photo as JPEG. {accepted}"
        )
    raise UnsupportedImage(f"The file is no image of an accepted type. {accepted}")


def read(data: bytes, *, max_pixels: int) -> Photo:
    """Decode a photo.

    Args:
        data: the file as it was sent.
        max_pixels: larger pictures are refused before they are decoded.

    Raises:
        UnsupportedImage, BadProbe, ContentTooLarge: why it was refused.
    """
    image_format = sniff(data[:32])
    try:
        with Image.open(io.BytesIO(data), formats=[image_format]) as image:
            width, height = image.size
            if width * height > max_pixels:
                raise ContentTooLarge(
                    f"The image has {width} x {height} pixels; at most {max_pixels} are accepted."
                )
            if min(width, height) < MIN_SIDE:
                raise BadProbe(f"The image has {width} x {height} pixels; a side needs at least {MIN_SIDE}.")
            image.load()
            upright = _to_rgb(ImageOps.exif_transpose(image))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ContentTooLarge(
            f"The image has more than the {max_pixels} pixels that are accepted."
        ) from error
    except _DAMAGED as error:
        raise BadProbe(f"The {image_format} file is damaged or cut off.") from error
    stored, media_type = _encode(upright)
    # What is searched is what is stored, so that a stored probe gives the same answer again.
    return Photo(pixels=decode_stored(stored), data=stored, media_type=media_type)


def decode_stored(data: bytes) -> Pixels:
    """Pixels (h, w, 3) RGB of a photo that `read` prepared."""
    with Image.open(io.BytesIO(data), formats=["JPEG", "PNG"]) as image:
        return np.asarray(image.convert("RGB"))


def _to_rgb(image: Image.Image) -> Image.Image:
    """Any mode to RGB: 16-bit grey scaled, transparency over white, CMYK converted."""
    if image.mode.startswith(("I", "F")):
        grey = np.asarray(image, dtype=np.float64) / 257.0  # 16 bits to 8
        return Image.fromarray(grey.clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        layer = image.convert("RGBA")
        canvas = Image.new("RGBA", layer.size, "white")
        return Image.alpha_composite(canvas, layer).convert("RGB")
    return image.convert("RGB")


def _encode(image: Image.Image) -> tuple[bytes, str]:
    """The file to store, and its media type."""
    # A fresh picture: what rode along in `image.info` (place, time, device, profile) stays behind.
    clean = Image.fromarray(np.asarray(image))
    buffer = io.BytesIO()
    if clean.width * clean.height <= LOSSLESS_PIXELS:
        clean.save(buffer, "PNG")
        return buffer.getvalue(), "image/png"
    clean.save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue(), "image/jpeg"
