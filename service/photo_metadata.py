"""Metadata of photos: removed before decoding; only the orientation is read.

Cameras, editors and messengers write all kinds of metadata, some of it wrong. None of it may decide over good
pixels. Only segments and chunks that pixels depend on are kept: those that hold them, palettes, transparency,
and Adobe's note on the colours of a JPEG.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT: Final = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"})
_WEBP_DROPPED: Final = frozenset({b"EXIF", b"XMP ", b"ICCP"})
_EXIF: Final = b"Exif\0\0"
_APP0, _APP1, _APP14, _APP15, _COM, _SOS = 0xE0, 0xE1, 0xEE, 0xEF, 0xFE, 0xDA
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})  # JPEG markers without a length
_ORIENTATION: Final = 0x0112
_SHORT, _LONG = 3, 4
MOST_PARTS: Final = 20_000  # segments, chunks, fill bytes: readers take their time over each, however empty


class TooManyParts(ValueError):
    """A file is cut into more parts than anything that writes photos would make."""


class Stripped(NamedTuple):
    """A photo without metadata.

    `orientation` is what its EXIF named, 1 to 8, 1 for upright; `animated` whether it is a PNG that had
    further frames (a WEBP keeps its frames, and Pillow counts them).
    """

    data: bytes
    orientation: int
    animated: bool = False


def strip(data: bytes, image_format: str) -> Stripped:
    """Take the metadata out of a JPEG, PNG or WEBP file; what is damaged is left to the decoder as it is.

    Raises:
        TooManyParts: it has more than MOST_PARTS.
    """
    parts = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp}[image_format](data)
    exif = b""
    kept = bytearray()
    for number, (part, is_exif) in enumerate(parts):
        if number >= MOST_PARTS:
            raise TooManyParts
        if is_exif:
            exif = exif or part
        else:
            kept += part
    if image_format == "WEBP":
        kept[4:8] = struct.pack("<I", (len(kept) - 8) & 0xFFFFFFFF)
    return Stripped(bytes(kept), orientation(exif), image_format == "PNG" and _png_animated(data))


def orientation(exif: bytes) -> int:
    """The orientation that an EXIF block names, 1 to 8; 1 where it names none or an invalid one."""
    tiff = exif.removeprefix(_EXIF)
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return 1
    try:
        (directory,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, directory)
        for entry in range(directory + 2, directory + 2 + 12 * count, 12):
            tag, kind, _ = struct.unpack_from(order + "HHI", tiff, entry)
            if tag == _ORIENTATION and kind in {_SHORT, _LONG}:
                (value,) = struct.unpack_from(order + ("H" if kind == _SHORT else "I"), tiff, entry + 8)
                return int(value) if 1 <= value <= 8 else 1
    except struct.error:  # it points outside itself
        pass
    return 1


def _jpeg(data: bytes) -> Iterator[tuple[bytes, bool]]:
    """The segments up to the first scan, and everything from there on."""
    yield data[:2], False
    at = 2
    while data[at : at + 1] == b"\xff":
        marker = data[at + 1] if at + 1 < len(data) else 0xFF
        if marker == 0xFF or marker in _STANDALONE:  # fill bytes
            yield data[at : at + 1 + (marker != 0xFF)], False
            at += 1 + (marker != 0xFF)
            continue
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _SOS or end < at + 4:
            break
        segment = data[at:end]
        if marker == _APP1 and segment[4:10] == _EXIF:
            yield segment[4:], True
        elif not (_APP0 < marker <= _APP15 or marker == _COM) or marker == _APP14:
            yield segment, False
        else:
            yield b"", False
        at = end
    yield data[at:], False


def _png(data: bytes) -> Iterator[tuple[bytes, bool]]:
    """The chunks; of an animation the frames after the first are left out."""
    yield data[:8], False
    at = len(_PNG_SIGNATURE)
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        end = at + 12 + length
        if kind in _PNG_KEPT:
            yield data[at:end], False
        elif kind == b"eXIf":
            yield data[at + 8 : end - 4], True
        else:
            yield b"", False
        at = end


def _png_animated(data: bytes) -> bool:
    """Whether the chunks before the pixels announce more than one frame (acTL)."""
    at = len(_PNG_SIGNATURE)
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        if kind == b"acTL":
            return int.from_bytes(data[at + 8 : at + 12], "big") > 1
        if kind == b"IDAT":
            return False
        at += 12 + length
    return False


def _webp(data: bytes) -> Iterator[tuple[bytes, bool]]:
    """The chunks; the flags of the extended header still announce removed chunks, which decoders ignore."""
    yield data[:12], False
    at = 12
    while at < len(data):
        kind = data[at : at + 4]
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        end = at + 8 + length + length % 2
        if kind == b"EXIF":
            yield data[at + 8 : at + 8 + length], True
        else:
            yield b"" if kind in _WEBP_DROPPED else data[at:end], False
        at = end
