"""Writes a model as ONNX files for other programs: one for photos, one for clips."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from models.checkpoint import LoadedModel
from models.errors import CannotExport
from models.inference import optimise
from models.networks.network import Network
from models.onnx_runtime import ORT_ERRORS, open_on_cpu

IMAGE: Final = "image.onnx"
VIDEO: Final = "video.onnx"
INPUT: Final = "pictures"
OUTPUT: Final = "features"
AGREEMENT: Final = 1e-4  # with torch, relative to the length of a feature

_NEEDED: Final = ("onnx", "onnxscript")
_TRACED: Final = 3  # pictures that the network is traced with
_CHECKED: Final = (1, 2, 5)  # pictures that the files are compared with torch with
_MOST: Final = 4096


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


def export_onnx(model: LoadedModel, folder: Path) -> float:
    """Write image.onnx and video.onnx, and compare them with torch.

    The input is `pictures`, float32, standardised as the card says: any number of photos (N, 3, H, W), or the
    frames of one clip (T, 3, H, W). The output is `features`, of any length: (N, D), or (1, D).

    Args:
        model: in torch; not one that was imported.
        folder: for the two files; it must be there.

    Returns:
        The largest difference from torch, relative to the length of a feature; at most `AGREEMENT`.

    Raises:
        CannotExport: a package is missing, this network cannot be written so, or the files differ from torch.
    """
    if not model.network.in_torch:
        raise CannotExport(f"{model.name} was imported: its own files are what could be exported")
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise CannotExport(f"exporting needs {' and '.join(missing)}: pip install {' '.join(missing)}")
    network = optimise(model.network)
    size = model.preprocessing.height, model.preprocessing.width
    differences = []
    for name, module in ((IMAGE, _Photos(network)), (VIDEO, _Clip(network))):
        module.eval()
        _write(module, size, folder / name)
        differences.append(_difference(module, size, folder / name))
    worst = max(differences)
    if not worst <= AGREEMENT:
        raise CannotExport(f"the files differ from torch by {worst:.1e} of a feature's length")
    return worst


def _write(module: nn.Module, size: tuple[int, int], file: Path) -> None:
    many = torch.export.Dim("pictures", min=1, max=_MOST)
    try:
        with _quiet():
            program = torch.onnx.export(
                module,
                (torch.randn(_TRACED, 3, *size),),
                dynamo=True,
                dynamic_shapes=({0: many},),
                input_names=[INPUT],
                output_names=[OUTPUT],
                external_data=False,
                verbose=False,
            )
            assert program is not None
            program.save(str(file))
    except (torch.onnx.OnnxExporterError, RuntimeError) as error:
        raise CannotExport(f"torch cannot write this network as {file.name}: {error}") from error


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
            right = module(pictures).numpy()
            lengths = np.linalg.norm(right, axis=1, keepdims=True)
            worst = max(worst, float(np.abs((found - right) / lengths).max()))
    except ORT_ERRORS as error:
        raise CannotExport(f"ONNX Runtime cannot run {file.name}: {error}") from error
    return worst


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter tells of its own progress and of its own deprecated parts."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(before)
