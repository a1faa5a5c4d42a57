"""Probe photos as they come: sniffed, bounded, turned upright, stored as RGB and nothing else."""

import io
from dataclasses import dataclass
from typing import Final, NoReturn

import numpy as np
from PIL import Image

from service import children, photo_child
from service.errors import BadProbe, ContentTooLarge, UnsupportedImage
from service.pixels import Pixels

ACCEPTED: Final = ("image/jpeg", "image/png", "image/webp")
KEPT_PIXELS: Final = 24_000_000
"""Larger photos are stored at half their width and height, or less."""
_WALL_SECONDS: Final = 60.0  # on a machine that is busy with other things
_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")


@dataclass(frozen=True, slots=True)
class Came:
    """How a photo came.

    Turned or mirrored by its EXIF orientation, with transparent parts, with further frames, in the colours of
    print (CMYK), or as a JPEG of low quality.
    """

    turned: bool = False
    mirrored: bool = False
    transparent: bool = False
    animated: bool = False
    converted: bool = False
    compressed: bool = False

    @classmethod
    def of(cls, flags: int) -> "Came":
        """From the flags of the decoding process."""
        return cls(
            turned=bool(flags & photo_child.TURNED),
            mirrored=bool(flags & photo_child.MIRRORED),
            transparent=bool(flags & photo_child.TRANSPARENT),
            animated=bool(flags & photo_child.ANIMATED),
            converted=bool(flags & photo_child.CONVERTED),
            compressed=bool(flags & photo_child.COMPRESSED),
        )


@dataclass(frozen=True, slots=True)
class Photo:
    """A probe photo.

    Attributes:
        pixels: (h, w, 3) RGB as stored, scaled down if the photo is large.
        data: the file that is stored, without metadata.
        media_type: of that file.
        width, height: of the upright photo as it came: boxes are measured in these.
        came: what was done to it.
    """

    pixels: Pixels
    data: bytes
    media_type: str
    width: int
    height: int
    came: Came = Came()


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
    """Decode a photo, in a process of its own: see `service.photo_child`.

    Args:
        data: the file as it was sent.
        max_pixels: larger photos are refused before they are decoded.

    Raises:
        UnsupportedImage, BadProbe, ContentTooLarge: why it was refused.
        Abandoned: nobody waits for the answer any more.
    """
    image_format = sniff(data[:32])
    limits = str(max_pixels), str(KEPT_PIXELS)
    try:
        ended = children.run(photo_child.__name__, image_format, *limits, data=data, seconds=_WALL_SECONDS)
    except TimeoutError as error:
        raise BadProbe("The photo takes too long to decode.") from error
    if ended.status != 0:
        _refuse(image_format, ended)
    return _photo(ended.answer)


def decode_stored(data: bytes) -> Pixels:
    """Pixels (h, w, 3) RGB of a photo that `read` prepared."""
    with Image.open(io.BytesIO(data), formats=["JPEG", "PNG"]) as image:
        return np.asarray(image.convert("RGB"))


def _refuse(image_format: str, ended: children.Ended) -> NoReturn:
    """Raise the error that the end of the decoding process means."""
    if ended.status == photo_child.TOO_LARGE:
        raise ContentTooLarge(ended.answer.decode())
    if ended.status == photo_child.UNUSABLE:
        raise BadProbe(ended.answer.decode())
    if ended.status == photo_child.TOO_COSTLY:
        raise ContentTooLarge("The photo takes more memory to decode than a photo may.")
    raise BadProbe(f"The {image_format} file is damaged or cut off.")


def _photo(answer: bytes) -> Photo:
    """The photo in the answer of a process that decoded it."""
    width, height, stored_width, stored_height, flags, length = photo_child.HEADER.unpack_from(answer)
    data = answer[photo_child.HEADER.size : photo_child.HEADER.size + length]
    pixels = np.frombuffer(answer, np.uint8, offset=photo_child.HEADER.size + length)
    pixels = pixels.reshape(stored_height, stored_width, 3)
    media_type = "image/png" if sniff(data[:32]) == "PNG" else "image/jpeg"
    return Photo(pixels, data, media_type, width, height, Came.of(flags))
