"""From captions to a captioner, and from it to cross-modal embeddings that need it no more."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models import checkpoint
from models.datasets.frames import read_frame
from models.datasets.records import Tracklet
from models.embedder import Embedder, normalise
from models.errors import BadDataset, TrainingError
from models.evaluation.verification import by_verification
from models.networks.captioner import Captioner
from models.networks.cross_modal import CrossModal
from models.preprocessing import resize, standardise
from models.training.recipe import Recipe, read_recipe
from models.training.train import train
from tests.models.people import draw_tracklets

CAPTIONS = {1: "A red man.", 2: "A blue woman, wearing white shoes.", 3: "A green child."}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tracklet, ...]:
    return draw_tracklets(tmp_path_factory.mktemp("people"), identities=3, cameras=2, frames=3)


def recipe(name: str, *overrides: str) -> Recipe:
    """All but the backbone learns: a batch is too small for its norms."""
    plan = (
        "input={height: 32, width: 32}",
        "batches={sampler: balanced, identities: 3, clips: 2, frames: 2, stride: 1}",
        "optimiser={learning_rate: 0.01, weight_decay: 0, frozen_blocks: 18}",
        "schedule={steps: 60, factor: 1.0}",
        "run={save_every: 1000}",
    )
    return read_recipe(name, [*plan, *overrides])


@pytest.fixture(scope="module")
def captioner(tmp_path_factory: pytest.TempPathFactory, people: tuple[Tracklet, ...]) -> Path:
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("captioner") / "run"
    return train(recipe("tiny-captioner"), people, out, dataset="drawn", captions=CAPTIONS)


def test_captions_are_learnt_by_heart(captioner: Path, people: tuple[Tracklet, ...]) -> None:
    model = checkpoint.load(captioner)
    network = model.network
    assert isinstance(network, Captioner)
    for tracklet in people:
        pixels = resize([read_frame(frame) for frame in tracklet.frames], model.preprocessing)
        x = standardise(pixels, model.preprocessing)
        expected = CAPTIONS[tracklet.identity].lower()
        with torch.inference_mode():
            assert network.describe_images(x) == [expected] * 3
            assert network.describe_frames(x, [1, 2]) == [expected] * 2


@pytest.mark.long
def test_people_are_learnt_by_heart_and_the_captioner_is_left_behind(
    captioner: Path, people: tuple[Tracklet, ...], tmp_path: Path
) -> None:
    plan = recipe(
        "tiny-cross-modal",
        f"system.captioner={captioner}",
        "system.reuse=propagation-knockdown",
        "optimiser.learning_rate=0.003",
        "schedule.steps=100",
    )
    model = checkpoint.load(train(plan, people, tmp_path, dataset="drawn"))
    assert isinstance(model.network, CrossModal)
    assert model.card["training"]["learns_from"] == {"system.captioner": checkpoint.load(captioner).id}
    parts = {name.split(".")[0] for name in model.network.state_dict()}
    assert parts == {"cnn", "sequence", "image_projection", "video_projection", "verification"}
    embedder = Embedder(model)
    frames = [[read_frame(frame) for frame in tracklet.frames] for tracklet in people]
    query = embedder.embed_images([clip[0] for clip in frames])
    gallery = normalise(embedder.embed_clips(frames))
    same = np.array([[a.identity == b.identity for b in people] for a in people])
    cosines, distances = query @ gallery.T, by_verification(model.network, query, gallery)
    assert cosines[same].min() > 0.2 > cosines[~same].max()
    assert distances[same].max() < 0.1 < 0.9 < distances[~same].min()


class Killed(BaseException):
    pass


@pytest.mark.long
def test_a_run_that_was_killed_amid_knockdown_ends_with_the_same_bits(
    captioner: Path, people: tuple[Tracklet, ...], tmp_path: Path
) -> None:
    plan = recipe(
        "tiny-cross-modal",
        f"system.captioner={captioner}",
        "system.reuse=propagation-knockdown",
        "schedule.steps=6",
        "run.save_every=1",
    )

    def kill(done: int, steps: int, loss: float) -> None:
        if done == 2:
            raise Killed

    whole = train(plan, people, tmp_path / "whole", dataset="drawn")
    with pytest.raises(Killed):
        train(plan, people, tmp_path / "cut", dataset="drawn", advance=kill)
    resumed = train(plan, people, tmp_path / "cut", dataset="drawn", resume=True)
    assert checkpoint.load(resumed).id == checkpoint.load(whole).id


def test_a_run_is_not_resumed_with_other_captions(captioner: Path, people: tuple[Tracklet, ...]) -> None:
    other = dict(zip(CAPTIONS, reversed(CAPTIONS.values()), strict=True))
    with pytest.raises(TrainingError, match="other data"):
        train(
            recipe("tiny-captioner"), people, captioner.parent, dataset="drawn", resume=True, captions=other
        )


def test_missing_captions_are_found_at_once(people: tuple[Tracklet, ...], tmp_path: Path) -> None:
    plan = recipe("tiny-captioner")
    with pytest.raises(BadDataset, match="learns from captions"):
        train(plan, people, tmp_path / "run", dataset="drawn")
    with pytest.raises(BadDataset, match="no caption of person 2, in all 2 people"):
        train(plan, people, tmp_path / "run", dataset="drawn", captions={1: "A man."})
