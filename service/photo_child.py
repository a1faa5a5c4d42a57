"""Decodes one photo in a process of its own: `python -m service.photo_child FORMAT MAX_PIXELS KEPT_PIXELS`.

Started by `service.images`. It has no secrets, opens no file, and may use only so much memory and time.

It reads the photo from standard input and writes to standard output: a HEADER, the file to store, and its
pixels as RGB. Otherwise it ends with one of the statuses below, and where it has something to say, says that
on standard output.
"""

import io
import math
import struct
import sys
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from models.child_limits import limit
from service.photo_metadata import TooManyParts, strip

# Width and height of the upright photo, then of the pixels that follow, flags, and the length of the file.
HEADER: Final = struct.Struct("<6I")
TURNED, MIRRORED, TRANSPARENT, ANIMATED, CONVERTED, COMPRESSED = (1 << bit for bit in range(6))
# Grey levels, of quality 15 by libjpeg's scale: with coarser steps a person is hard to find again who is
# as high as on most cameras (benchmarks/probe_quality.py).
COARSE: Final = 167.0
TOO_LARGE: Final = 3
TOO_COSTLY: Final = 4
UNUSABLE: Final = 5
MIN_SIDE: Final = 16
MAX_SIDE: Final = 100_000
KEPT_SIDE: Final = 16_384  # below what JPEG can hold
LOSSLESS_PIXELS: Final = 512 * 512
"""Photos up to here, such as crops of people, are stored as PNG: JPEG would blur what little they show."""
CPU_SECONDS: Final = 10
# A scan goes over all pixels of a JPEG for as little as a dozen bytes. Encoders make ten at most.
MOST_SCANS: Final = 16
_LEAST_PIXELS: Final = 1 << 16  # what a scan costs however small the picture
_OPEN_FILES: Final = 3  # standard input, output and error output
_BASE_BYTES: Final = 256 * 1024 * 1024
_BYTES_A_PIXEL: Final = 20  # Pillow keeps 4; WebP's decoder twice more, transparency as many again
# The readers themselves: Pillow's `open` would load those of other formats first, and no file may be opened.
_READERS: Final[Mapping[str, Callable[[io.BytesIO], Image.Image]]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
}
# How EXIF's orientations are turned upright.
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


_MIRRORING: Final = frozenset({2, 4, 5, 7})


class Decoded(NamedTuple):
    """A photo, upright, in RGB; the (width, height) that it had, and how it came: FLAGS."""

    rgb: Image.Image
    size: tuple[int, int]
    flags: int


class Refused(Exception):
    """The photo is refused; `status` is what the process ends with."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def decode(data: bytes, image_format: str, max_pixels: int, kept_pixels: int) -> Decoded:
    """Decode a photo.

    Args:
        data: the file.
        image_format: JPEG, PNG or WEBP.
        max_pixels: larger photos are refused before they are decoded.
        kept_pixels: larger photos are halved, or more, until they have no more; a JPEG while it is decoded.

    Raises:
        Refused: it is too large or too small, or would take far longer than others of its size.
    """
    try:
        stripped = strip(data, image_format)
    except TooManyParts as error:
        raise Refused(UNUSABLE, f"The {image_format} file has too many parts; save it anew.") from error
    Image.MAX_IMAGE_PIXELS = None  # the limit is ours
    with _READERS[image_format](io.BytesIO(stripped.data)) as image:
        width, height = image.size
        _require_size(width, height, max_pixels)
        if image_format == "JPEG":
            _require_few_scans(stripped.data, width * height, max_pixels)
        factor = _factor(width, height, kept_pixels)
        if factor > 1:
            image.draft(None, (width // factor, height // factor))  # JPEG decodes to less; others ignore it
        frames = getattr(image, "n_frames", 1)
        image.load()
        converted = image.mode == "CMYK"
        compressed = coarseness(image) > COARSE
        rgb, transparent = _to_rgb(image)
    rest = _factor(*rgb.size, kept_pixels)
    if rest > 1:
        rgb = rgb.reduce(rest)
    if stripped.orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[stripped.orientation])
    lies = stripped.orientation >= 5
    came = {
        TURNED: stripped.orientation in _UPRIGHT and stripped.orientation != 2,
        MIRRORED: stripped.orientation in _MIRRORING,
        TRANSPARENT: transparent,
        ANIMATED: stripped.animated or frames > 1,
        CONVERTED: converted,
        COMPRESSED: compressed,
    }
    flags = sum(flag for flag, holds in came.items() if holds)
    return Decoded(rgb, (height, width) if lies else (width, height), flags)


def coarseness(image: Image.Image) -> float:
    """The mean step that a JPEG's frequencies were rounded to, by its first table; 0 of what is no JPEG."""
    table = getattr(image, "quantization", {}).get(0)
    return sum(table) / len(table) if table else 0.0


def _factor(width: int, height: int, kept_pixels: int) -> int:
    """The factor that width and height are divided by."""
    for_area = math.ceil(math.sqrt(width * height / kept_pixels))
    return max(1, for_area, math.ceil(max(width, height) / KEPT_SIDE))


def _require_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise Refused(
            TOO_LARGE, f"The image has {width} x {height} pixels; at most {max_pixels} are accepted."
        )
    if max(width, height) > MAX_SIDE:
        raise Refused(
            TOO_LARGE, f"The image has {width} x {height} pixels; a side may have at most {MAX_SIDE}."
        )
    if min(width, height) < MIN_SIDE:
        raise Refused(UNUSABLE, f"The image has {width} x {height} pixels; a side needs at least {MIN_SIDE}.")


def _require_few_scans(data: bytes, pixels: int, max_pixels: int) -> None:
    """Refuse a JPEG of more scans than one of the largest size may have; a smaller one may have more."""
    scans = data.count(b"\xff\xda")  # coded pixels never hold these bytes
    if scans * max(pixels, _LEAST_PIXELS) > MOST_SCANS * max(max_pixels, _LEAST_PIXELS):
        raise Refused(TOO_LARGE, f"The JPEG file has {scans} scans, too many for its size; save it anew.")


def _to_rgb(image: Image.Image) -> tuple[Image.Image, bool]:
    """Any mode to RGB: 16-bit grey scaled, transparency over white, CMYK converted.

    The second says whether any of it was transparent.
    """
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value * (1 / 257)).convert("L").convert("RGB"), False
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        layer = image.convert("RGBA")
        canvas, mask = Image.new("RGB", layer.size, "white"), layer.getchannel("A")
        canvas.paste(layer, mask=mask)
        return canvas, mask.getextrema() != (255, 255)
    return image if image.mode == "RGB" else image.convert("RGB"), False


def stored(rgb: Image.Image) -> tuple[bytes, Image.Image]:
    """The file to store for a photo, and the photo as that file has it.

    What is searched is what is stored, so that a stored probe gives the same answer again.
    """
    file = io.BytesIO()
    if rgb.width * rgb.height <= LOSSLESS_PIXELS:
        rgb.save(file, "PNG")
        return file.getvalue(), rgb
    rgb.save(file, "JPEG", quality=95, subsampling=0)
    return file.getvalue(), JpegImageFile(io.BytesIO(file.getvalue()))


def main() -> int:
    """Decode the photo on standard input; return the exit status."""
    image_format, max_pixels, kept_pixels = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    Image.preinit()  # what writes files; later no module can be opened
    limit(
        memory_bytes=_BASE_BYTES + _BYTES_A_PIXEL * max_pixels,
        cpu_seconds=CPU_SECONDS,
        open_files=_OPEN_FILES,
        file_bytes=0,
    )
    try:
        decoded = decode(sys.stdin.buffer.read(), image_format, max_pixels, kept_pixels)
        file, rgb = stored(decoded.rgb)
        pixels = rgb.tobytes()
    except Refused as refused:
        sys.stdout.buffer.write(str(refused).encode())
        return refused.status
    except MemoryError:
        return TOO_COSTLY
    sys.stdout.buffer.write(HEADER.pack(*decoded.size, *rgb.size, decoded.flags, len(file)))
    sys.stdout.buffer.write(file)
    sys.stdout.buffer.write(pixels)
    return 0


if __name__ == "__main__":
    sys.exit(main())
