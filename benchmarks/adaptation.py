"""What does a model gain by adapting to cameras without labels?

Adapts a model to the tracklets of a data set as if nobody knew who is on them, and judges it on the people
that the set is for. Of a set without training people, the gallery and the queries are adapted on.

    python benchmarks/adaptation.py market1501 FOLDER --out DIR rounds=4 neighbourhood.camera_means=false

These sets have no times. With `--together 4` each camera's people are dealt to groups of four by lot, who are
taken as seen side by side: what recordings of a busy place know without anybody's help.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gallery import standard_scores
from models import zoo
from models.adaptation.adapt import adapt
from models.adaptation.links import FRAMES
from models.adaptation.result import Progress, Result
from models.adaptation.settings import MOST_CROPS, AdaptationSettings
from models.adaptation.source import Crops, Sighting, Verdicts
from models.checkpoint import LoadedModel
from models.datasets import load
from models.datasets.frames import read_frame
from models.datasets.records import Dataset, Tracklet
from models.embedder import Embedder
from models.evaluation.evaluate import evaluate
from models.evaluation.protocols import EvaluationProtocol, TrackletFeatures

LOOK_BACK = 20  # groups of a camera that may have room still


class Unlabelled:
    """The tracklets of a data set, in an order that says nothing of who is on them."""

    def __init__(self, name: str, tracklets: Sequence[Tracklet], together: int = 1) -> None:
        self.name, self.together = name, together
        order = np.random.default_rng(0).permutation(len(tracklets))
        self.tracklets = {f"{place:06d}": tracklets[index] for place, index in enumerate(order)}

    def sightings(self) -> list[Sighting]:
        """Camera and name; times and boxes only where some are taken as seen side by side."""
        if self.together == 1:
            return [Sighting(name, f"camera {t.camera}", self.name) for name, t in self.tracklets.items()]
        groups: dict[str, list[tuple[int, list[int]]]] = {}
        found = []
        for name, tracklet in self.tracklets.items():
            camera = f"camera {tracklet.camera}"
            group, place = self._join(groups.setdefault(camera, []), tracklet.identity)
            times = 1000 * group + 100 * np.arange(FRAMES, dtype=np.int64)
            box = np.array([100 * place, 0, 100 * place + 50, 100], dtype=np.float32)
            found.append(Sighting(name, camera, self.name, times=times, boxes=np.tile(box, (FRAMES, 1))))
        return found

    def _join(self, groups: list[tuple[int, list[int]]], identity: int) -> tuple[int, int]:
        """The first group of a camera that has room and not this person yet, and the place in it."""
        for number, members in groups[-LOOK_BACK:]:
            if len(members) < self.together and identity not in members:
                members.append(identity)
                return number, len(members) - 1
        groups.append((len(groups), [identity]))
        return len(groups) - 1, 0

    def verdicts(self) -> list[Verdicts]:
        """Nobody says anything."""
        return []

    def crops(self, ids: Sequence[str]) -> Iterator[Crops]:
        """Eight frames, spread over the tracklet."""
        for name in ids:
            frames = self.tracklets[name].frames
            places = np.unique(
                np.linspace(0, len(frames) - 1, min(MOST_CROPS, len(frames))).round().astype(int)
            )
            yield Crops(name, [read_frame(frames[place]) for place in places])


def unlabelled(dataset: Dataset, together: int) -> Unlabelled:
    """What is adapted on."""
    split = dataset.splits[0]
    train = split.train or everybody(split.query, split.gallery, dataset)
    return Unlabelled(dataset.name, train, together)


def everybody(
    query: Sequence[Tracklet], gallery: Sequence[Tracklet], dataset: Dataset
) -> tuple[Tracklet, ...]:
    """Of a set that nobody trains on, all pictures on both sides; CUHK01 queries are one picture of two."""
    whole = []
    for tracklet in query:
        (first,) = tracklet.frames
        second = first.with_name(first.name.replace("001.png", "002.png"))
        frames = (first, second) if dataset.name == "cuhk01" else (first,)
        whole.append(replace(tracklet, frames=frames))
    return (*whole, *gallery)


def judged(model: LoadedModel, dataset: Dataset) -> dict[str, float]:
    """Rank-1 and mAP (standard), by cosine and by standard score."""
    features = TrackletFeatures(Embedder(model, device="cpu"))
    plain = evaluate(features, dataset, EvaluationProtocol.I2V).figures
    scored = evaluate(
        features, dataset, EvaluationProtocol.I2V, score=("standard score", standard_scores)
    ).figures
    found = {"cosine": plain, "standard": scored}
    return {
        f"{name} {figure}": round(100 * value, 1)
        for name, figures in found.items()
        for figure, value in (("rank-1", figures.rank[1]), ("mAP", figures.map_standard))
    }


def set_value(values: dict[str, Any], override: str) -> None:
    """Put `section.key=value` into nested values; the value is JSON."""
    key, _, text = override.partition("=")
    *sections, last = key.split(".")
    for section in sections:
        values = values.setdefault(section, {})
    values[last] = json.loads(text)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset")
    parser.add_argument("root", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default=zoo.DEFAULT)
    parser.add_argument("--simulated", type=Path)
    parser.add_argument("--together", type=int, default=1, help="how many are seen side by side")
    parser.add_argument("overrides", nargs="*", help="settings, such as rounds=4 learning.rate=1e-4")
    asked = parser.parse_intermixed_args()
    torch.set_num_threads(1)
    values: dict[str, Any] = {}
    for override in asked.overrides:
        set_value(values, override)
    settings = AdaptationSettings.model_validate(values)
    dataset, parent = load(asked.dataset, asked.root), zoo.load(asked.model)
    simulated = None if asked.simulated is None else load("simulated", asked.simulated)
    began = time.monotonic()
    before = judged(parent, dataset)
    print("before", json.dumps(before), flush=True)
    result = adapt(
        unlabelled(dataset, asked.together),
        parent,
        settings,
        asked.out,
        name="adapted",
        simulated=simulated,
        progress=shown,
        device="cpu",
    )
    report(result, settings, before, judged(zoo.load(str(weights(result, asked.out))), dataset))
    print(f"{time.monotonic() - began:.0f} s in all")


def weights(result: Result, out: Path) -> Path:
    """The new model, whether it passed the gate or not."""
    return result.model or out / "rejected"


def report(
    result: Result, settings: AdaptationSettings, before: dict[str, float], after: dict[str, float]
) -> None:
    """Print what came of it."""
    print(json.dumps(settings.model_dump(mode="json", exclude_defaults=True)))
    for one in result.rounds:
        print(one)
    for measure in result.measures:
        print(measure, "passes" if measure.passes else "FAILS")
    print(result.outcome, result.reason, *result.notes, sep="\n")
    print("before", json.dumps(before))
    print("after ", json.dumps(after), f"{result.seconds / 3600:.2f} h", flush=True)


def shown(progress: Progress) -> None:
    """Print every twentieth step."""
    if progress.done % 20 == 0 or progress.done == progress.total:
        left = "" if progress.seconds_left is None else f", {progress.seconds_left / 60:.0f} min left"
        print(
            f"{time.strftime('%H:%M:%S')} {progress.stage} {progress.done}/{progress.total}{left}", flush=True
        )


if __name__ == "__main__":
    main()
