"""Photos as people send them, and as attackers do."""

import io
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms

from service import images
from service.errors import BadProbe, ContentTooLarge, ServiceError, UnsupportedImage
from tests.service.videos import RED, encoded, scene

MAX = 1_000_000
QUARTERS = np.kron(
    np.array([[[250, 0, 0], [0, 250, 0]], [[0, 0, 250], [250, 250, 0]]], dtype=np.uint8),
    np.ones((40, 60, 1), np.uint8),
).astype(np.uint8)


def saved(image: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def corners(pixels: images.Pixels) -> list[list[int]]:
    h, w = pixels.shape[:2]
    return [pixels[y, x].round(-1).tolist() for y in (h // 4, 3 * h // 4) for x in (w // 4, 3 * w // 4)]


def near(first: images.Pixels, second: images.Pixels, tolerance: float = 12.0) -> bool:
    return first.shape == second.shape and np.abs(first.astype(int) - second).mean() < tolerance


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_reads_accepted_types(image_format: str) -> None:
    photo = images.read(encoded(QUARTERS, image_format), max_pixels=MAX)
    assert near(photo.pixels, QUARTERS)
    assert photo.data.startswith(b"\x89PNG")


def test_crops_keep_every_pixel_and_only_larger_photos_become_jpeg() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (513, 512, 3), dtype=np.uint8)

    small = images.read(encoded(noise[:512]), max_pixels=MAX)
    large = images.read(encoded(noise), max_pixels=MAX)

    assert np.array_equal(small.pixels, noise[:512])
    assert (small.media_type, large.media_type) == ("image/png", "image/jpeg")
    assert large.data.startswith(b"\xff\xd8\xff")


def test_searches_exactly_what_is_stored() -> None:
    photo = images.read(encoded(scene((RED, 30, 40))), max_pixels=MAX)
    assert np.array_equal(photo.pixels, images.decode_stored(photo.data))


@pytest.mark.parametrize(
    ("orientation", "undo"),
    [
        (1, lambda a: a),
        (2, np.fliplr),
        (3, lambda a: np.rot90(a, 2)),
        (4, np.flipud),
        (5, lambda a: np.rot90(np.flipud(a), 3)),
        (6, lambda a: np.rot90(a, 3)),
        (7, lambda a: np.rot90(np.flipud(a), 1)),
        (8, lambda a: np.rot90(a, 1)),
    ],
)
def test_turns_photos_upright(orientation: int, undo: Callable[[images.Pixels], images.Pixels]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(QUARTERS, "JPEG", exif=exif, quality=95)
    photo = images.read(data, max_pixels=MAX)
    assert corners(photo.pixels) == corners(np.ascontiguousarray(undo(QUARTERS)))


def test_strips_metadata() -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(QUARTERS, "JPEG", exif=exif, icc_profile=profile, comment=b"secret comment")
    photo = images.read(data, max_pixels=MAX)
    assert b"secret" in data
    assert b"secret" not in photo.data
    assert b"ICC_PROFILE" not in photo.data
    assert not Image.open(io.BytesIO(photo.data)).getexif()


def test_converts_unusual_modes() -> None:
    grey = np.linspace(0, 255, 120 * 80).reshape(80, 120).astype(np.uint8)
    rgb = Image.fromarray(QUARTERS)
    cases = {
        "grey": (saved(Image.fromarray(grey), "PNG"), np.stack([grey] * 3, axis=2)),
        "grey 16 bit": (
            saved(Image.fromarray(grey.astype(np.uint16) * 257), "PNG"),
            np.stack([grey] * 3, axis=2),
        ),
        "bilevel": (
            saved(Image.fromarray(grey > 127), "PNG"),
            np.stack([(grey > 127) * np.uint8(255)] * 3, axis=2),
        ),
        "palette": (saved(rgb.quantize(4), "PNG"), QUARTERS),
        "CMYK": (saved(rgb.convert("CMYK"), "JPEG", quality=95), QUARTERS),
        "opaque alpha": (saved(rgb.convert("RGBA"), "PNG"), QUARTERS),
    }
    for name, (data, expected) in cases.items():
        assert near(images.read(data, max_pixels=MAX).pixels, expected), name


def test_lays_transparency_over_white() -> None:
    layer = Image.fromarray(QUARTERS).convert("RGBA")
    layer.putalpha(0)
    assert images.read(saved(layer, "PNG"), max_pixels=MAX).pixels.min() > 250
    palette = Image.new("P", (32, 32), 0)
    palette.putpalette([10, 20, 30])
    assert images.read(saved(palette, "PNG", transparency=0), max_pixels=MAX).pixels.min() > 250


@pytest.mark.parametrize("image_format", ["WEBP", "PNG"])
def test_takes_the_first_of_several_pictures(image_format: str) -> None:
    frames = [Image.fromarray(QUARTERS), Image.new("RGB", (120, 80), "black")]
    data = saved(
        frames[0], image_format, save_all=True, append_images=frames[1:], duration=100, lossless=True
    )
    assert near(images.read(data, max_pixels=MAX).pixels, QUARTERS)


def png_with_size(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing of it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


JPEG = encoded(scene((RED, 30, 40)), "JPEG")
PNG = encoded(scene((RED, 30, 40)), "PNG")
WEBP = encoded(scene((RED, 30, 40)), "WEBP")


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        (b"", BadProbe, "empty"),
        (b"hello, I am a photo.jpg", UnsupportedImage, "image/jpeg, image/png, image/webp"),
        (b"GIF89a" + bytes(100), UnsupportedImage, "image/webp"),
        (b"BM" + bytes(100), UnsupportedImage, "image/webp"),
        (b"%PDF-1.7" + bytes(100), UnsupportedImage, "image/webp"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", UnsupportedImage, "image/webp"),
        (b"\0\0\0\x18ftypheic" + bytes(100), UnsupportedImage, "HEIC"),
        (b"\0\0\0\x18ftypavif" + bytes(100), UnsupportedImage, "AVIF"),
        (b"RIFF\x10\0\0\0WAVEfmt ", UnsupportedImage, "image/webp"),
        (JPEG[:20], BadProbe, "damaged"),
        (JPEG[: len(JPEG) // 2], BadProbe, "damaged"),
        (JPEG[:200] + bytes(200), BadProbe, "damaged"),
        (PNG[: len(PNG) // 2], BadProbe, "damaged"),
        (PNG[:60] + b"garbage" + PNG[67:], BadProbe, "damaged"),
        (WEBP[: len(WEBP) // 2], BadProbe, "damaged"),
        (b"\xff\xd8\xff", BadProbe, "damaged"),
        (b"\x89PNG\r\n\x1a\n", BadProbe, "damaged"),
        (b"RIFF\0\0\0\0WEBP", BadProbe, "damaged"),
        (png_with_size(5000, 5000), ContentTooLarge, "5000 x 5000"),
        (png_with_size(10_000, 10_000), ContentTooLarge, "pixels"),
        (png_with_size(2_000_000_000, 2_000_000_000), ServiceError, "."),
        (png_with_size(100, 100), BadProbe, "damaged"),
        (png_with_size(0, 0), BadProbe, "."),
        (encoded(np.zeros((8, 200, 3), np.uint8)), BadProbe, "at least 16"),
    ],
)
def test_refuses_what_is_no_photo(data: bytes, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        images.read(data, max_pixels=MAX)


def test_survives_random_damage() -> None:
    random = np.random.default_rng(0)
    for data in (JPEG, PNG, WEBP):
        for _ in range(150):
            damaged = bytearray(data)
            for at in random.integers(12, len(data), size=random.integers(1, 20)):
                damaged[at] = random.integers(256)
            try:
                photo = images.read(bytes(damaged), max_pixels=MAX)
            except (BadProbe, ContentTooLarge):
                continue
            assert photo.pixels.ndim == 3
