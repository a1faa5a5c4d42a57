"""Loads an imported network from its folder: the files that its card names, if they are still the same."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from models.errors import BadCheckpoint
from models.imported.architecture import Architecture
from models.imported.digests import digest_of
from models.imported.network import ImportedNetwork
from models.imported.runners import open_runner

KINDS = ("onnx", "openvino")


def load(folder: Path, architecture: Mapping[str, Any], dimension: int) -> ImportedNetwork:
    """Check the files beside a card; they are opened when the network is first used.

    Raises:
        BadCheckpoint: a file is missing or another one than was imported, or the card lacks something.
    """
    try:
        known = Architecture.model_validate(architecture)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BadCheckpoint(f"{folder}: architecture: {where}: {first['msg']}") from error
    for name, digest in known.files.items():
        if "/" in name or digest_of(folder / name) != digest:
            raise BadCheckpoint(f"{folder / name} is missing, or not the file that was imported")
    return ImportedNetwork(known, dimension, partial(open_runner, folder / known.file, known))
