"""Trees of empty files: the readers of data sets read names only."""

from collections.abc import Iterable
from pathlib import Path

from models.datasets.records import Tracklet


def plant(root: Path, names: Iterable[str]) -> Path:
    """Make files below `root`, last name first, so that nothing is sorted by luck."""
    for name in sorted(names, reverse=True):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def told(tracklets: Iterable[Tracklet], root: Path) -> list[tuple[int, int, list[str]]]:
    """Identity, camera and frames of tracklets, names relative to `root`."""
    return [
        (t.identity, t.camera, [frame.relative_to(root).as_posix() for frame in t.frames]) for t in tracklets
    ]
