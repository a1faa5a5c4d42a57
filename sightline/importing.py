"""A model from elsewhere as a folder that the gallery can copy: a checkpoint, or a network once tried."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from gallery import ModelInfo
from sightline.failures import CommandError

if TYPE_CHECKING:
    from models.imported.importing import Usage

_PICKLES = {".pth", ".pt", ".tar", ".ckpt", ".pkl"}


@dataclass(frozen=True, slots=True)
class Network:
    """What was asked for with a network: the options of `sightline models import`."""

    size: str
    mean: str | None
    std: str | None
    scale: int
    layout: str
    channels: str
    output: str | None
    origin: str | None

    def usage(self) -> "Usage":
        """The options as the importer takes them. Raises CommandError."""
        from models.imported.importing import Usage

        height, width = _numbers(self.size.lower().replace("x", ","), "--size", "256x128")
        for option, value, allowed in (
            ("--scale", self.scale, (1, 255)),
            ("--layout", self.layout, ("nchw", "nhwc")),
            ("--channels", self.channels, ("rgb", "bgr")),
        ):
            if value not in allowed:
                raise CommandError(f"{option} cannot be {value}", f"choose {allowed[0]} or {allowed[1]}")
        return Usage(
            int(height),
            int(width),
            mean=None if self.mean is None else _numbers(self.mean, "--mean", "0.485,0.456,0.406"),
            std=None if self.std is None else _numbers(self.std, "--std", "0.229,0.224,0.225"),
            scale=cast("Literal[1, 255]", self.scale),
            layout=cast("Literal['nchw', 'nhwc']", self.layout),
            channels=cast("Literal['rgb', 'bgr']", self.channels),
            output=self.output,
        )


@contextmanager
def as_folder(source: Path, name: str | None, network: Network) -> Iterator[tuple[Path, ModelInfo]]:
    """The folder of a model, and what it is; the folder goes when the block ends.

    Raises:
        ModelError: it cannot be used; the message says why.
        CommandError: the options do not fit.
    """
    from models import checkpoint
    from models.imported.importing import import_network

    if source.suffix in _PICKLES:
        raise CommandError(
            f"{source.name} is a pickle, which could run code",
            "docs/models.md shows how to make an ONNX file of a torchreid or fast-reid checkpoint",
        )
    with tempfile.TemporaryDirectory(prefix="sightline-model-") as folder:
        target = Path(folder) / "model"
        if source.is_dir():
            loaded = checkpoint.load(source)
            shutil.copytree(source, target, ignore=_others)
            card = {**loaded.card, "name": name or loaded.name}
            text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
            (target / checkpoint.CARD).write_text(text, "utf-8")
        else:
            if name is None:
                raise CommandError("a network from elsewhere has no name", "give it one with --name")
            if not source.is_file():
                raise CommandError(f"no such file or folder: {source}", "check the path")
            import_network(source, name, network.usage(), target, origin=network.origin)
        model = checkpoint.load(target)
        yield target, ModelInfo(model.id, model.name, model.dimension, model.card)


def _others(folder: str, entries: list[str]) -> list[str]:
    """What a checkpoint's folder holds besides the files of the model."""
    from models import checkpoint

    card: dict[str, Any] = json.loads((Path(folder) / checkpoint.CARD).read_bytes())
    files = card["architecture"].get("files", {})
    return [entry for entry in entries if entry not in {checkpoint.CARD, checkpoint.WEIGHTS, *files}]


def _numbers(text: str, option: str, example: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise CommandError(f"{option} {text!r} is not made of numbers", f"write it like {example}") from error
    if option == "--size" and (len(values) != 2 or any(v != int(v) or not 32 <= v <= 1024 for v in values)):
        raise CommandError(f"no size: {text!r}", f"write it like {example}: 32 to 1024, height first")
    return values
