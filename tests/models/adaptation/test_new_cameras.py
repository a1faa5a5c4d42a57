"""Adapting gains on recordings of cameras that the model never saw, and the gate refuses what harms.

Drawn by the simulator, a world of its own: a hundred people before five cameras that disagree in colours and
exposure. Sixty are adapted on, without their names; forty others are searched for.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models import checkpoint, zoo
from models.adaptation import rounds
from models.adaptation.adapt import adapt
from models.adaptation.clusters import SINGLE
from models.adaptation.material import Material
from models.adaptation.result import Result
from models.adaptation.settings import AdaptationSettings
from models.adaptation.source import Crops, Sighting, Verdicts
from models.datasets import load
from models.datasets.frames import read_frame
from models.datasets.records import Dataset, Split, Tracklet
from models.embedder import Embedder
from models.evaluation.evaluate import evaluate
from models.evaluation.protocols import EvaluationProtocol, TrackletFeatures
from models.evaluation.reranking import Ints
from models.zoo import LoadedModel
from tests.simulation.drawing import give_up

pytestmark = pytest.mark.long

LEARNT, JUDGED = 60, 40
MODEL = "vkd-efficientnet-lite0"  # of small crops: minutes on one core
NOISE = 0.05  # mAP; one query of forty is .025 of rank-1, and seeds differ by less
SETTINGS = AdaptationSettings.model_validate(
    {
        "rounds": 2,
        "steps": 40,
        "least": 50,
        "learning": {"clusters": 8, "tracklets": 4, "bf16": False},
        "gate": {"least": 60, "held_out": 0.2},
    }
)


@dataclass(frozen=True)
class Unlabelled:
    """Tracklets in an order that says nothing of who is on them."""

    tracklets: Sequence[Tracklet]
    name: str = "new cameras"

    def sightings(self) -> list[Sighting]:
        return [Sighting(f"{n:04d}", f"camera {t.camera}", self.name) for n, t in enumerate(self.tracklets)]

    def verdicts(self) -> tuple[Verdicts, ...]:
        return ()

    def crops(self, ids: Sequence[str]) -> Iterator[Crops]:
        for name in ids:
            yield Crops(name, [read_frame(frame) for frame in self.tracklets[int(name)].frames[:8]])


@dataclass(frozen=True)
class Cameras:
    """What is adapted on, and people to judge with."""

    source: Unlabelled
    judged: Dataset

    def figure(self, model: LoadedModel) -> float:
        """mAP of finding the judged people by photos."""
        features = TrackletFeatures(Embedder(model, device="cpu"))
        return evaluate(features, self.judged, EvaluationProtocol.I2V).figures.map_standard


@pytest.fixture(scope="module")
def cameras(tmp_path_factory: pytest.TempPathFactory) -> Cameras:
    try:
        from simulation.errors import NoRenderer
        from simulation.presets import PRESETS
        from simulation.tracklets import simulate_tracklets
    except ImportError as error:
        give_up(str(error), os.environ)
    people = LEARNT + JUDGED
    preset = replace(PRESETS["unseen"], seed=107, identities=people, test_identities=people, people=people)
    folder = tmp_path_factory.mktemp("cameras")
    try:
        simulate_tracklets(folder, preset, processes=0)
    except NoRenderer as error:
        give_up(str(error), os.environ)
    (split,) = load("simulated", folder).splits
    names = sorted({one.identity for one in split.gallery})
    learnt = set(names[:LEARNT])
    order = np.random.default_rng(0).permutation(
        [n for n, t in enumerate(split.gallery) if t.identity in learnt]
    )
    query, gallery = (
        tuple(t for t in part if t.identity not in learnt) for part in (split.query, split.gallery)
    )
    judged = Dataset("simulated", (Split((), query, gallery),))
    return Cameras(Unlabelled([split.gallery[n] for n in order]), judged)


def run(cameras: Cameras, folder: Path) -> tuple[Result, float, float]:
    """Adapt; the outcome, and mAP of people held out before and after, whatever the gate said."""
    torch.set_num_threads(1)
    parent = zoo.load(MODEL)
    result = adapt(cameras.source, parent, SETTINGS, folder, name="ours", device="cpu")
    adapted = checkpoint.load(result.model or folder / "rejected")
    before, after = cameras.figure(parent), cameras.figure(adapted)
    return result, before, after


def test_it_gains_on_people_that_it_never_saw(cameras: Cameras, tmp_path: Path) -> None:
    _, before, after = run(cameras, tmp_path)
    assert after > before + NOISE, (
        "whatever the gate says of two short rounds, judged by some sixty tracklets"
    )


def shuffled(labels: Ints, _cameras: Ints) -> Ints:
    """Clusters of the same sizes, of tracklets drawn by lot."""
    return np.random.default_rng(5).permutation(labels)


def by_camera(_labels: Ints, cameras: Ints) -> Ints:
    """A whole camera as one person."""
    return cameras.astype(np.int64)


@pytest.mark.parametrize("wrong", [shuffled, by_camera])
def test_the_gate_refuses_what_wrong_clusters_taught(
    cameras: Cameras, wrong: Callable[[Ints, Ints], Ints], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = rounds.find_clusters

    def found(material: Material, *arguments: object) -> Ints:
        return wrong(find(material, *arguments), material.cameras)  # type: ignore[arg-type]

    monkeypatch.setattr(rounds, "find_clusters", found)
    result, before, after = run(cameras, tmp_path)
    assert after < before, "it is not wrong enough to be refused"
    assert result.outcome == "kept", result.reason


def test_clusters_of_two_people_pass_only_if_they_help(
    cameras: Cameras, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six clusters of ten joined in pairs: what is right in them may still teach what cameras change."""
    find = rounds.find_clusters

    def found(material: Material, *arguments: object) -> Ints:
        labels = find(material, *arguments)  # type: ignore[arg-type]
        count = int(labels.max()) + 1
        joined = np.arange(count)
        picked = np.random.default_rng(5).permutation(count)[: int(0.6 * count) // 2 * 2]
        joined[picked[1::2]] = picked[::2]
        grouped = labels != SINGLE
        merged = labels.copy()
        merged[grouped] = np.unique(joined[labels[grouped]], return_inverse=True)[1]
        return merged

    monkeypatch.setattr(rounds, "find_clusters", found)
    result, before, after = run(cameras, tmp_path)
    assert result.outcome == "kept" or after > before, result.reason
