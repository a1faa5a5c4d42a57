"""Entrances for JSON beside models and data sets: calibrations on cards, lists of tracklets."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from models.calibration.calibrator import Evidence, calibrator_of, posteriors
from models.datasets import simulated
from models.errors import BadCheckpoint, BadDataset
from tests.fuzz.entrances.base import Entrance, must
from tests.fuzz.mutate import Shake
from tests.models.calibration.pairs import MODEL, calibrator


class Calibrations(Entrance):
    """Calibrations on cards: what leads to probabilities between 0 and 1, or BadCheckpoint."""

    name = "calibrations"
    watched = ("models.calibration.calibrator",)
    share = 60
    chunk = 5000

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        scores = np.linspace(9, -3, 20)
        flat = np.full(20, 200.0)
        self._evidence = Evidence(scores=scores, cosines=scores / 10, height=flat, sharpness=flat / 700)

    def seeds(self) -> list[bytes]:
        both = (calibrator(), calibrator(knots=(-4.0, 0.0, 4.0), ratios=(-3.0, 0.5, 6.0)))
        return [json.dumps({"calibration": one.model_dump(mode="json")}).encode() for one in both]

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        return shake.json(data, other)

    def check(self, data: bytes) -> str:
        try:
            card: Any = json.loads(data)
        except (ValueError, RecursionError):
            return "no JSON"
        if not isinstance(card, dict):
            return "no card"
        try:
            found = calibrator_of(card, MODEL)
        except BadCheckpoint:
            return "refused"
        if found is None:
            return "none"
        said = posteriors(found.log_ratios(self._evidence), 100)
        must(bool(np.isfinite(said).all() and (said >= 0).all() and (said <= 1).all()), "no probabilities")
        return "read"


class Listings(Entrance):
    """The list of a simulated data set: it says what the folders hold, or BadDataset."""

    name = "listings"
    watched = ("models.datasets",)
    share = 10
    chunk = 2000
    few = 60

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._root = folder / "set"

    def seeds(self) -> list[bytes]:
        lines = [
            {
                "split": "bbox_train",
                "tracklet": f"{person:04d}C{camera}T0001",
                "frames": 1,
                "identity": person,
                "caption": "a person in red",
            }
            for person in (1, 2)
            for camera in (1, 2)
        ]
        return ["".join(json.dumps(line) + "\n" for line in lines).encode()]

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        lines = data.split(b"\n")
        at = shake.random.randrange(len(lines))
        lines[at] = shake.json(lines[at])
        return b"\n".join(lines) if shake.random.random() < 0.7 else shake.text(data, other)

    def check(self, data: bytes) -> str:
        if not self._root.exists():
            self._make_folders()
        (self._root / "tracklets.jsonl").write_bytes(data)
        words = []
        for read in (simulated.read, simulated.captions):
            try:
                read(self._root)
                words.append("read")
            except BadDataset:
                words.append("refused")
        return ", ".join(words)

    def leftovers(self) -> list[str]:
        return sorted(one.name for one in self.folder.iterdir() if one != self._root)

    def _make_folders(self) -> None:
        (self._root / "bbox_test").mkdir(parents=True)
        for name in (
            f"000{person}/000{person}C{camera}T0001F001.jpg" for person in (1, 2) for camera in (1, 2)
        ):
            file = self._root / "bbox_train" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
