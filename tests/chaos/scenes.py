"""What is recorded: three short recordings with two people each."""

import hashlib
import io
from pathlib import Path

from PIL import Image

from tests.indexer.videos import BLUE, GREEN, RED, Walker, draw, make_video

Colour = tuple[int, int, int]
SCENES: dict[str, tuple[Colour, Colour]] = {"a": (RED, GREEN), "b": (GREEN, BLUE), "c": (BLUE, RED)}
ALIKE = 0.9  # cosine above which two figures wear the same colour
FRAMES = 40


def record(folder: Path) -> dict[str, Path]:
    """Draw the recordings."""
    files = {}
    for seed, (name, (upper, lower)) in enumerate(SCENES.items()):
        # The first has gone, and is written, long before the second has.
        walkers = [Walker(upper, 0, 14, (10, 20)), Walker(lower, 5, 38, (20, 150))]
        files[name] = make_video(folder / f"{name}.mp4", walkers, frames=FRAMES, seed=seed)
    return files


def ids(files: dict[str, Path]) -> dict[str, str]:
    """Which scene a video shows, by the id that it gets."""
    return {hashlib.sha256(file.read_bytes()).hexdigest()[:32]: name for name, file in files.items()}


def photo(colour: Colour) -> bytes:
    """A photo of somebody who wears a colour."""
    jpeg = io.BytesIO()
    Image.fromarray(draw([Walker(colour, 0, 1, (100, 60))], 0)).save(jpeg, "JPEG", quality=95)
    return jpeg.getvalue()
