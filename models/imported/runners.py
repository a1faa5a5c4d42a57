"""Opens imported networks: ONNX by ONNX Runtime, OpenVINO's IR by OpenVINO where it is installed."""

import os
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np

from models.errors import BadCheckpoint
from models.imported.architecture import Architecture, Floats, Runner
from models.onnx_runtime import ORT_ERRORS, open_on_cpu

_OF_PARENTS: Final[list[Any]] = []


class OnnxRunner:
    """A network by ONNX Runtime.

    Its threads do not survive a fork, so a child that is forked opens the file anew.

    Args:
        path: the file.
        input_: name of its one input.
        output: name of the output with the features.
        threads: of each run; None for one a core.

    Raises:
        BadCheckpoint: it cannot be opened.
    """

    def __init__(self, path: Path, input_: str, output: str, threads: int | None) -> None:
        self._path, self._input, self._output, self._threads = path, input_, output, threads
        self._open()

    def run(self, pictures: Floats) -> Floats:
        """Features. Raises BadCheckpoint if it fails."""
        if self._process != os.getpid():
            # Kept for ever: closing it would wait for threads that are the parent's.
            _OF_PARENTS.append(self._session)
            self._open()
        try:
            output: Floats = self._session.run([self._output], {self._input: pictures})[0]
        except ORT_ERRORS as error:
            raise BadCheckpoint(f"ONNX Runtime cannot run it: {error}") from error
        return output

    def _open(self) -> None:
        try:
            self._session = open_on_cpu(self._path, self._threads)
        except ORT_ERRORS as error:
            raise BadCheckpoint(f"ONNX Runtime cannot open it: {error}") from error
        self._process = os.getpid()


class OpenVinoRunner:
    """A network by OpenVINO. Raises BadCheckpoint for a file that it cannot open."""

    def __init__(self, path: Path, architecture: Architecture, threads: int | None) -> None:
        self._network = compile_ir(path, threads)
        self._output = output_of(self._network, architecture.output)

    def run(self, pictures: Floats) -> Floats:
        """Features. Raises BadCheckpoint if it fails."""
        try:
            # A request of its own: the network's one shared request mixes up the pictures of several threads.
            return np.asarray(self._network.infer_new_request(pictures)[self._output])
        except RuntimeError as error:
            raise BadCheckpoint(f"OpenVINO cannot run it: {error}") from error


def compile_ir(path: Path, threads: int | None) -> Any:
    """Open an .xml file with its .bin beside it. Raises BadCheckpoint."""
    try:
        openvino = import_module("openvino")
    except ImportError as error:
        raise BadCheckpoint("openvino is not installed: pip install openvino") from error
    # In float32, as the file has them: elsewhere the same network would give other features.
    properties: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}
    if threads:
        properties["INFERENCE_NUM_THREADS"] = threads
    try:
        return openvino.Core().compile_model(str(path), "CPU", properties)
    except RuntimeError as error:
        raise BadCheckpoint(f"OpenVINO cannot open it: {error}") from error


def output_of(network: Any, name: str) -> Any:
    """The output of that name, or the only one where it has no names. Raises BadCheckpoint."""
    for output in network.outputs:
        if name in output.get_names():
            return output
    if len(network.outputs) == 1:
        return network.outputs[0]
    raise BadCheckpoint(f"it has no output {name!r}")


def open_runner(path: Path, architecture: Architecture, threads: int | None) -> Runner:
    """Open the file of a network as its card says. Raises BadCheckpoint."""
    if architecture.network == "onnx":
        return OnnxRunner(path, architecture.input, architecture.output, threads)
    return OpenVinoRunner(path, architecture, threads)
