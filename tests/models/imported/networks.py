"""Writes small re-identification networks as ONNX files, in protobuf's wire format."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.models.onnx_files import FLOAT, block, number, tensor, value_info

INTS = 7
INT = 2


def node(kind: str, inputs: Sequence[str], output: str, attributes: bytes = b"") -> bytes:
    return b"".join(block(1, name) for name in inputs) + block(2, output) + block(4, kind) + attributes


def ints(name: str, values: Sequence[int]) -> bytes:
    return block(5, block(1, name) + b"".join(number(8, value) for value in values) + number(20, INTS))


def integer(name: str, value: int) -> bytes:
    return block(5, block(1, name) + number(3, value) + number(20, INT))


def external_tensor(name: str, values: NDArray[np.float32], location: str) -> bytes:
    """A tensor whose values lie in a file beside the network."""
    dims = b"".join(number(1, dim) for dim in values.shape)
    entries = {"location": location, "offset": "0", "length": str(values.nbytes)}
    data = b"".join(block(13, block(1, key) + block(2, value)) for key, value in entries.items())
    return dims + number(2, FLOAT) + block(8, name) + data + number(14, 1)


def write(path: Path, nodes: Sequence[bytes], tensors: Sequence[bytes], ports: Sequence[bytes]) -> Path:
    """`ports`: values as `block(11, ...)` for inputs and `block(12, ...)` for outputs."""
    graph = b"".join(block(1, one) for one in nodes) + block(2, "made for a test")
    graph += b"".join(block(5, one) for one in tensors) + b"".join(ports)
    path.write_bytes(number(1, 8) + block(7, graph) + block(8, number(2, 13)))
    return path


def weights(dimension: int = 8, seed: int = 0) -> NDArray[np.float32]:
    """(D, 3, 8, 8): a convolution that looks at squares of 8 pixels."""
    return np.random.default_rng(seed).standard_normal((dimension, 3, 8, 8), dtype=np.float32)


def write_reid(
    path: Path,
    *,
    size: tuple[int, int] = (64, 32),
    batch: int | str = "N",
    dimension: int = 8,
    seed: int = 0,
    external: str | None = None,
    outputs: Sequence[str] = ("features",),
    inputs: Sequence[str] = ("images",),
) -> Path:
    """A convolution, its absolute values, and their mean over the picture: (N, 3, H, W) -> (N, D).

    With `external` the convolution's weights are written to that file, and the network says that it is there.
    """
    values = weights(dimension, seed)
    held = tensor("w", values) if external is None else external_tensor("w", values, external)
    if external is not None and Path(external).name == external and external != "..":
        (path.parent / external).write_bytes(values.tobytes())
    nodes = [
        node("Conv", ["images", "w"], "maps", ints("strides", [8, 8])),
        node("Abs", ["maps"], "strengths"),
        node("ReduceMean", ["strengths"], outputs[0], ints("axes", [2, 3]) + integer("keepdims", 0)),
        *(node("Neg", [outputs[0]], name) for name in outputs[1:]),
    ]
    ports = [block(11, value_info(name, (batch, 3, *size))) for name in inputs]
    ports += [block(12, value_info(name, (batch, dimension))) for name in outputs]
    return write(path, nodes, [held], ports)
