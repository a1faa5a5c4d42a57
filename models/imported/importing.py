"""Makes a model of a network that others exported: a folder that `models.checkpoint.load` accepts."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from models import names
from models.errors import BadCheckpoint
from models.imported.architecture import Architecture
from models.imported.digests import digest_of, network_id
from models.imported.external import external_files
from models.imported.normalising import LAYER, written_out
from models.imported.trial import REFUSED, Found, Wanted
from models.preprocessing import IMAGENET_MEAN, IMAGENET_STD

_SECONDS: Final = 600.0
_MAX_BYTES: Final = 2 << 30
_SUFFIXES: Final = {".onnx": "onnx", ".xml": "openvino"}
_CHANNELS: Final = 3

UNKNOWN: Final = (
    "The model was imported and its origin is unknown: nobody knows here whom it was trained on, and nobody "
    "has measured it."
)


@dataclass(frozen=True, slots=True)
class Usage:
    """How an imported network wants its pictures.

    Attributes:
        height, width: of a picture, in pixels.
        mean, std: by channel, in the order of `channels`, on the scale of `scale`; None: ImageNet's for a
            scale of 1, 0 and 1 for one of 255.
        scale: what white is before mean and std: 1 or 255.
        layout: order of the axes.
        channels: order of the channels.
        output: name of the output with the features; None for the only one.
    """

    height: int
    width: int
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    scale: Literal[1, 255] = 1
    layout: Literal["nchw", "nhwc"] = "nchw"
    channels: Literal["rgb", "bgr"] = "rgb"
    output: str | None = None

    def norms(self) -> tuple[list[float], list[float]]:
        """Mean and deviation of red, green and blue on a scale of 0 to 1. Raises BadCheckpoint."""
        mean, std = (IMAGENET_MEAN, IMAGENET_STD) if self.scale == 1 else ((0.0,) * 3, (1.0,) * 3)
        reversed_ = self.channels == "bgr"
        found = []
        for values, given, default in (("mean", self.mean, mean), ("std", self.std, std)):
            if given is not None and len(given) not in {1, _CHANNELS}:
                raise BadCheckpoint(f"{values} has {len(given)} numbers, not one or three")
            three = list(default) if given is None else list(given) * (_CHANNELS // len(given))
            ordered = three[::-1] if reversed_ and given is not None else three
            found.append([value / self.scale for value in ordered])
        if min(found[1]) <= 0:
            raise BadCheckpoint("std must be above 0")
        return found[0], found[1]


def import_network(source: Path, name: str, usage: Usage, target: Path, *, origin: str | None = None) -> str:
    """Check a network and write a checkpoint of it.

    Args:
        source: an .onnx file, with its weights in it or beside it; or an .xml file with its .bin beside it.
        name: of the model, as in cards.
        usage: how it wants its pictures.
        target: a new folder.
        origin: where it comes from, for the card.

    Returns:
        The model's id: SHA-256 of its files and of how they are used.

    Raises:
        BadCheckpoint: it cannot be used; the message says why. Nothing is left in `target`.
    """
    if source.suffix not in _SUFFIXES:
        raise BadCheckpoint(f"{source} is neither an .onnx nor an .xml file")
    mean, std = usage.norms()
    with tempfile.TemporaryDirectory(prefix="sightline-import-") as folder:
        copy = Path(folder) / "model"
        copy.mkdir()
        try:
            file = _copy(source, copy)
            changed = _repair(copy / file)
            found = _try(copy / file, usage, (mean, std))
            architecture = Architecture(
                network="onnx" if source.suffix == ".onnx" else "openvino",
                file=file,
                files={one.name: digest_of(one) or "" for one in sorted(copy.iterdir())},
                input=found.input,
                output=found.output,
                layout=usage.layout,
                channels=usage.channels,
                batch=found.batch,
            )
        except BadCheckpoint as error:
            raise BadCheckpoint(f"{source}: {error}") from error
        preprocessing = {
            "height": usage.height,
            "width": usage.width,
            "mean": mean,
            "std": std,
            "mirror": False,
            "resize": "bicubic",
        }
        card = _card(name, architecture, preprocessing, found.dimension, origin) | changed
        (copy / names.CARD).write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
        shutil.copytree(copy, target)
    return str(card["id"])


def _card(
    name: str, architecture: Architecture, preprocessing: dict[str, Any], dimension: int, origin: str | None
) -> dict[str, Any]:
    card = {
        "format": 1,
        "name": name,
        "id": network_id(architecture, preprocessing),
        "dimension": dimension,
        "architecture": architecture.model_dump(),
        "preprocessing": preprocessing,
        "origin": origin or "unknown",
        "training": "unknown: made elsewhere and imported",
        "limits": ["photos and clips share the network; a clip is the mean over its frames"],
    }
    return card if origin else {**card, "warning": UNKNOWN}


def _copy(source: Path, folder: Path) -> str:
    """Copy a file with what belongs to it; nothing is read that does not lie beside it."""
    size = source.stat().st_size
    if size > _MAX_BYTES:
        raise BadCheckpoint(f"it has {size} bytes, more than the {_MAX_BYTES} allowed")
    if source.suffix == ".onnx":
        beside = external_files(source.read_bytes())
    else:
        beside = [source.with_suffix(".bin").name]
    for name in [source.name, *beside]:
        file = source.parent / name
        if name == names.CARD:
            raise BadCheckpoint(f"a file of it cannot be called {names.CARD}")
        if not file.is_file():
            raise BadCheckpoint(f"its weights {name!r} are not beside it")
        if not file.resolve().is_relative_to(source.parent.resolve()) and name != source.name:
            raise BadCheckpoint(f"its weights {name!r} are a link to another folder")
        shutil.copyfile(file, folder / name)
    return source.name


def _repair(file: Path) -> dict[str, str]:
    """Write out a layer that ONNX Runtime computes wrongly; returns what the card says of that."""
    repaired = written_out(file.read_bytes()) if file.suffix == ".onnx" else None
    if repaired is None:
        return {}
    file.write_bytes(repaired)
    return {"changed": f"{LAYER} is written out as ONNX defines it; ONNX Runtime divides by zero there"}


def _try(copy: Path, usage: Usage, norms: tuple[Sequence[float], Sequence[float]]) -> Found:
    """Try a network in a process of its own. Raises BadCheckpoint."""
    wanted = Wanted(
        path=str(copy),
        network="onnx" if copy.suffix == ".onnx" else "openvino",
        height=usage.height,
        width=usage.width,
        layout=usage.layout,
        channels=usage.channels,
        mean=norms[0],
        std=norms[1],
        output=usage.output,
    )
    command = [sys.executable, "-I", "-m", "models.imported.trial"]
    try:
        ended = subprocess.run(  # noqa: S603  (nothing of the command comes from outside)
            command,
            input=json.dumps(asdict(wanted)).encode(),
            capture_output=True,
            timeout=_SECONDS,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise BadCheckpoint(f"it was not ready after {_SECONDS:g} s") from error
    if ended.returncode not in {0, REFUSED}:
        raise BadCheckpoint(f"the process that tried it ended with status {ended.returncode}")
    answer = json.loads(ended.stdout.decode().strip().splitlines()[-1])
    if ended.returncode == REFUSED:
        raise BadCheckpoint(str(answer["refused"]))
    return Found(**answer)
