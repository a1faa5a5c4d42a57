"""Decodes one photo in a process of its own: `python -m service.photo_child FORMAT MAX_PIXELS KEPT_PIXELS`.

Started by `service.images`. It has no secrets, opens no file, and may use only so much memory and time.

It reads the photo from standard input and writes to standard output: a HEADER, then pixels as RGB. Otherwise
it ends with one of the statuses below, and where it has something to say, says that on standard output.
"""

import io
import math
import struct
import sys
from collections.abc import Callable, Mapping
from typing import Final

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from models.child_limits import limit
from service.photo_metadata import strip

HEADER: Final = struct.Struct("<4I")  # width and height of the upright photo, then of the pixels that follow
TOO_LARGE: Final = 3
TOO_COSTLY: Final = 4
UNUSABLE: Final = 5
MIN_SIDE: Final = 16
MAX_SIDE: Final = 100_000
KEPT_SIDE: Final = 16_384  # below what JPEG can hold
CPU_SECONDS: Final = 20
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


class Refused(Exception):
    """The photo is refused; `status` is what the process ends with."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def decode(
    data: bytes, image_format: str, max_pixels: int, kept_pixels: int
) -> tuple[Image.Image, tuple[int, int]]:
    """Decode a photo.

    Args:
        data: the file.
        image_format: JPEG, PNG or WEBP.
        max_pixels: larger photos are refused before they are decoded.
        kept_pixels: larger photos are halved, or more, until they have no more; a JPEG while it is decoded.

    Returns:
        The photo, upright, in RGB; and the (width, height) that it had.

    Raises:
        Refused: it is too large or too small.
    """
    stripped = strip(data, image_format)
    Image.MAX_IMAGE_PIXELS = None  # the limit is ours
    with _READERS[image_format](io.BytesIO(stripped.data)) as image:
        width, height = image.size
        _require_size(width, height, max_pixels)
        factor = _factor(width, height, kept_pixels)
        if factor > 1:
            image.draft(None, (width // factor, height // factor))  # JPEG decodes to less; others ignore it
        image.load()
        rgb = _to_rgb(image)
    rest = _factor(*rgb.size, kept_pixels)
    if rest > 1:
        rgb = rgb.reduce(rest)
    if stripped.orientation in _UPRIGHT:
        rgb = rgb.transpose(_UPRIGHT[stripped.orientation])
    lies = stripped.orientation >= 5
    return rgb, ((height, width) if lies else (width, height))


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


def _to_rgb(image: Image.Image) -> Image.Image:
    """Any mode to RGB: 16-bit grey scaled, transparency over white, CMYK converted."""
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value * (1 / 257)).convert("L").convert("RGB")
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        layer = image.convert("RGBA")
        canvas = Image.new("RGB", layer.size, "white")
        canvas.paste(layer, mask=layer.getchannel("A"))
        return canvas
    return image if image.mode == "RGB" else image.convert("RGB")


def main() -> int:
    """Decode the photo on standard input; return the exit status."""
    image_format, max_pixels, kept_pixels = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    limit(
        memory_bytes=_BASE_BYTES + _BYTES_A_PIXEL * max_pixels,
        cpu_seconds=CPU_SECONDS,
        open_files=_OPEN_FILES,
        file_bytes=0,
    )
    try:
        rgb, size = decode(sys.stdin.buffer.read(), image_format, max_pixels, kept_pixels)
    except Refused as refused:
        sys.stdout.buffer.write(str(refused).encode())
        return refused.status
    except MemoryError:
        return TOO_COSTLY
    sys.stdout.buffer.write(HEADER.pack(*size, *rgb.size))
    sys.stdout.buffer.write(rgb.tobytes())
    return 0


if __name__ == "__main__":
    sys.exit(main())
