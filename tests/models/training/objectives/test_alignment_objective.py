"""The terms of cross-modality alignment: real and pseudo sequences, and who is known from photos only."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from models import checkpoint, zoo
from models.datasets.clips import Clips
from models.datasets.frames import read_frame
from models.embedder import Embedder, normalise
from models.errors import BadRecipe
from models.losses import sequence_alignment
from models.siamese import siamese
from models.training.objectives import People
from models.training.objectives.alignment import AlignmentObjective, known_from_photos
from models.training.recipe import read_recipe
from models.training.train import train
from tests.models.people import draw_tracklets
from tests.models.training.objectives.heads import logits_of
from tests.models.training.objectives.make import make

LABELS, CAMERAS = torch.tensor([0, 0, 1, 1]), torch.tensor([1, 2, 1, 2])
BATCH = Clips(torch.empty(0), LABELS, CAMERAS)
ALL = {
    "video_cross_entropy",
    "video_siamese",
    "image_cross_entropy",
    "image_siamese",
    "align",
}
HALF = "system.image_people=0.5"  # the second of two people


def objective_of(*overrides: str) -> AlignmentObjective:
    recipe = read_recipe("tiny-cross-modality-alignment", ["input={height: 32, width: 32}", *overrides])
    network = zoo.untrained(recipe.backbone, recipe.network, **recipe.architecture).network.requires_grad_(
        True
    )
    worlds = People(torch.zeros(2, dtype=torch.int64))
    objective = make(AlignmentObjective, recipe, network, worlds)
    with torch.no_grad():  # let something move
        torch.nn.init.normal_(
            objective.network.pseudo.change.weight, generator=torch.Generator().manual_seed(2)
        )
    return objective


def clips(frames: int = 3, seed: int = 1) -> Tensor:
    return torch.randn(4, frames, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


@given(people=st.integers(1, 400), share=st.floats(0, 1))
def test_the_share_of_people_known_from_photos(people: int, share: float) -> None:
    chosen = known_from_photos(people, share)
    assert len(chosen) == people
    assert abs(int(chosen.sum()) - share * people) < 1
    halves = int(chosen[: people // 2].sum()), int(chosen[people - people // 2 :].sum())
    assert abs(halves[0] - halves[1]) <= 2


def test_every_second_person_is_known_from_photos() -> None:
    assert known_from_photos(5, 0.5).tolist() == [False, True, False, True, False]
    assert not known_from_photos(5, 0.0).any()
    assert known_from_photos(5, 1.0).all()


def test_the_terms_are_those_of_the_features() -> None:
    weights = "system.siamese=0.1", "system.pseudo=0.5", "system.align=2.0"
    objective = objective_of(*weights).eval()
    network = objective.network
    with torch.no_grad():
        terms = objective(clips(), BATCH)
        frames = network.encode(clips().flatten(0, 1))
        video = network.pool_sequences(frames, [3] * 4)
        real = frames.view(4, 3, -1)
        pseudo = network.pseudo(real[:, 0], 3)
        image = network.pool_sequences(pseudo[:, :2].flatten(0, 1), [2] * 4)
        logits = {
            b: logits_of(objective.head, network.neck(x)) for b, x in (("video", video), ("image", image))
        }
        assert (network.neck(image) - network.embed_images(clips()[:, 0])).abs().max() < 1e-4
        assert (network.neck(video) - network.embed_clips(clips())).abs().max() < 1e-4
    expected = {
        "video_cross_entropy": F.cross_entropy(logits["video"], LABELS),
        "video_siamese": 0.1 * siamese(video, video, LABELS, CAMERAS, form="rcn-paper"),
        "image_cross_entropy": 0.5 * F.cross_entropy(logits["image"], LABELS),
        "image_siamese": 0.05 * siamese(image, image, LABELS, CAMERAS, form="rcn-paper"),
        "align": 2 * sequence_alignment(pseudo, real),
    }
    assert terms.keys() == expected.keys() == ALL
    for name, value in expected.items():
        assert terms[name].item() == pytest.approx(value.item(), rel=1e-4), name


def test_of_who_is_known_from_photos_only_the_first_frames_count() -> None:
    objective = objective_of(HALF).eval()
    later, first, of_video = clips(), clips(), clips()
    later[2:, 1:] = 0
    first[2:, 0] = 0
    of_video[:2, 1:] = 0
    with torch.no_grad():
        plain, unseen, photo, video = (objective(x, BATCH) for x in (clips(), later, first, of_video))
    assert all(plain[name].equal(unseen[name]) for name in ALL)
    assert {name for name in ALL if not plain[name].equal(photo[name])} == {
        "image_cross_entropy",
        "image_siamese",
    }
    assert {"video_cross_entropy", "align"} <= {n for n in ALL if not plain[n].equal(video[n])}


def test_without_images_these_people_are_not_there() -> None:
    """As if the batch had the others only; and nobody is told apart from them."""
    objective = objective_of(HALF, "system.use_images=false").eval()
    other = clips()
    other[2:] = 0
    with torch.no_grad():
        plain, changed = objective(clips(), BATCH), objective(other, BATCH)
        alone = objective(clips()[:2], Clips(torch.empty(0), LABELS[:2], CAMERAS[:2]))
    assert all(plain[name].equal(changed[name]) for name in ALL)
    assert all(plain[name].item() == pytest.approx(alone[name].item(), rel=1e-4) for name in ALL)
    assert plain["video_cross_entropy"].item() == 0  # one person is left to choose from


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        [HALF],
        [HALF, "system.use_images=false"],
        ["system.image_people=1.0"],
        ["system.image_people=1.0", "system.use_images=false"],
        ["system.pseudo=0"],
        ["system.pseudo=0", "system.align=0"],
        ["system.pseudo=0", "system.align=0", "system.image_people=1.0"],
        ["system.image.contrastive=1", "system.image.cross_entropy=0", "system.video.cross_entropy=0"],
        ["optimiser.frozen_blocks=7"],
    ],
)
def test_exactly_what_may_learn_gets_a_gradient(overrides: list[str]) -> None:
    """DistributedDataParallel would wait for ever for one that is promised and does not come."""
    objective = objective_of(*overrides).train()
    terms = objective(clips(), BATCH)
    assert terms.keys() == objective.names()
    torch.autograd.backward(torch.stack(list(terms.values())).sum())
    promised = {name for name, parameter in objective.named_parameters() if parameter.requires_grad}
    given = {name for name, parameter in objective.named_parameters() if parameter.grad is not None}
    assert given == promised
    assert all(p.grad.isfinite().all() for p in objective.parameters() if p.grad is not None)
    parts = {id(p) for part in objective.parts().values() for p in part}
    assert {id(p) for p in objective.parameters() if p.requires_grad} <= parts


def test_what_a_batch_lacks_costs_nothing() -> None:
    with torch.no_grad():
        terms = objective_of("system.image_people=1.0").train()(clips(), BATCH)
    assert {name for name, term in terms.items() if term.item() == 0} == {
        "video_cross_entropy",
        "video_siamese",
        "align",
    }


@pytest.mark.parametrize("key", ["system.image_to_video=2", "system.margin=null", "system.branches=[video]"])
def test_settings_without_effect_are_refused(key: str) -> None:
    with pytest.raises(BadRecipe, match=key.partition("=")[0]):
        objective_of(key)


@pytest.mark.long
@pytest.mark.usefixtures("published")
def test_two_people_are_learnt_by_heart(tmp_path: Path) -> None:
    """All but the backbone learns: in so few steps, the statistics of its norms would not settle."""
    two = draw_tracklets(tmp_path / "people", identities=2, cameras=2, frames=3)
    plan = read_recipe(
        "tiny-cross-modality-alignment",
        [
            "input={height: 32, width: 32}",
            "schedule={steps: 40, factor: 1.0}",
            "optimiser={learning_rate: 0.003, frozen_blocks: 18}",
        ],
    )
    out = train(plan, two, tmp_path / "run", dataset="drawn")
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["loss"] < 0.1 < 1 < lines[0]["loss"]
    embedder = Embedder(checkpoint.load(out), device="cpu")
    frames = [[read_frame(file) for file in t.frames] for t in two]
    scores = embedder.embed_images([own[0] for own in frames]) @ normalise(embedder.embed_clips(frames)).T
    same = np.array([[a.identity == b.identity for b in two] for a in two])
    assert scores[same].min() > scores[~same].max()
