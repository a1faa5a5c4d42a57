"""The terms of the CRF network's loss: which there are, what they weigh, what they move."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from models import zoo
from models.datasets.clips import Clips
from models.errors import BadRecipe
from models.siamese import siamese
from models.training.objectives import People
from models.training.objectives.crf import CRFObjective
from models.training.optimisation.optimiser import make_optimiser
from models.training.recipe import read_recipe
from tests.models.training.objectives.heads import logits_of
from tests.models.training.objectives.make import make

LABELS, CAMERAS = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1])
BATCH = Clips(torch.empty(0), LABELS, CAMERAS)
PARTS = ("full", "upper", "lower")


def objective_of(*overrides: str) -> CRFObjective:
    recipe = read_recipe("tiny-crf", overrides)
    network = zoo.untrained(recipe.backbone, "crf", **recipe.architecture).network.requires_grad_(True)
    return make(CRFObjective, recipe, network, People(torch.tensor([0, 0])))


def clips(frames: int = 2) -> Tensor:
    return torch.rand(4, frames, 3, 64, 48, generator=torch.Generator().manual_seed(1))


def test_the_terms_are_those_of_the_features_of_each_part() -> None:
    objective = objective_of("system.photos=0.5").eval()
    with torch.no_grad():
        terms = objective(clips(), BATCH)
        video = objective.network.part_features(clips().flatten(0, 1), [2] * 4)
        photo = objective.network.part_features(clips()[:, 0], [1] * 4)
    assert len(terms) == 12
    for index, part in enumerate(PARTS):
        head = objective.heads[part]
        of_video = F.cross_entropy(logits_of(head, video[index]), LABELS).item()
        of_photo = F.cross_entropy(logits_of(head, photo[index]), LABELS).item()
        expected = {
            f"{part}_siamese": siamese(video[index], video[index], LABELS, CAMERAS).item(),
            f"{part}_identity": 2 * of_video,
            f"{part}_photo_siamese": 0.5 * siamese(photo[index], video[index], LABELS, CAMERAS).item(),
            f"{part}_photo_identity": 0.5 * (of_photo + of_video),
        }
        for name, value in expected.items():
            assert terms[name].item() == pytest.approx(value, rel=1e-4), name


def test_weights_form_and_margin_are_the_recipes() -> None:
    with torch.no_grad():
        plain = objective_of().eval()(clips(), BATCH)
        form = ("system.form=rcn-code", "system.margin=4.0")
        other = objective_of("system.siamese=3", "system.identity=0", *form).eval()
        terms = other(clips(), BATCH)
        video = other.network.part_features(clips().flatten(0, 1), [2] * 4)
    assert plain.keys() == {f"{part}_{term}" for part in PARTS for term in ("siamese", "identity")}
    assert terms.keys() == {f"{part}_siamese" for part in PARTS}
    expected = siamese(video[1], video[1], LABELS, CAMERAS, margin=4.0, form="rcn-code")
    assert terms["upper_siamese"].item() == pytest.approx(3 * expected.item())


def test_the_second_stage_has_the_terms_of_the_fused_feature() -> None:
    objective = objective_of("system.stage=fusion")
    assert objective.network.fusion is not None
    with torch.no_grad():
        objective.network.fusion.logits.copy_(torch.tensor([0.0, 1.0, -1.0]))
        terms = objective.eval()(clips(), BATCH)
        fused = objective.network.embed_clips(clips())
    assert terms.keys() == {"fused_siamese", "fused_identity"}
    assert terms["fused_siamese"].item() == pytest.approx(siamese(fused, fused, LABELS, CAMERAS).item())


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["system.stage=fusion"],
        ["system.identity=0"],
        ["system.photos=1", "architecture={features: cnn}"],
        ["system.photos=1", "architecture={features: rnn, rcn: true}"],
        ["optimiser.frozen_blocks=1"],
        ["backbone=efficientnet-lite0", "architecture={}", "optimiser.frozen_blocks=3"],
    ],
)
def test_exactly_what_may_learn_gets_a_gradient(overrides: list[str]) -> None:
    """DistributedDataParallel would wait for ever for one that is promised and does not come."""
    objective = objective_of(*overrides).train()
    torch.autograd.backward(torch.stack(list(objective(clips(), BATCH).values())).sum())
    promised = {name for name, parameter in objective.named_parameters() if parameter.requires_grad}
    given = {name for name, parameter in objective.named_parameters() if parameter.grad is not None}
    assert given == promised
    held = [
        id(p) for g in make_optimiser(objective, objective.plan.optimiser).param_groups for p in g["params"]
    ]
    assert sorted(held) == sorted(id(p) for p in objective.parameters() if p.requires_grad)


def test_the_second_stage_moves_the_weights_of_fusion_and_its_classifier_only() -> None:
    objective = objective_of("system.stage=fusion").train()
    learning = {name for name, parameter in objective.named_parameters() if parameter.requires_grad}
    assert learning == {
        "network.fusion.logits",
        "heads.fused.classifier.weight",
        "heads.fused.norm.weight",
    }
    assert not any(module.training for module in objective.network.subnetworks.modules())


def test_people_of_other_worlds_are_no_alternatives() -> None:
    recipe = read_recipe("tiny-crf")
    network = zoo.untrained("small", "crf", **recipe.architecture).network
    objective = make(CRFObjective, recipe, network, People(torch.tensor([0, 1])))
    with torch.no_grad():
        terms = objective.eval()(clips(), BATCH)
    assert [terms[f"{part}_identity"].item() for part in PARTS] == [0, 0, 0]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["input={height: 128, width: 64}"], "input: the small backbone takes 64 x 48, not 128 x 64"),
        (["system.stage=fusion", "architecture={}"], "nothing to fuse"),
        (["system.stage=all"], "system.stage: .*'parts'"),
        (["system.form=squared"], "system.form: .*'crf'"),
        (["system.margin=0"], "system.margin: .*greater"),
        (["system.siamese=0", "system.identity=0"], "system: siamese and identity are both 0"),
        (["system.wheels=4"], "unknown key 'system.wheels'"),
        (["architecture.parts=[]"], "parts is a list"),
        (["architecture.wheels=4"], "wheels"),
        (["backbone=resnet50"], "no backbone 'resnet50'; known: small"),
        (
            ["system.network=tkp", "system.stage=parts", "architecture={}", "backbone=resnet50"],
            "system.stage",
        ),
    ],
)
def test_a_recipe_that_cannot_be_is_refused(overrides: list[str], message: str) -> None:
    with pytest.raises(BadRecipe, match=message):
        objective_of(*overrides)
