"""What must be the same on the driver and on every node, so that they find and embed the same."""

import hashlib
import importlib.metadata
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGES: Final = ("gallery", "indexer", "models")  # whose code runs on a node
LIBRARIES: Final = ("torch", "torchvision", "onnxruntime", "av", "numpy", "pillow")
GLANCED: Final = 1 << 16  # bytes at the beginning, in the middle and at the end of a file


@cache
def build() -> Mapping[str, str]:
    """Versions of Sightline, of its code and of the libraries that compute, by name."""
    return {
        "sightline": _version("sightline"),
        "its code": _code(),
        **{name: _version(name) for name in LIBRARIES},
    }


def differences(driver: Mapping[str, str], node: Mapping[str, str]) -> str:
    """What differs, in words, or nothing."""
    return ", ".join(
        f"{name} {node.get(name, 'unknown')[:16]} instead of {version[:16]}"
        for name, version in driver.items()
        if node.get(name) != version
    )


def glance(path: Path) -> str:
    """A digest of three places of a file, to tell another file of its size. Raises OSError."""
    digest = hashlib.sha256()
    size = path.stat().st_size
    with path.open("rb") as file:
        for place in (0, size // 2, max(0, size - GLANCED)):
            file.seek(place)
            digest.update(file.read(GLANCED))
    return digest.hexdigest()


def _version(package: str) -> str:
    """The version without what says for which processor; the GPU's ONNX Runtime is another package."""
    for name in (package, f"{package}-gpu"):
        try:
            return importlib.metadata.version(name).partition("+")[0]
        except PackageNotFoundError:
            continue
    return "none"


def _code() -> str:
    """A digest of the code: versions change with releases only."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            digest.update(f"{file.relative_to(ROOT)}\n".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()
