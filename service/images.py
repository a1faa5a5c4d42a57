"""Probe photos as they come: sniffed, bounded, turned upright, stored as RGB and nothing else."""

import io
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NoReturn

import numpy as np
import structlog
from numpy.typing import NDArray
from PIL import Image

from service import photo_child
from service.errors import BadProbe, ContentTooLarge, UnsupportedImage
from service.work import checkpoint

log = structlog.get_logger(__name__)
Pixels = NDArray[np.uint8]

ACCEPTED: Final = ("image/jpeg", "image/png", "image/webp")
LOSSLESS_PIXELS: Final = 512 * 512
"""Photos up to here, such as crops of people, are stored as PNG: JPEG would blur what little they show."""
KEPT_PIXELS: Final = 24_000_000
"""Larger photos are stored at half their width and height, or less."""
_WALL_SECONDS: Final = 60.0  # on a machine that is busy with other things
_LOOK_SECONDS: Final = 0.1
_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")


@dataclass(frozen=True, slots=True)
class Photo:
    """A probe photo.

    Attributes:
        pixels: (h, w, 3) RGB as stored, scaled down if the photo is large.
        data: the file that is stored, without metadata.
        media_type: of that file.
        width, height: of the upright photo as it came: boxes are measured in these.
    """

    pixels: Pixels
    data: bytes
    media_type: str
    width: int
    height: int


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
    limits = [str(max_pixels), str(KEPT_PIXELS)]
    command = [sys.executable, "-I", "-m", photo_child.__name__, image_format, *limits]
    with (
        _in_memory(data) as photo,
        subprocess.Popen(  # noqa: S603  (nothing of the command is the client's)
            command, stdin=photo, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={}
        ) as process,
    ):
        try:
            answer, complaint = _wait_for(process)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        log.info("photo refused", format=image_format, status=process.returncode, complaint=complaint[-500:])
        _refuse(image_format, process.returncode, answer)
    return _photo(answer)


def decode_stored(data: bytes) -> Pixels:
    """Pixels (h, w, 3) RGB of a photo that `read` prepared."""
    with Image.open(io.BytesIO(data), formats=["JPEG", "PNG"]) as image:
        return np.asarray(image.convert("RGB"))


def _in_memory(data: bytes) -> io.FileIO:
    """A file that holds data and has no name, at its beginning."""
    file = io.FileIO(os.memfd_create("photo"), "r+")
    file.write(data)
    file.seek(0)
    return file


def _wait_for(process: "subprocess.Popen[bytes]") -> tuple[bytes, bytes]:
    """The output and error output of a process. Raises BadProbe: too slow; Abandoned: the client is gone."""
    deadline = time.monotonic() + _WALL_SECONDS
    while time.monotonic() < deadline:
        checkpoint()
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=_LOOK_SECONDS)
    raise BadProbe("The photo takes too long to decode.")


def _refuse(image_format: str, status: int, answer: bytes) -> NoReturn:
    """Raise the error that an exit status of the decoding process means."""
    if status == photo_child.TOO_LARGE:
        raise ContentTooLarge(answer.decode())
    if status == photo_child.UNUSABLE:
        raise BadProbe(answer.decode())
    if status == photo_child.TOO_COSTLY:
        raise ContentTooLarge("The photo takes more memory to decode than a photo may.")
    raise BadProbe(f"The {image_format} file is damaged or cut off.")


def _photo(answer: bytes) -> Photo:
    """The photo that a process decoded, and the file to store."""
    width, height, stored_width, stored_height = photo_child.HEADER.unpack_from(answer)
    pixels = np.frombuffer(answer, np.uint8, offset=photo_child.HEADER.size)
    pixels = pixels.reshape(stored_height, stored_width, 3)
    buffer = io.BytesIO()
    if stored_width * stored_height <= LOSSLESS_PIXELS:
        Image.fromarray(pixels).save(buffer, "PNG")
        return Photo(pixels, buffer.getvalue(), "image/png", width, height)
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95, subsampling=0)
    stored = buffer.getvalue()
    # What is searched is what is stored, so that a stored probe gives the same answer again.
    return Photo(decode_stored(stored), stored, "image/jpeg", width, height)
