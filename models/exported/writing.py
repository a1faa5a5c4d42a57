"""Writes the networks of a model as ONNX files and compares them with torch, in a process of its own.

torch has two exporters. The older one, by tracing, takes a second for both networks and needs the package
onnx; the newer takes twenty and needs onnxscript too. Their files are as fast and differ as little.
"""

import json
import logging
import sys
import warnings
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models import checkpoint
from models.errors import CannotExport
from models.inference import optimise
from models.networks.network import Network
from models.onnx_runtime import ORT_ERRORS, open_on_cpu

IMAGE: Final = "image.onnx"
VIDEO: Final = "video.onnx"
INPUT: Final = "pictures"
OUTPUT: Final = "features"
AGREEMENT: Final = 1e-4  # with torch, relative to the length of a feature
REPORT: Final = "report.json"

Floats = NDArray[np.float32]

_TRACED: Final = 3  # pictures that the network is traced with
_CHECKED: Final = (1, 2, 5, 32)  # pictures that the files are compared with torch with
_ROUNDING: Final = 1e-6  # of a feature's length: what the order of sums may change
_OPSET: Final = 18


class _Photos(nn.Module):
    """(N, 3, H, W) -> (N, D)."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        """Features of photos."""
        return self.network.embed_images(pictures)


class _Clip(nn.Module):
    """The frames of one clip, (T, 3, H, W) -> (1, D)."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        """The feature of a clip."""
        return self.network.embed_frames(pictures, [pictures.shape[0]])


def write(folder: Path, out: Path) -> dict[str, object]:
    """Write the files of a checkpoint.

    Args:
        folder: of the checkpoint.
        out: folder for image.onnx and video.onnx; it must be there.

    Returns:
        By file its largest difference from torch, relative to the length of a feature, or why it cannot be
        written; and as "parts" whether a clip's feature is the mean over its frames, each seen alone.
    """
    model = checkpoint.load(folder)
    network = optimise(model.network)
    size = model.preprocessing.height, model.preprocessing.width
    report: dict[str, object] = {"parts": _is_mean(network, size)}
    for name, module in ((IMAGE, _Photos(network)), (VIDEO, _Clip(network))):
        try:
            _trace(module.eval(), size, out / name)
            report[name] = _difference(module, size, out / name)
        except CannotExport as error:
            (out / name).unlink(missing_ok=True)
            report[name] = str(error)
    return report


def _trace(module: nn.Module, size: tuple[int, int], file: Path) -> None:
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is the older exporter, and what tracing takes as fixed
            torch.onnx.export(
                module,
                (torch.randn(_TRACED, 3, *size),),
                file,
                dynamo=False,
                opset_version=_OPSET,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes={INPUT: {0: "pictures"}, OUTPUT: {0: "features"}},
            )
    except (RuntimeError, TypeError, ValueError) as error:
        line = next(iter(str(error).splitlines()), type(error).__name__)
        raise CannotExport(f"torch cannot write this network as {file.name}: {line}") from error


@torch.inference_mode()
def _difference(module: nn.Module, size: tuple[int, int], file: Path) -> float:
    """The largest difference of a file's features from torch's, relative to their length."""
    generator = torch.Generator().manual_seed(0)
    worst = 0.0
    try:
        session = open_on_cpu(file, torch.get_num_threads())
        for count in _CHECKED:
            pictures = torch.randn(count, 3, *size, generator=generator)
            found = session.run([OUTPUT], {INPUT: pictures.numpy()})[0]
            worst = max(worst, _relative(found, module(pictures).numpy()))
    except ORT_ERRORS as error:
        raise CannotExport(f"ONNX Runtime cannot run {file.name}: {error}") from error
    if not worst <= AGREEMENT:
        raise CannotExport(f"{file.name} differs from torch by {worst:.1e} of a feature's length")
    return worst


@torch.inference_mode()
def _is_mean(network: Network, size: tuple[int, int]) -> bool:
    """Whether frames of a clip do not see each other, so that it can be embedded in parts."""
    frames = torch.randn(5, 3, *size, generator=torch.Generator().manual_seed(1))
    whole = network.embed_frames(frames, [5]).numpy()
    parts = network.embed_frames(frames, [4, 1]).numpy()
    return _relative((4 * parts[:1] + parts[1:]) / 5, whole) <= _ROUNDING


def _relative(found: Floats, right: Floats) -> float:
    lengths = np.linalg.norm(right, axis=1, keepdims=True)
    return float(np.abs((found - right) / lengths).max())


if __name__ == "__main__":
    torch.set_num_threads(1)  # the process that waits for this one works beside it
    source, target = (Path(argument) for argument in sys.argv[1:])
    (target / REPORT).write_text(json.dumps(write(source, target)), encoding="utf-8")
