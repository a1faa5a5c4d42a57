"""Two contact sheets of a folder made by `sightline simulate tracklets`, as in docs/simulation.md.

    python scripts/simulation_sheets.py DATASET OUT

OUT/simulated-people.jpg shows people across cameras, OUT/simulated-tracklets.jpg a row two tracklets.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROWS, CAMERAS = 10, 4
STRIP_ROWS, STRIP_FRAMES = 5, 8
CELL = (64, 128)  # pixels
GAP = 2
QUALITY = 82


def cell(folder: Path, line: dict[str, Any], frame: int) -> NDArray[np.uint8]:
    """One picture of a tracklet, or white when the tracklet is shorter."""
    name = f"{line['split']}/{line['identity']:04d}/{line['tracklet']}F{frame:03d}.jpg"
    if frame > line["frames"]:
        return np.full((CELL[1], CELL[0], 3), 255, np.uint8)
    with Image.open(folder / name) as picture:
        return np.asarray(picture.resize(CELL, Image.Resampling.LANCZOS))


def sheet(rows: list[list[NDArray[np.uint8]]], path: Path) -> None:
    """Write rows of cells with white gaps."""
    padded = [
        np.concatenate([np.pad(each, ((GAP,), (GAP,), (0,)), constant_values=255) for each in row], 1)
        for row in rows
    ]
    Image.fromarray(np.concatenate(padded)).save(path, quality=QUALITY)


def main(folder: Path, out: Path) -> None:
    """Write both sheets."""
    lines = [json.loads(line) for line in (folder / "tracklets.jsonl").read_text().splitlines()]
    by_identity: dict[int, list[dict[str, Any]]] = {}
    for line in lines:
        by_identity.setdefault(line["identity"], []).append(line)
    everywhere = [tracklets for tracklets in by_identity.values() if len(tracklets) >= CAMERAS][:ROWS]
    if not everywhere:
        raise SystemExit(f"{folder}: nobody is seen by {CAMERAS} cameras")
    # Two people stand side by side in a row of the sheet.
    rows = [
        [cell(folder, line, frame) for line in tracklets[:CAMERAS] for frame in (1, max(line["frames"], 1))]
        for tracklets in everywhere
    ]
    half = len(rows) // 2
    sheet(
        [left + right for left, right in zip(rows[:half], rows[half:], strict=False)],
        out / "simulated-people.jpg",
    )
    strips = [
        [cell(folder, line, frame) for line in tracklets[:2] for frame in range(1, STRIP_FRAMES + 1)]
        for tracklets in everywhere[:STRIP_ROWS]
    ]
    sheet(strips, out / "simulated-tracklets.jpg")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
