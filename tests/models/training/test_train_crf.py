"""The CRF network in the loop, on drawn people: it learns, it resumes exactly, its fusion learns last."""

from pathlib import Path

import numpy as np
import pytest

from models import checkpoint
from models.datasets.frames import read_frame
from models.datasets.records import Tracklet
from models.embedder import Embedder, normalise
from models.errors import BadRecipe
from models.networks.crf import CRF
from models.training.recipe import Recipe, read_recipe
from models.training.train import train
from tests.models.people import draw_tracklets
from tests.models.training.test_train import Killed, kill_at, logged, weights


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tracklet, ...]:
    return draw_tracklets(tmp_path_factory.mktemp("people"), identities=3, cameras=2, frames=3)


def recipe(*overrides: str) -> Recipe:
    return read_recipe("tiny-crf", overrides)


@pytest.mark.long
def test_three_people_are_learnt_by_heart(tmp_path: Path, people: tuple[Tracklet, ...]) -> None:
    plan = recipe(
        "architecture={parts: [full]}",
        "batches.identities=3",
        "system.photos=1",
        "optimiser={name: adam, learning_rate: 0.002}",
        "schedule={steps: 60, factor: 1.0}",
    )
    out = train(plan, people, tmp_path / "run", dataset="drawn")
    first, *_, last = logged(tmp_path / "run")
    assert last["full_identity"] < 0.3 < 2 < first["full_identity"]
    assert last["full_siamese"] < first["full_siamese"]
    embedder = Embedder(checkpoint.load(out), device="cpu")
    frames = [[read_frame(f) for f in t.frames] for t in people]
    probes = embedder.embed_images([clip[0] for clip in frames])
    scores = probes @ normalise(embedder.embed_clips(frames)).T
    same = np.array([[a.identity == b.identity for b in people] for a in people])
    for own, row in zip(same, scores, strict=True):
        assert row[own].min() > row[~own].max()


@pytest.mark.long
def test_a_run_that_was_killed_ends_with_the_same_bits(tmp_path: Path, people: tuple[Tracklet, ...]) -> None:
    """What dropout drops is a function of seed and step too."""
    whole = train(recipe(), people, tmp_path / "whole", dataset="drawn")
    with pytest.raises(Killed):
        train(recipe(), people, tmp_path / "cut", dataset="drawn", advance=kill_at(3))
    assert weights(train(recipe(), people, tmp_path / "cut", dataset="drawn", resume=True)) == weights(whole)


def test_fusion_learns_with_the_parts_as_they_are(tmp_path: Path, people: tuple[Tracklet, ...]) -> None:
    first = train(recipe("schedule.steps=2"), people, tmp_path / "parts", dataset="drawn")
    plan = recipe(f"initialise={first}", "system.stage=fusion", "optimiser.learning_rate=0.1")
    second = train(plan, people, tmp_path / "fusion", dataset="drawn")
    before, after = checkpoint.load(first).network, checkpoint.load(second).network
    moved = {name for name, x in after.state_dict().items() if not x.equal(before.state_dict()[name])}
    assert moved == {"fusion.logits"}
    assert isinstance(after, CRF)
    assert after.fusion is not None
    assert after.fusion.weights.sum().item() == pytest.approx(1)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["architecture={parts: [full, lower]}"], "has the parts"),
        (["system.neck=bn"], "unknown key 'system.neck'"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, people: tuple[Tracklet, ...], overrides: list[str], message: str
) -> None:
    first = train(recipe("schedule.steps=1"), people, tmp_path / "first", dataset="drawn")
    with pytest.raises(BadRecipe, match=message):
        train(recipe(f"initialise={first}", *overrides), people, tmp_path / "second", dataset="drawn")


def test_the_largest_entry_of_the_gradient_is_clamped(tmp_path: Path, people: tuple[Tracklet, ...]) -> None:
    """By the length that is logged: no more entries than parameters, each at most the clamp."""
    longest = {}
    for clamp in ("null", "1.0e-4"):
        out = tmp_path / clamp
        train(recipe("schedule.steps=1", f"optimiser.clamp_gradient={clamp}"), people, out, dataset="drawn")
        longest[clamp] = logged(out)[0]["gradient"]
    assert longest["1.0e-4"] <= 1e-4 * (1_203_939 + 3 * 129 * 3) ** 0.5
    assert longest["null"] > 5 * longest["1.0e-4"]
