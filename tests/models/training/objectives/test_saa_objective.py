"""The terms of 3D-SAA + CMIL: which there are, what they weigh and move, and that they can be learnt."""

import pytest
import torch
from torch import Tensor

from models import zoo
from models.datasets.clips import Clips
from models.losses import batch_hard_triplet
from models.networks.pooling import pool
from models.networks.saa import SAA
from models.networks.texture import texture_tiles
from models.training.objectives import OBJECTIVES, People
from models.training.objectives.saa import SAAObjective
from models.training.recipe import read_recipe
from tests.models.conftest import trained
from tests.models.training.objectives.heads import logits_of
from tests.models.training.objectives.make import make, told
from tests.models.training.objectives.test_tkp_objective import LABELS, TKP_TERMS, WORLDS, clips

APPEARANCE_TERMS = {"appearance_cross_entropy", "fused_cross_entropy", "appearance_to_video"}
INTERACTIVE_TERMS = {"interactive_cross_entropy", "interactive_to_interactive"}
ALL_TERMS = TKP_TERMS | APPEARANCE_TERMS | INTERACTIVE_TERMS
FRAME_LABELS = LABELS.repeat_interleave(2)


def parts_of(x: Tensor) -> Tensor:
    """Random parts and coordinates for pictures (N, T, 3, H, W)."""
    draws = torch.Generator().manual_seed(3)
    truth = torch.randint(0, 256, x.shape, generator=draws, dtype=torch.uint8)
    truth[:, :, 0] %= 25
    return truth


BATCH = Clips(torch.empty(0), LABELS, torch.zeros(4), parts_of(clips()))


def objective_of(*overrides: str) -> SAAObjective:
    recipe = read_recipe("tiny-3d-saa-cmil", overrides)
    network = zoo.untrained("efficientnet-lite0", "3d-saa-cmil").network
    assert isinstance(network, SAA)
    trained(network).requires_grad_(True)
    return make(SAAObjective, recipe, network, People(WORLDS))


def test_the_terms_are_those_of_the_features() -> None:
    """In evaluation mode the features can be computed beside the objective, and the terms from them."""
    objective = objective_of("system.tile=8", "system.alpha=0.3", "system.triplets=2").eval()
    network, stream = objective.network, objective.stream
    assert stream is not None
    assert stream.mban is not None
    assert BATCH.truth is not None
    with torch.no_grad():
        terms = objective(clips(), BATCH)
        frames = clips().flatten(0, 1)
        image, maps = network.raw_images(frames), network.video(frames, [2] * 4)
        clip = pool(maps).view(4, 2, -1).mean(dim=1)
        texture = texture_tiles(frames, BATCH.truth.flatten(0, 1), 8)
        looks = pool(stream.backbone(stream.mban(texture)))
        both = []
        for n, photo in enumerate(image):
            own = maps[n // 2 * 2 : n // 2 * 2 + 2]  # (T, D, h, w)
            memory = own.permute(0, 2, 3, 1).flatten(0, 2)
            weights = (memory @ (0.3 * memory.mean(dim=0) + 0.7 * photo)).softmax(0)
            both.append(photo + weights @ memory)
        joined = torch.stack(both)
        heads = objective.heads
        loss = torch.nn.functional.cross_entropy
        expected = {
            "appearance_cross_entropy": loss(logits_of(heads["appearance"], looks), FRAME_LABELS),
            "fused_cross_entropy": loss(logits_of(heads["fused"], image + looks), FRAME_LABELS),
            "appearance_to_video": 2 * batch_hard_triplet(looks, clip, FRAME_LABELS, LABELS),
            "interactive_cross_entropy": loss(logits_of(heads["interactive"], joined), FRAME_LABELS),
            "interactive_to_interactive": 2 * batch_hard_triplet(joined, joined, FRAME_LABELS, FRAME_LABELS),
            "image_to_video": 2 * batch_hard_triplet(image, clip, FRAME_LABELS, LABELS),
            "image_cross_entropy": loss(logits_of(objective.head, image), FRAME_LABELS),
        }
    assert terms.keys() == ALL_TERMS
    for name, value in expected.items():
        assert terms[name].item() == pytest.approx(value.item(), rel=1e-3), name
    assert 0 <= objective.diagnostics["attention_entropy"] <= 1


@pytest.mark.parametrize(
    ("settings", "terms"),
    [
        ("appearance: none", TKP_TERMS | INTERACTIVE_TERMS),
        ("interactive: false", TKP_TERMS | APPEARANCE_TERMS),
        ("appearance_to_video: 0", ALL_TERMS - {"appearance_to_video"}),
        ("fused_cross_entropy: 0", ALL_TERMS - {"fused_cross_entropy"}),
        ("appearance_cross_entropy: 0, mask: none", ALL_TERMS - {"appearance_cross_entropy"}),
        ("appearance: sheet, interactive_teaches_video: false", ALL_TERMS),
        ("mask: paper, scaled_attention: true", ALL_TERMS),
    ],
)
def test_settings_leave_terms_out_and_exactly_what_may_learn_gets_a_gradient(
    settings: str, terms: set[str]
) -> None:
    """DistributedDataParallel would wait for ever for a gradient that is promised and does not come."""
    objective = objective_of("system.tile=8", *told(settings), "system.neck=bn").train()
    assert objective.needs_truth == ("appearance: none" not in settings)
    given = objective(clips(), BATCH if objective.needs_truth else BATCH._replace(truth=None))
    assert given.keys() == terms
    torch.autograd.backward(torch.stack(list(given.values())).sum())
    promised = {name for name, parameter in objective.named_parameters() if parameter.requires_grad}
    graded = {name for name, parameter in objective.named_parameters() if parameter.grad is not None}
    assert graded == promised


def test_every_parameter_is_in_exactly_one_part() -> None:
    objective = objective_of("system.neck=bn")
    listed = [id(parameter) for part in objective.parts().values() for parameter in part]
    assert sorted(listed) == sorted(id(parameter) for parameter in objective.parameters())


def moved(objective: SAAObjective, term: str) -> set[str]:
    """The parts of the objective that a term changes."""
    torch.autograd.backward(objective(clips(), BATCH)[term])
    named = [(n.removeprefix("network."), p) for n, p in objective.named_parameters() if p.grad is not None]
    return {name.split(".")[0] for name, parameter in named if parameter.grad.abs().sum() > 0}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("settings", "term", "parts"),
    [
        ("", "interactive_to_interactive", {"image", "video"}),
        ("interactive_teaches_video: false", "interactive_to_interactive", {"image"}),
        ("", "appearance_to_video", {"stream", "video"}),
        ("", "fused_cross_entropy", {"stream", "image", "heads"}),
        ("", "appearance_cross_entropy", {"stream", "heads"}),
        ("", "feature_propagation", {"image"}),
    ],
)
def test_what_each_term_moves(settings: str, term: str, parts: set[str]) -> None:
    assert moved(objective_of("system.tile=8", *told(settings), "system.margin=9.0"), term) == parts


def test_frozen_blocks_are_frozen_in_the_third_stream_too() -> None:
    objective = objective_of("optimiser.frozen_blocks=3")
    objective.train()
    assert objective.stream is not None
    blocks = objective.stream.backbone.blocks
    assert [any(p.requires_grad for p in block.parameters()) for block in blocks[:4]] == [False] * 3 + [True]
    assert [block.training for block in blocks[:4]] == [False] * 3 + [True]


def test_only_the_pair_is_kept() -> None:
    objective = objective_of()
    assert OBJECTIVES["3d-saa-cmil"] is SAAObjective
    assert not [name for name in objective.network.state_dict() if "stream" in name or "heads" in name]


@pytest.mark.long
@pytest.mark.usefixtures("published")
def test_two_people_are_learnt_by_heart() -> None:
    """Every new term falls near zero on four clips of two people; propagation would take longer."""
    only = "system.neck=bn", "system.feature_propagation=0", "system.distance_propagation=0"
    objective = objective_of(
        "system.tile=8", "system.scaled_attention=true", "system.triplets=0.1", *only
    ).train()
    optimiser = torch.optim.Adam(objective.parameters(), lr=1e-3)
    x = clips() / 4 + torch.tensor([1.0, 1, -1, -1]).view(4, 1, 1, 1, 1)
    for _ in range(18):
        terms = objective(x, BATCH)
        torch.autograd.backward(torch.stack(list(terms.values())).sum())
        optimiser.step()
        optimiser.zero_grad()
    last = {name: terms[name].item() for name in APPEARANCE_TERMS | INTERACTIVE_TERMS}
    assert max(last.values()) < 0.1, last
