"""Keeps exported networks, so that each is exported once by each version of what exports and runs it.

A folder for each model, in it one for the versions of torch and ONNX Runtime that made it; in that the files
and what is known of them. It appears as a whole, and what is damaged is made anew.
"""

import fcntl
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import onnxruntime
import torch

from models.checkpoint import LoadedModel
from models.errors import CannotExport
from models.exported.exporting import Export, missing_packages, try_export
from models.exported.writing import IMAGE, VIDEO
from models.imported.digests import digest_of

_FORMAT: Final = 1
_FACTS: Final = "export.json"
_LOCK: Final = ".lock"
_UNFINISHED: Final = ".making-"
_PRIVATE: Final = 0o700

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Exported:
    """Files of a model that are as they were written.

    Attributes:
        image: for photos.
        video: for clips, in parts of any length; None where torch has to embed them.
    """

    image: Path
    video: Path | None


def find(root: Path, model_id: str) -> Exported | None:
    """The files of a model; None where they were not made, or are damaged. Reads them whole."""
    folder = _folder(root, model_id)
    facts = _facts(folder)
    files = facts.get("files")
    if not isinstance(files, Mapping) or IMAGE not in files:
        return None
    if any(name not in {IMAGE, VIDEO} or digest_of(folder / name) != one for name, one in files.items()):
        return None
    return Exported(folder / IMAGE, folder / VIDEO if VIDEO in files else None)


def provide(root: Path, model: LoadedModel) -> Exported:
    """The files of a model, made first where they are missing or damaged; that takes seconds.

    Of several processes that want them one makes them, and the others wait for it.

    Raises:
        CannotExport: they cannot be made, now or as was found before; or the folder cannot be written.
    """
    found = find(root, model.id)
    if found is not None:
        return found
    if missing := missing_packages():
        raise CannotExport(f"exporting needs {' and '.join(missing)}: pip install {' '.join(missing)}")
    try:
        with _alone(root):
            found = find(root, model.id)
            if found is None:
                _refuse_again(_facts(_folder(root, model.id)))
                _make(root, model)
                found = find(root, model.id)
    except OSError as error:
        raise CannotExport(f"{root} cannot be written: {error.strerror or error}") from error
    if found is None:
        _refuse_again(_facts(_folder(root, model.id)))
        raise CannotExport(f"what was written to {root} cannot be read back")
    return found


def try_to_provide(root: Path, model: LoadedModel) -> None:
    """As `provide`; where it cannot be done, one line in the log says why, and torch embeds."""
    if not model.network.in_torch:
        return
    if missing_packages():
        log.info("torch embeds %s: ONNX Runtime could, faster, if onnx were installed", model.name)
        return
    try:
        provide(root, model)
    except CannotExport as error:
        log.warning("torch embeds %s, as ONNX Runtime cannot: %s", model.name, error)


def _make(root: Path, model: LoadedModel) -> None:
    for left in root.glob(f"{_UNFINISHED}*"):  # by who died: nobody else is here
        shutil.rmtree(left, ignore_errors=True)
    making = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=root))
    try:
        facts = _described(try_export(model, making), making)
        (making / _FACTS).write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
        home = root / model.id
        shutil.rmtree(home, ignore_errors=True)  # damaged, or of other versions
        home.mkdir(mode=_PRIVATE)
        making.rename(_folder(root, model.id))
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _described(export: Export, folder: Path) -> dict[str, Any]:
    """What is known of an export. Clips whose frames see each other stay with torch, and lose their file.

    torch attends in tiles. ONNX Runtime would form each matrix of attention: hundreds of megabytes for a clip
    of 32 frames, in each thread, for a gain of a fifth.
    """
    if not export.parts:
        (folder / VIDEO).unlink(missing_ok=True)
    files = {name: digest_of(folder / name) for name in (IMAGE, VIDEO) if (folder / name).exists()}
    if IMAGE not in files:
        return {"failure": export.failures[IMAGE]}
    return {"files": files, "differences": export.differences, "failures": export.failures}


def _refuse_again(facts: Mapping[str, Any]) -> None:
    if "failure" in facts:
        raise CannotExport(str(facts["failure"]))


def _facts(folder: Path) -> Mapping[str, Any]:
    try:
        facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _folder(root: Path, model_id: str) -> Path:
    return root / model_id / f"{_FORMAT}-torch-{torch.__version__}-onnxruntime-{onnxruntime.__version__}"


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    root.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
    descriptor = os.open(root / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
