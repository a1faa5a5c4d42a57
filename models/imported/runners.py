"""Opens imported networks: ONNX by ONNX Runtime, OpenVINO's IR by OpenVINO where it is installed."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from models.errors import BadCheckpoint
from models.imported.architecture import Architecture, Floats, Runner
from models.onnx_runtime import ORT_ERRORS, open_on_cpu


class OnnxRunner:
    """A network by ONNX Runtime. Raises BadCheckpoint for a file that it cannot open."""

    def __init__(self, path: Path, architecture: Architecture, threads: int | None) -> None:
        try:
            self._session = open_on_cpu(path, threads)
        except ORT_ERRORS as error:
            raise BadCheckpoint(f"ONNX Runtime cannot open it: {error}") from error
        self._input, self._output = architecture.input, architecture.output

    def run(self, pictures: Floats) -> Floats:
        """Features. Raises BadCheckpoint if it fails."""
        try:
            output: Floats = self._session.run([self._output], {self._input: pictures})[0]
        except ORT_ERRORS as error:
            raise BadCheckpoint(f"ONNX Runtime cannot run it: {error}") from error
        return output


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
    kind = OnnxRunner if architecture.network == "onnx" else OpenVinoRunner
    return kind(path, architecture, threads)
