"""Writes the smallest ONNX files the tests need, in protobuf's wire format (onnx.proto, ONNX 1.15).

A network whose output is a constant is all that a test of decoding needs: no reason to depend on onnx.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FLOAT = 1


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def block(field: int, data: bytes | str) -> bytes:
    data = data.encode() if isinstance(data, str) else data
    return varint(field << 3 | 2) + varint(len(data)) + data


def value_info(name: str, shape: Sequence[int | str]) -> bytes:
    dims = b"".join(block(1, block(2, dim) if isinstance(dim, str) else number(1, dim)) for dim in shape)
    return block(1, name) + block(2, block(1, number(1, FLOAT) + block(2, dims)))


def tensor(name: str, values: NDArray[np.float32]) -> bytes:
    dims = b"".join(number(1, dim) for dim in values.shape)
    return dims + number(2, FLOAT) + block(8, name) + block(9, values.astype("<f4").tobytes())


def write_constant_network(
    path: Path,
    output: NDArray[np.float32],
    *,
    input_shape: Sequence[int | str],
    inputs: Sequence[str] = ("images",),
) -> Path:
    """A network that answers `output` whatever it is given."""
    node = block(1, "rows") + block(2, "output") + block(4, "Identity")
    graph = (
        block(1, node)
        + block(2, "constant")
        + block(5, tensor("rows", output))
        + b"".join(block(11, value_info(name, input_shape)) for name in inputs)
        + block(12, value_info("output", output.shape))
    )
    path.write_bytes(number(1, 8) + block(7, graph) + block(8, number(2, 13)))
    return path
