"""Tries a network in a process of its own: `python -m models.imported.trial`, started by `importing`.

Files of strangers are opened by large libraries in C++: whatever one does to this process, the caller goes
on. Standard input has a `Wanted`; standard output gets what was found, or the reason to refuse the network.
"""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from models.child_limits import limit
from models.errors import BadCheckpoint
from models.imported.architecture import Architecture, Floats, Runner, arrange
from models.imported.runners import compile_ir, open_runner
from models.onnx_runtime import ORT_ERRORS, open_on_cpu

REFUSED: Final = 3
MAX_DIMENSION: Final = 16384
_MEMORY_BYTES: Final = 12 << 30  # of address space, much of which the libraries only reserve
_CPU_SECONDS: Final = 300
_OPEN_FILES: Final = 256
_AGREEMENT: Final = 1e-4  # of a picture's feature alone and among others, relative to its length


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a network is tried with; `mean` and `std` as in Preprocessing, `output` None for the only one."""

    path: str
    network: Literal["onnx", "openvino"]
    height: int
    width: int
    layout: Literal["nchw", "nhwc"]
    channels: Literal["rgb", "bgr"]
    mean: Sequence[float]
    std: Sequence[float]
    output: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out; `batch` as in `Architecture`."""

    input: str
    output: str
    batch: int | None
    dimension: int


@dataclass(frozen=True, slots=True)
class _Port:
    """An input or output: its name, its axes (None: of any length), and whether it is of float32."""

    name: str
    axes: tuple[int | None, ...] | None
    is_float: bool


def attempt(wanted: Wanted) -> Found:
    """Open a network and try it. Raises BadCheckpoint: it cannot be used; the message says why."""
    inputs, outputs = _onnx_ports(wanted) if wanted.network == "onnx" else _openvino_ports(wanted)
    taken, given = _input(inputs, wanted), _output(outputs, wanted.output)
    batch = taken.axes[0] if taken.axes else None
    if batch not in {None, 1}:
        raise BadCheckpoint(f"it takes {batch} pictures at a time; any number, or one, can be used")
    architecture = Architecture(
        network=wanted.network,
        file="",
        files={"": ""},
        input=taken.name,
        output=given.name,
        layout=wanted.layout,
        channels=wanted.channels,
        batch=batch,
    )
    runner = open_runner(Path(wanted.path), architecture, threads=1)
    dimension = _try(runner, architecture, wanted)
    return Found(taken.name, given.name, batch, dimension)


def _input(inputs: Sequence[_Port], wanted: Wanted) -> _Port:
    if len(inputs) != 1:
        raise BadCheckpoint(f"it has {len(inputs)} inputs ({', '.join(one.name for one in inputs)}), not one")
    (taken,) = inputs
    if not taken.is_float:
        raise BadCheckpoint(f"its input {taken.name!r} is not of float32")
    picture = (3, wanted.height, wanted.width)
    if wanted.layout == "nhwc":
        picture = (wanted.height, wanted.width, 3)
    axes = taken.axes
    if axes is None or len(axes) != 4:
        raise BadCheckpoint(f"its input {taken.name!r} has the axes {axes}, not four")
    if any(axis not in {None, side} for axis, side in zip(axes[1:], picture, strict=True)):
        shown = " x ".join("any" if axis is None else str(axis) for axis in axes[1:])
        right = " x ".join(map(str, picture))
        raise BadCheckpoint(f"it takes pictures of {shown}, not {right}: see --size and --layout")
    return taken


def _output(outputs: Sequence[_Port], wanted: str | None) -> _Port:
    names = ", ".join(one.name for one in outputs)
    if wanted is None and len(outputs) > 1:
        raise BadCheckpoint(f"it has several outputs: choose one of {names} with --output")
    chosen = [one for one in outputs if wanted in {None, one.name}]
    if not chosen:
        raise BadCheckpoint(f"it has no output {wanted!r}; its outputs: {names}")
    if not chosen[0].is_float:
        raise BadCheckpoint(f"its output {chosen[0].name!r} is not of float32")
    return chosen[0]


def _try(runner: Runner, architecture: Architecture, wanted: Wanted) -> int:
    """Embed noise, alone and together; return D."""
    # As pictures are: a network that expects 0 to 255 may divide by zero where all is about 0.
    random = np.random.default_rng(0)
    pixels = random.random((2, 3, wanted.height, wanted.width), dtype=np.float32)
    mean, std = (np.array(values, np.float32).reshape(3, 1, 1) for values in (wanted.mean, wanted.std))
    pictures = arrange((pixels - mean) / std, architecture)
    first, other = (_one(runner, picture[None], architecture.output) for picture in pictures)
    if not np.array_equal(first, _one(runner, pictures[:1], architecture.output)):
        raise BadCheckpoint("the same picture gets another feature each time")
    if np.array_equal(first, other):
        raise BadCheckpoint("every picture gets the same feature")
    if architecture.batch is None:
        together = runner.run(pictures)
        if together.shape != (2, first.size):
            raise BadCheckpoint(f"two pictures give {together.shape}, not (2, {first.size})")
        if np.abs(together - np.stack([first, other])).max() > _AGREEMENT * np.linalg.norm(first):
            raise BadCheckpoint("a picture's feature depends on the pictures beside it")
    return int(first.size)


def _one(runner: Runner, picture: Floats, name: str) -> Floats:
    feature = runner.run(picture)
    if feature.ndim != 2 or feature.shape[0] != 1 or not 2 <= feature.shape[1] <= MAX_DIMENSION:
        raise BadCheckpoint(f"its output {name!r} is {feature.shape} for one picture, not (1, D)")
    if not np.isfinite(feature).all():
        raise BadCheckpoint(f"its output {name!r} has values that are not finite")
    row: Floats = feature[0]
    return row


def _onnx_ports(wanted: Wanted) -> tuple[list[_Port], list[_Port]]:
    try:
        session = open_on_cpu(Path(wanted.path), 1)
    except ORT_ERRORS as error:
        raise BadCheckpoint(f"ONNX Runtime cannot open it: {error}") from error

    def ports(given: Sequence[Any]) -> list[_Port]:
        return [
            _Port(
                one.name,
                None if one.shape is None else tuple(a if isinstance(a, int) else None for a in one.shape),
                one.type == "tensor(float)",
            )
            for one in given
        ]

    return ports(session.get_inputs()), ports(session.get_outputs())


def _openvino_ports(wanted: Wanted) -> tuple[list[_Port], list[_Port]]:
    network = compile_ir(Path(wanted.path), 1)

    def ports(given: Sequence[Any]) -> list[_Port]:
        return [
            _Port(
                min(one.get_names(), default=f"output {number}"),
                tuple(None if a.is_dynamic else a.get_length() for a in one.get_partial_shape()),
                one.get_element_type().get_type_name() == "f32",
            )
            for number, one in enumerate(given)
        ]

    return ports(network.inputs), ports(network.outputs)


def main(answer: Callable[[str], object] = print) -> int:
    """Try what standard input names; return the exit status."""
    wanted = Wanted(**json.loads(sys.stdin.read()))
    limit(memory_bytes=_MEMORY_BYTES, cpu_seconds=_CPU_SECONDS, open_files=_OPEN_FILES, file_bytes=0)
    try:
        answer(json.dumps(asdict(attempt(wanted))))
    except BadCheckpoint as refused:
        answer(json.dumps({"refused": str(refused)}))
        return REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main())
