"""The terms of cross-modal embeddings, the pairs, and that reused captioners go."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from models import checkpoint, zoo
from models.datasets.clips import Clips
from models.errors import BadRecipe, UnknownModel
from models.networks.cross_modal import CrossModal
from models.training.objectives import People
from models.training.objectives.cross_modal import CrossModalObjective, draw_pairs
from models.training.recipe import read_recipe
from tests.models.captioners import save_captioner
from tests.models.training.objectives.heads import logits_of
from tests.models.training.objectives.make import make, told

LABELS = torch.tensor([0, 0, 1, 1])
BATCH = Clips(torch.empty(0), LABELS, torch.zeros(4))
REUSED = {"image_reconstruction", "video_reconstruction", "ridge"}
OWN = {"image_identity", "video_identity", "verification"}


@pytest.fixture(scope="module")
def captioner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_captioner(tmp_path_factory.mktemp("captioner"))


def objective_of(*overrides: str) -> CrossModalObjective:
    recipe = read_recipe("tiny-cross-modal", ["input={height: 32, width: 32}", *overrides])
    loaded = zoo.untrained("efficientnet-lite0", "cross-modal", embedding=6, hidden=5)
    people = People(torch.zeros(2, dtype=torch.int64))
    return make(CrossModalObjective, recipe, loaded.network, people)


def reusing(captioner: Path, mode: str = "propagation-knockdown", *overrides: str) -> CrossModalObjective:
    return objective_of(f"system.captioner={captioner}", f"system.reuse={mode}", *overrides)


def clips() -> Tensor:
    return torch.randn(4, 2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def total(objective: CrossModalObjective) -> Tensor:
    return torch.stack(list(objective(clips(), BATCH).values())).sum()


def test_the_terms_are_those_of_the_networks_features() -> None:
    """L = L_v + 1/2 L_ii + 1/2 L_iv; before training, the square layer is sigmoid(4 cos - 2)."""
    objective = objective_of().eval()
    with torch.no_grad():
        terms = objective(clips(), BATCH)
        image = objective.network.embed_images(clips().flatten(0, 1))
        video = objective.network.embed_clips(clips())
        of_image, of_clip, different = draw_pairs(LABELS, 2, torch.Generator().manual_seed(1))
        scores = 4 * F.cosine_similarity(image[of_image], video[of_clip]) - 2
        expected = {
            "image_identity": F.cross_entropy(logits_of(objective.head, image), LABELS.repeat_interleave(2))
            / 2,
            "video_identity": F.cross_entropy(logits_of(objective.head, video), LABELS) / 2,
            "verification": F.binary_cross_entropy_with_logits(scores, 1.0 - different),
        }
    assert terms.keys() == expected.keys() == OWN
    for name, value in expected.items():
        assert terms[name].item() == pytest.approx(value.item(), rel=1e-4), name


def test_the_terms_with_a_captioner_are_those_of_both_features(captioner: Path) -> None:
    objective = reusing(captioner).eval()
    reuse, network = objective.reuse, objective.network
    assert reuse is not None
    with torch.no_grad():
        terms = objective(clips(), BATCH)
        z = reuse.captioner.embed_images(clips().flatten(0, 1))
        image = network.embed_images(clips().flatten(0, 1)) + z @ reuse.image.v.weight.T
        logits = logits_of(objective.head, image)
        of_clips = reuse.captioner.embed_clips(clips())
        sequences = network.sequence(network.cnn(clips().flatten(0, 1)).mean(dim=(2, 3)), [2] * 4)
        missed = of_clips - sequences @ reuse.video.u.weight.T
    assert terms.keys() == OWN | REUSED
    expected = F.cross_entropy(logits, LABELS.repeat_interleave(2)) / 2
    assert terms["image_identity"].item() == pytest.approx(expected.item(), rel=1e-4)
    assert terms["video_reconstruction"].item() == pytest.approx((missed**2).mean().item() / 2, rel=1e-4)


def test_once_knocked_down_the_captioner_is_gone(captioner: Path) -> None:
    """Loss and all gradients are the same whatever the captioner holds, and what W alone gives."""
    objective = reusing(captioner, "propagation-knockdown").eval()
    reuse = objective.reuse
    assert reuse is not None

    def gradients() -> dict[str, Tensor]:
        objective.zero_grad()
        torch.autograd.backward(total(objective))
        return {n: p.grad.clone() for n, p in objective.named_parameters() if p.grad is not None}

    def scramble(value: float) -> None:
        for parameter in reuse.captioner.parameters():
            parameter.data.fill_(value)

    connected = total(objective).item()
    objective.after_step(4, 10)  # of a knockdown that ends at the half
    assert (reuse.image.active, reuse.video.active) == (2, 2)  # of 8
    partly = gradients()
    scramble(0.01)
    assert total(objective).item() != connected
    assert any(not g.equal(partly[n]) for n, g in gradients().items() if n.startswith("network."))
    objective.after_step(5, 10)
    assert (reuse.image.active, reuse.video.active) == (0, 0)
    before, loss = gradients(), total(objective).item()
    scramble(torch.nan)
    after = gradients()
    assert total(objective).item() == loss
    assert before.keys() == after.keys()
    assert all(after[name].equal(before[name]) for name in before)
    with torch.no_grad():
        terms = objective(clips(), BATCH)
        of_network = logits_of(objective.head, objective.network.embed_clips(clips()))
    assert terms["image_reconstruction"].item() == terms["video_reconstruction"].item() == 0
    identity = F.cross_entropy(of_network, LABELS) / 2
    assert terms["video_identity"].item() == pytest.approx(identity.item(), rel=1e-4)


def test_the_network_that_is_kept_has_nothing_of_the_captioner(captioner: Path) -> None:
    network = reusing(captioner).network
    plain = CrossModal(embedding=6, hidden=5).state_dict()
    assert {n: t.shape for n, t in network.state_dict().items()} == {n: t.shape for n, t in plain.items()}


@pytest.mark.parametrize(
    ("mode", "propagates", "left"),
    [("propagation", True, 8), ("knockdown", False, 0), ("propagation-knockdown", True, 0)],
)
def test_modes_of_reuse(captioner: Path, mode: str, propagates: bool, left: int) -> None:
    objective = reusing(captioner, mode).train()
    terms = objective(clips(), BATCH)
    torch.autograd.backward(terms["image_reconstruction"] + terms["video_reconstruction"])
    moved = {n for n, p in objective.named_parameters() if p.grad is not None and p.grad.any()}
    assert {"reuse.image.u.weight", "reuse.video.u.weight"} <= moved
    assert any(name.startswith("network.cnn") for name in moved) == propagates
    assert any(name.startswith("network.sequence") for name in moved) == propagates
    objective.after_step(10, 10)
    assert objective.reuse is not None
    assert objective.reuse.image.active == objective.reuse.video.active == left


@pytest.mark.parametrize(
    "settings",
    [
        "reuse: none",
        "reuse: none, verification: 0",
        "reuse: none, image_identity: 0, video_identity: 0",
        "captioner: HERE, reuse: propagation-knockdown",
        "captioner: HERE, reuse: knockdown, ridge: 0",
    ],
)
def test_exactly_what_may_learn_gets_a_gradient_also_after_knockdown(captioner: Path, settings: str) -> None:
    """DistributedDataParallel would wait for ever for one that is promised and does not come."""
    overrides = told(settings.replace("HERE", str(captioner)))
    objective = objective_of(*overrides, "optimiser.frozen_blocks=3").train()
    promised = {name for name, parameter in objective.named_parameters() if parameter.requires_grad}
    for step in (1, 10):
        objective.after_step(step, 10)
        objective.zero_grad()
        torch.autograd.backward(total(objective))
        given_ = {name for name, parameter in objective.named_parameters() if parameter.grad is not None}
        assert given_ == promised
    parts = [p for part in objective.parts().values() for p in part if p.requires_grad]
    assert len({id(p) for p in parts}) == len(parts) == len(promised)
    assert not any("captioner" in name for name in promised)


def test_the_captioner_keeps_its_statistics(captioner: Path) -> None:
    objective = reusing(captioner).train()
    assert objective.reuse is not None
    before = {n: t.clone() for n, t in objective.reuse.captioner.state_dict().items()}
    with torch.no_grad():
        objective(clips(), BATCH)
    assert all(t.equal(before[n]) for n, t in objective.reuse.captioner.state_dict().items())


def test_pairs_by_hand() -> None:
    """Two people with two clips of two pictures: each picture with its person's other clip."""
    of_image, of_clip, different = draw_pairs(LABELS, 2, torch.Generator().manual_seed(0))
    assert of_image[:8].tolist() == list(range(8))
    assert of_clip[:8].tolist() == [1, 1, 0, 0, 3, 3, 2, 2]
    assert different.tolist() == [0] * 8 + [1] * 8


@given(st.lists(st.integers(0, 3), min_size=1, max_size=9), st.integers(1, 3), st.integers(0, 9))
def test_pairs_are_what_their_class_says(people: list[int], length: int, seed: int) -> None:
    labels = torch.tensor(people)
    of_image, of_clip, different = draw_pairs(labels, length, torch.Generator().manual_seed(seed))
    of_one = labels[of_image // length] == labels[of_clip]
    assert of_one.equal(different == 0)
    assert not ((of_image // length == of_clip) & of_one).any()
    assert len(set(zip(of_image.tolist(), of_clip.tolist(), strict=True))) == len(different)
    positive = sum(people.count(person) - 1 for person in people) * length
    negative = sum(len(people) - people.count(person) for person in people) * length
    assert int((different == 0).sum()) == positive
    assert int(different.sum()) == min(positive, negative)


def test_negative_pairs_change_from_step_to_step_and_come_again() -> None:
    objective = objective_of().eval()
    with torch.no_grad():
        losses = []
        for step in (0, 1, 2, 0):
            objective.after_step(step, 10)
            losses.append(objective(clips(), BATCH)["verification"].item())
    assert losses[0] == losses[3]
    assert len(set(losses)) > 1


def test_what_does_not_fit_is_refused(captioner: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownModel, match="no checkpoint"):
        reusing(tmp_path / "gone")
    with pytest.raises(BadRecipe, match="takes crops of 32 x 32"):
        reusing(captioner, "knockdown", "input={height: 64, width: 32}")
    pair = zoo.untrained("efficientnet-lite0")
    checkpoint.save(tmp_path / "pair", pair.network, pair.card)
    with pytest.raises(BadRecipe, match="is a tkp"):
        reusing(tmp_path / "pair")
    with pytest.raises(BadRecipe, match="2 clips a person"):
        objective_of("batches.clips=1")
    with pytest.raises(BadRecipe, match="has the backbone 'efficientnet-lite0'"):
        reusing(captioner, "knockdown", "backbone=inception-v3", "input={height: 75, width: 75}")
