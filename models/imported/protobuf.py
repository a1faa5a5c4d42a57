"""The little of protobuf's wire format that ONNX files are read and changed with, without onnx."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from models.errors import BadCheckpoint

_VARINT, _EIGHT, _BLOCK, _FOUR = 0, 1, 2, 5
_LONGEST: Final = 63  # bits before the last byte of a number


class Field(NamedTuple):
    """A field of a message: its number; its content, or its value if that is a number; and all its bytes."""

    number: int
    content: memoryview | None
    value: int
    raw: memoryview


def fields(data: memoryview) -> Iterator[Field]:
    """The fields of a message in their order. Raises BadCheckpoint where the data ends too early."""
    at = 0
    while at < len(data):
        begin, content, value = at, None, 0
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _BLOCK:
            length, at = _varint(data, at)
            content, at = data[at : at + length], at + length
        elif kind == _VARINT:
            value, at = _varint(data, at)
        elif kind in {_EIGHT, _FOUR}:
            at += 8 if kind == _EIGHT else 4
        else:
            raise _damaged()
        if at > len(data):
            raise _damaged()
        yield Field(key >> 3, content, value, data[begin:at])


def text(content: memoryview | None) -> str:
    """A string. Raises BadCheckpoint."""
    try:
        return bytes(content or b"").decode()
    except UnicodeDecodeError as error:
        raise _damaged() from error


def block(number: int, content: bytes | str) -> bytes:
    """A field that holds bytes, text or a message."""
    data = content.encode() if isinstance(content, str) else content
    return _encoded(number << 3 | _BLOCK) + _encoded(len(data)) + data


def number(field: int, value: int) -> bytes:
    """A field that holds a number."""
    return _encoded(field << 3 | _VARINT) + _encoded(value)


def _encoded(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift <= _LONGEST:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise _damaged()


def _damaged() -> BadCheckpoint:
    return BadCheckpoint("not an ONNX file: it ends too early or is damaged")
