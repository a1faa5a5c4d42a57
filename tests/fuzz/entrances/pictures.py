"""Entrances for pictures: photos, their metadata, crops of people and the names of their files."""

import io
import os
import shutil
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from gallery import BOX_DTYPE
from indexer.errors import MalformedImport
from indexer.importers.crops import LeftOut, digest_of, read_crop, scan
from indexer.importers.mars import CropFolder, _read, _Source
from models.preprocessing import Preprocessing
from service import images, photo_child
from service.errors import BadProbe, ContentTooLarge, UnsupportedImage
from service.photo_metadata import MOST_PARTS, TooManyParts, strip
from tests.fuzz.entrances.base import Entrance, must
from tests.fuzz.mutate import Shake

FORMATS = ("JPEG", "PNG", "WEBP")
MAX_PIXELS, KEPT_PIXELS = 1_000_000, 20_000
MARKS = (
    b"\xff\xd8",
    b"\xff\xc0",
    b"\xff\xc2",
    b"\xff\xda",
    b"\xff\xe1",
    b"\xff\xdb",
    b"Exif\0\0",
    b"II*\0",
    b"MM\0*",
    b"IHDR",
    b"PLTE",
    b"tRNS",
    b"IDAT",
    b"IEND",
    b"acTL",
    b"fcTL",
    b"eXIf",
    b"RIFF",
    b"VP8 ",
    b"VP8L",
    b"VP8X",
    b"ANIM",
    b"ANMF",
    b"ALPH",
    b"EXIF",
)


@cache
def photos() -> tuple[bytes, ...]:
    """Small pictures of all kinds that are read: formats, modes, orientations, animations."""
    noise = np.random.default_rng(3).integers(0, 256, (40, 24, 4), dtype=np.uint8)
    plain = Image.fromarray(noise[..., :3]).resize((36, 60))
    exif = Image.Exif()
    exif[0x0112] = 6
    moving = [plain, plain.rotate(90)]
    return (
        _file(plain, "JPEG", quality=60, exif=exif),
        _file(plain, "JPEG", progressive=True, quality=20),
        _file(plain.convert("L"), "JPEG"),
        _file(plain.convert("CMYK"), "JPEG"),
        _file(plain, "PNG", exif=exif),
        _file(plain.quantize(7), "PNG"),
        _file(Image.fromarray(noise), "PNG"),
        _file(plain.convert("I;16"), "PNG"),
        _file(plain, "PNG", save_all=True, append_images=moving),
        _file(plain, "WEBP", quality=30, exif=exif),
        _file(Image.fromarray(noise), "WEBP", lossless=True),
        _file(plain, "WEBP", save_all=True, append_images=moving, duration=50),
    )


def _file(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


class Photos(Entrance):
    """Photos, decoded as in the process that does it: pixels within the limits, or an error that ends it."""

    name = "photos"
    watched = ("service.photo_child", "service.photo_metadata")
    tokens = MARKS
    seconds = 5.0
    share = 50
    chunk = 2500

    @classmethod
    def prepare(cls) -> None:
        photos()

    def seeds(self) -> list[bytes]:
        return list(photos())

    def check(self, data: bytes) -> str:
        try:
            kind = images.sniff(data[:32])
        except (UnsupportedImage, BadProbe):
            return "not sniffed"
        try:
            found = photo_child.decode(data, kind, MAX_PIXELS, KEPT_PIXELS)
        except photo_child.Refused:
            return "refused"
        except MemoryError:
            return "too costly"
        except Exception:  # noqa: BLE001  (the process ends with it; the photo is said to be damaged)
            return "damaged"
        rgb, (width, height), flags = found
        must(rgb.mode == "RGB" and 0 < flags + 1 <= 64, "no RGB")
        must(rgb.width * rgb.height <= KEPT_PIXELS and width * height <= MAX_PIXELS, "too large")
        must(min(width, height) >= photo_child.MIN_SIDE and min(rgb.size) >= 1, "too small")
        must(len(rgb.tobytes()) == 3 * rgb.width * rgb.height, "pixels are missing")
        return "decoded"


class PhotoMetadata(Entrance):
    """Taking metadata out never fails, keeps no more than there was, and finds an orientation that exists."""

    name = "photo-metadata"
    watched = ("service.photo_metadata",)
    tokens = MARKS
    share = 130
    chunk = 5000
    few = 75

    @classmethod
    def prepare(cls) -> None:
        photos()

    def seeds(self) -> list[bytes]:
        return list(photos())

    def check(self, data: bytes) -> str:
        for kind in FORMATS:
            try:
                stripped = strip(data, kind)
            except TooManyParts:
                must(len(data) > MOST_PARTS, "refused without a reason")
                return "too many parts"
            must(1 <= stripped.orientation <= 8, "an orientation that does not exist")
            must(len(stripped.data) <= max(len(data), 12), "longer than before")
            must(
                b"Exif\0\0II" not in stripped.data[:4] and b"eXIf" not in strip(data, "PNG").data[8:16],
                "kept",
            )
        return f"orientation {stripped.orientation}"


class PhotoUploads(Entrance):
    """Photos as the service takes them, with a process for each: a photo, or one of three errors."""

    name = "photo-uploads"
    tokens = MARKS
    seconds = 30.0
    memory_mib = 1024
    programs = True
    share = 0.04
    chunk = 10
    few = 1

    @classmethod
    def prepare(cls) -> None:
        photos()

    def seeds(self) -> list[bytes]:
        return list(photos())

    def check(self, data: bytes) -> str:
        try:
            photo = images.read(data, max_pixels=MAX_PIXELS)
        except (UnsupportedImage, BadProbe, ContentTooLarge) as error:
            must(
                "/" not in str(error).replace("image/", "") and "Traceback" not in str(error),
                "it says too much",
            )
            return type(error).__name__
        must(photo.pixels.shape[2] == 3 and photo.data[:2] in {b"\xff\xd8", b"\x89P"}, "no photo")
        return "read"


class Crops(Entrance):
    """Crops of people: pixels, or MalformedImport."""

    name = "crops"
    watched = ("models.datasets.frames", "indexer.importers.crops")
    tokens = MARKS
    seconds = 5.0
    share = 10
    chunk = 2500
    few = 60

    @classmethod
    def prepare(cls) -> None:
        photos()

    def seeds(self) -> list[bytes]:
        return list(photos())

    def check(self, data: bytes) -> str:
        path = self.folder / "0001C1T0001F001.jpg"
        path.write_bytes(data)
        try:
            crop = read_crop(path)
        except MalformedImport:
            return "refused"
        except MemoryError:
            return "too costly"
        finally:
            path.unlink()
        must(crop.ndim == 3 and crop.shape[2] == 3 and crop.dtype == np.uint8 and crop.size > 0, "no crop")
        return "read"


class CropFolders(Entrance):
    """Names of crops: tracklets with times that can be stored, or MalformedImport."""

    name = "crop-folders"
    watched = ("indexer.importers.crops", "indexer.importers.mars", "indexer.folders", "indexer.sampling")
    tokens = (
        b"0001",
        b"00-1",
        b"0000",
        b"C1",
        b"T0001",
        b"F001",
        b".jpg",
        b".png",
        b"/",
        "٣".encode(),
        b"9" * 60,
    )
    share = 10
    chunk = 1000
    few = 25

    def seeds(self) -> list[bytes]:
        names = [
            f"{person:04d}/{person:04d}C{camera}T0001F{frame:03d}.jpg"
            for person in (1, 2)
            for camera in (1, 2)
            for frame in (1, 2, 5)
        ]
        return ["\n".join(names).encode(), b"0000C1T0001F001.jpg\n00-1C6T0002F010.png"]

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        return shake.text(data, other)

    def check(self, data: bytes) -> str:
        root = self.folder / "crops"
        root.mkdir()
        for number, line in enumerate(data.split(b"\n")[:8]):
            name = os.fsdecode(line.replace(b"\0", b"").replace(b"..", b"").strip(b"/"))
            with suppress(OSError):
                file = root / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(_CROPS[number % len(_CROPS)])
        try:
            return self._read(root)
        except MalformedImport:
            return "refused"
        finally:
            shutil.rmtree(root)

    def _read(self, root: Path) -> str:
        found = scan(root)
        folder = CropFolder(root, "camera-", None)  # type: ignore[arg-type]  # of which the start is not read
        for camera, tracklets in found.cameras.items():
            source = _Source(camera, tracklets, found.notes, LeftOut())
            digest_of(tracklets)
            for tracklet in tracklets:
                made = _read(tracklet, source, folder.fps, Preprocessing(32, 32))
                boxes: NDArray[np.void] = made.boxes
                must(boxes.dtype == BOX_DTYPE, "no boxes")
                must(
                    bool((boxes["time_us"] >= 0).all() and (np.diff(boxes["time_us"]) >= 0).all()),
                    "times go back",
                )
            must(0 <= source.duration_us < 2**63, "a duration that cannot be stored")
            must(0 <= camera < 2**63, "a camera's number that cannot be stored")
        return "read"


_CROPS = (
    _file(Image.new("RGB", (8, 16), "red"), "JPEG"),
    b"no picture",
    _file(Image.new("RGB", (8, 16)), "PNG"),
)
