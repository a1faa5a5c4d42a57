"""A model as ONNX files: one for photos, one for clips, for the CPU here and for other programs."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from models import checkpoint
from models.checkpoint import LoadedModel
from models.errors import BadCheckpoint, CannotExport
from models.exported.writing import IMAGE, REPORT, VIDEO

_NEEDED: Final = ("onnx",)
_SECONDS: Final = 600.0
_WRITING: Final = "models.exported.writing"


@dataclass(frozen=True, slots=True)
class Export:
    """What became of the two files.

    Attributes:
        differences: of a file that is there from torch, relative to the length of a feature, by its name.
        failures: why a file is not there, by its name.
        parts: whether a clip's feature is the mean over its frames, each seen alone.
    """

    differences: dict[str, float]
    failures: dict[str, str]
    parts: bool


def export_onnx(model: LoadedModel, folder: Path) -> float:
    """Write image.onnx and video.onnx, and compare them with torch.

    The input is `pictures`, float32, standardised as the card says: any number of photos (N, 3, H, W), or the
    frames of one clip (T, 3, H, W). The output is `features`, of any length: (N, D), or (1, D).

    Args:
        model: in torch; not one that was imported.
        folder: for the two files; it must be there.

    Returns:
        The largest difference from torch, relative to the length of a feature; at most a ten-thousandth.

    Raises:
        CannotExport: a package is missing, this network cannot be written so, or the files differ from torch.
    """
    export = try_export(model, folder)
    for reason in export.failures.values():
        raise CannotExport(reason)
    return max(export.differences.values())


def missing_packages() -> list[str]:
    """The packages that exporting needs and that are not installed."""
    return [name for name in _NEEDED if find_spec(name) is None]


def try_export(model: LoadedModel, folder: Path) -> Export:
    """Write what can be written of image.onnx and video.onnx; those that are written agree with torch.

    It works in a process of its own: the exporter prints, and has one state for all threads of a process.

    Raises:
        CannotExport: the model was imported, a package is missing, or the process fails.
        OSError: the folder cannot be written.
    """
    if not model.network.in_torch:
        raise CannotExport(f"{model.name} was imported: its own files are what could be exported")
    if missing := missing_packages():
        raise CannotExport(f"exporting needs {' and '.join(missing)}: pip install {' '.join(missing)}")
    with tempfile.TemporaryDirectory(dir=folder, prefix=".exporting-") as temporary:
        source, written = Path(temporary) / "model", Path(temporary) / "files"
        try:
            checkpoint.save(source, model.network, model.card)
        except BadCheckpoint as error:
            raise CannotExport(
                f"{model.name} cannot be handed to the process that exports: {error}"
            ) from error
        written.mkdir()
        report = _run(source, written)
        for name in (IMAGE, VIDEO):
            if (written / name).exists():
                (written / name).replace(folder / name)
    found = {name: report[name] for name in (IMAGE, VIDEO)}
    return Export(
        {name: float(one) for name, one in found.items() if isinstance(one, float)},
        {name: one for name, one in found.items() if isinstance(one, str)},
        bool(report["parts"]),
    )


def _run(source: Path, written: Path) -> dict[str, object]:
    command = [sys.executable, "-I", "-m", _WRITING, str(source.absolute()), str(written.absolute())]
    try:
        done = subprocess.run(  # noqa: S603  (nothing of the command comes from outside)
            command, capture_output=True, timeout=_SECONDS, env={}, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CannotExport(f"exporting was not done after {_SECONDS:g} s") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise CannotExport(f"the process that exports failed: {''.join(said) or done.returncode}")
    found: dict[str, object] = json.loads((written / REPORT).read_text(encoding="utf-8"))
    return found
