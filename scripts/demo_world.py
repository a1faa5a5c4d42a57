"""What the sample recordings really show, from the ground truth that was made with them."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Box = tuple[float, float, float, float]  # left, top, width, height
ZONE = "Europe/Berlin"  # where samples/README.md says that the sample recordings are meant to be
# Site, latitude and longitude of the samples' cameras, as far apart as their people walk meanwhile.
PLACES = {
    "camera-1": ("Depot", 52.5212, 13.4132),
    "camera-2": ("Main building", 52.5206, 13.4146),
    "camera-3": ("Main building", 52.5203, 13.4139),
    "camera-4": ("Depot", 52.5198, 13.4151),
}
UNKNOWN = (None, None, None)
SAMPLES = Path(__file__).resolve().parents[1] / "samples"
LEAST_OVERLAP = 0.4  # intersection over union from which a found box is a labelled person


@dataclass(frozen=True)
class SampleWorld:
    """A folder that `sightline simulate recordings` made: cameras, people, photos of them."""

    folder: Path
    facts: dict[str, Any]

    @classmethod
    def at(cls, path: Path) -> "SampleWorld | None":
        """The world of a folder; None when it is just a folder of recordings."""
        description = path / "world.json"
        if not description.is_file():
            return None
        return cls(path, json.loads(description.read_text(encoding="utf-8")))

    def start(self, recording: Path) -> str | None:
        """When a recording begins, as an ISO time."""
        starts = {camera["file"]: str(camera["start"]) for camera in self.facts["cameras"]}
        return starts.get(recording.name)

    def where(self, camera: str) -> tuple[str | None, float | None, float | None]:
        """Site, latitude and longitude of a camera; of worlds other than the samples nobody knows them."""
        ours = self.folder.resolve() == SAMPLES
        return PLACES.get(camera, UNKNOWN) if ours else UNKNOWN

    @property
    def photo(self) -> Path:
        """The first photo of a person of this world."""
        return self.folder / str(self.facts["probes"][0]["file"])

    @property
    def wanted(self) -> int:
        """Who is on that photo."""
        return int(self.facts["probes"][0]["identity"])

    @property
    def place(self) -> str:
        """The camera at whose place that photo was taken."""
        return str(self.facts["probes"][0]["place"])

    def identity(self, camera: str, boxes: Sequence[Sequence[float]]) -> int | None:
        """Who a tracklet follows, by most of its boxes (seconds, x, y, width, height, ...), or None."""
        facts = next(each for each in self.facts["cameras"] if each["name"] == camera)
        labelled = read_truth(self.folder / facts["truth"])
        votes: Counter[int | None] = Counter()
        for seconds, x, y, width, height, *_ in boxes:
            there = labelled.get(round(seconds * facts["fps"]) + 1, [])
            best = max(there, key=lambda each: overlap(each[1], (x, y, width, height)), default=None)
            hit = best is not None and overlap(best[1], (x, y, width, height)) >= LEAST_OVERLAP
            votes[best[0] if best is not None and hit else None] += 1
        return votes.most_common(1)[0][0] if votes else None


def read_truth(path: Path) -> dict[int, list[tuple[int, Box]]]:
    """Frame, counted from 1, to the people on it; MOTChallenge format."""
    people: dict[int, list[tuple[int, Box]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        frame, identity, x, y, width, height, *_ = (float(value) for value in line.split(","))
        people.setdefault(int(frame), []).append((int(identity), (x, y, width, height)))
    return people


def overlap(first: Box, second: Box) -> float:
    """Intersection over union."""
    (x1, y1, w1, h1), (x2, y2, w2, h2) = first, second
    across = min(x1 + w1, x2 + w2) - max(x1, x2)
    down = min(y1 + h1, y2 + h2) - max(y1, y2)
    shared = max(0.0, across) * max(0.0, down)
    return shared / (w1 * h1 + w2 * h2 - shared)
