"""Photos as people send them, and as attackers do."""

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageCms

from service import children, images, photo_child
from service.errors import Abandoned, BadProbe, ContentTooLarge, ServiceError, UnsupportedImage
from service.pixels import Pixels
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


def corners(pixels: Pixels) -> list[list[int]]:
    h, w = pixels.shape[:2]
    return [pixels[y, x].round(-1).tolist() for y in (h // 4, 3 * h // 4) for x in (w // 4, 3 * w // 4)]


def near(first: Pixels, second: Pixels, tolerance: float = 12.0) -> bool:
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
def test_turns_photos_upright(orientation: int, undo: Callable[[Pixels], Pixels]) -> None:
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


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_with_size(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds nothing of it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*chunk) for chunk in chunks)


JPEG = encoded(scene((RED, 30, 40)), "JPEG")
PNG = encoded(scene((RED, 30, 40)), "PNG")
WEBP = encoded(scene((RED, 30, 40)), "WEBP")
SCANS = encoded(scene((RED, 30, 40)), "JPEG", progressive=True)


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
        # What costs far more than its bytes or its size say: none of these is damaged.
        (SCANS[:-2] + SCANS[SCANS.rindex(b"\xff\xda") : -2] * 300 + SCANS[-2:], ContentTooLarge, "310 scans"),
        (JPEG[:2] + b"\xff" * 30_000 + JPEG[2:], BadProbe, "too many parts"),
        (JPEG[:2] + b"\xff\xfe\0\2" * 30_000 + JPEG[2:], BadProbe, "too many parts"),
        (PNG[:-12] + png_chunk(b"IDAT", b"") * 30_000 + PNG[-12:], BadProbe, "too many parts"),
        (WEBP[:12] + b"ABCD\0\0\0\0" * 30_000 + WEBP[12:], BadProbe, "too many parts"),
    ],
)
def test_refuses_what_is_no_photo(data: bytes, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        images.read(data, max_pixels=MAX)


def test_survives_random_damage() -> None:
    """In this process, where a crash would be seen: a child for each would take long."""
    random = np.random.default_rng(0)
    for image_format, data in (("JPEG", JPEG), ("PNG", PNG), ("WEBP", WEBP)):
        for _ in range(150):
            damaged = bytearray(data)
            for at in random.integers(12, len(data), size=random.integers(1, 20)):
                damaged[at] = random.integers(256)
            try:
                rgb, size, _ = photo_child.decode(bytes(damaged), image_format, MAX, images.KEPT_PIXELS)
            except (photo_child.Refused, OSError, SyntaxError, ValueError, struct.error, IndexError):
                continue
            assert (rgb.mode, rgb.size) == ("RGB", size)


def with_exif(tiff: bytes) -> bytes:
    """A JPEG of QUARTERS with an EXIF block as it is given."""
    block = b"Exif\0\0" + tiff
    data = encoded(QUARTERS, "JPEG", quality=95)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]


def directory(order: str, *entries: tuple[int, int, int, bytes]) -> bytes:
    """A TIFF directory of entries (tag, type, count, value or offset)."""
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "IH", 8, len(entries))
    return head + b"".join(struct.pack(order + "HHI", *e[:3]) + e[3] for e in entries) + bytes(4) + b"end"


TURNED = (0x0112, 3, 1, struct.pack("<HH", 6, 0))
BEYOND = struct.pack("<I", 100_000)


@pytest.mark.parametrize(
    ("tiff", "turned"),
    [
        (directory("<", TURNED), True),
        (directory(">", (0x0112, 3, 1, struct.pack(">HH", 6, 0))), True),
        (directory("<", (0x0112, 4, 1, struct.pack("<I", 6))), True),
        (directory("<", (0x010F, 5, 1, struct.pack("<I", 38)), TURNED), True),  # the maker, as a fraction
        (directory("<", (0x011A, 10, 1, struct.pack("<I", 38)), TURNED), True),  # resolution below zero
        (directory("<", (0x011A, 5, 1, BEYOND), (0x8825, 4, 1, BEYOND), TURNED), True),  # out of the block
        (directory("<", (0x0112, 3, 1, struct.pack("<HH", 9, 0))), False),
        (directory("<", (0x0112, 2, 2, b"6\0\0\0")), False),
        (b"II*\0" + BEYOND, False),
        (b"II*\0" + struct.pack("<IH", 8, 60_000), False),
        (b"II", False),
        (b"nonsense", False),
        (b"", False),
    ],
)
def test_of_metadata_only_the_orientation_counts(tiff: bytes, turned: bool) -> None:
    photo = images.read(with_exif(tiff), max_pixels=MAX)
    upright = np.ascontiguousarray(np.rot90(QUARTERS, 3)) if turned else QUARTERS
    assert corners(photo.pixels) == corners(upright)
    assert (photo.width, photo.height) == upright.shape[1::-1]


@pytest.mark.parametrize("image_format", ["PNG", "WEBP"])
def test_turns_other_formats_upright_too(image_format: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 8
    photo = images.read(encoded(QUARTERS, image_format, exif=exif), max_pixels=MAX)
    assert near(photo.pixels, np.rot90(QUARTERS))


@pytest.mark.parametrize(
    "chunk",
    [
        png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(bytes(4_000_000))),
        png_chunk(b"zTXt", b"Comment\0\0not deflated"),
        png_chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(2_000_000))),
        png_chunk(b"eXIf", b"nonsense"),
        png_chunk(b"tIME", b"") + png_chunk(b"pHYs", b"x"),
        png_chunk(b"tEXt", b"a" * 1000)[:-4] + b"crc!",
    ],
)
def test_reads_a_png_whatever_is_beside_its_pixels(chunk: bytes) -> None:
    data = encoded(QUARTERS)
    photo = images.read(data[:33] + chunk + data[33:], max_pixels=MAX)
    assert np.array_equal(photo.pixels, QUARTERS)


def test_reads_a_jpeg_whatever_is_beside_its_pixels() -> None:
    data = encoded(QUARTERS, "JPEG", quality=95, progressive=True)
    pictures, xmp, photoshop = b"\xff\xe2\0\x08MPF\0II", b"\xff\xe1\0\x06http", b"\xff\xed\0\x04Ph"
    for segment in (pictures, xmp, photoshop, b"\xff\xff\xfe\0\x02"):
        assert near(images.read(data[:2] + segment + data[2:], max_pixels=MAX).pixels, QUARTERS), segment


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP"])
def test_scales_large_photos_down(image_format: str) -> None:
    wide = np.repeat(np.repeat(QUARTERS, 70, axis=0), 70, axis=1)  # 8400 x 5600
    photo = images.read(encoded(wide, image_format, quality=80), max_pixels=50_000_000)
    assert (photo.width, photo.height) == (8400, 5600)
    assert photo.pixels.shape == (2800, 4200, 3)
    assert corners(photo.pixels) == corners(QUARTERS)
    assert photo.pixels.shape == images.decode_stored(photo.data).shape


def test_reads_a_photo_longer_than_a_jpeg_can_be() -> None:
    data = encoded(np.full((100, 70_000, 3), 90, np.uint8))
    photo = images.read(data, max_pixels=50_000_000)
    assert (photo.width, photo.height) == (70_000, 100)
    assert near(photo.pixels, np.full((20, 14_000, 3), 90, np.uint8))
    with pytest.raises(ContentTooLarge, match="a side may have"):
        images.read(png_with_size(200_000, 100), max_pixels=50_000_000)


def test_a_photo_gets_so_much_memory_and_no_more() -> None:
    """The process is what is held to a limit: a photo's header may say anything."""
    limits = (
        "from service import photo_child as child; child._BASE_BYTES, child._BYTES_A_PIXEL = 1 << 27, 1; "
    )
    command = [sys.executable, "-c", limits + "raise SystemExit(child.main())", "PNG", "50000000", "24000000"]
    large = encoded(np.zeros((6000, 8000, 3), np.uint8))
    ended = subprocess.run(command, input=large, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout) == (photo_child.TOO_COSTLY, b"")


def test_stops_decoding_when_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise Abandoned("The client went away.")

    monkeypatch.setattr(children, "checkpoint", gone)
    with pytest.raises(Abandoned):
        images.read(PNG, max_pixels=MAX)
