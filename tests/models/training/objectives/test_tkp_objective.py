"""The terms of the loss: which there are, what they weigh, what they move."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor

from models import zoo
from models.datasets.clips import Clips
from models.errors import BadRecipe
from models.losses import batch_hard_triplet, distance_propagation, feature_propagation
from models.training.objectives import People
from models.training.objectives.tkp import TKPObjective
from models.training.recipe import Recipe, read_recipe
from tests.models.conftest import pair_of, trained
from tests.models.training.objectives.heads import logits_of
from tests.models.training.objectives.make import make

TKP_TERMS = {
    "image_cross_entropy",
    "video_cross_entropy",
    "image_to_video",
    "video_to_image",
    "image_to_image",
    "video_to_video",
    "feature_propagation",
    "distance_propagation",
}
LABELS = torch.tensor([0, 0, 1, 1])
WORLDS = torch.zeros(2, dtype=torch.int64)
BATCH = Clips(torch.empty(0), LABELS, torch.zeros(4))


def objective_of(*overrides: str) -> TKPObjective:
    recipe: Recipe = read_recipe("tiny", overrides)
    network = trained(pair_of(zoo.untrained("efficientnet-lite0")))
    network.requires_grad_(True)
    return make(TKPObjective, recipe, network, People(WORLDS))


def key(term: str) -> str:
    """The setting with the weight of a term."""
    branch, _, rest = term.partition("_")
    own = {"cross_entropy": "cross_entropy", f"to_{branch}": "triplet"}
    return f"system.{branch}.{own[rest]}" if rest in own else f"system.{term}"


def clips() -> Tensor:
    return torch.randn(4, 2, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def test_the_terms_of_tkp_are_those_of_its_features() -> None:
    """In evaluation mode the features can be computed beside the objective, and the terms from them."""
    objective = objective_of().eval()
    with torch.no_grad():
        terms = objective(clips(), BATCH)
        frames = clips().flatten(0, 1)
        image, video = objective.network.raw_images(frames), objective.network.raw_frames(frames, [2] * 4)
        clip = torch.stack([(video[2 * n] + video[2 * n + 1]) / 2 for n in range(4)])
    frame_labels = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1])
    expected = {
        "image_to_video": batch_hard_triplet(image, clip, frame_labels, LABELS),
        "video_to_image": batch_hard_triplet(clip, image, LABELS, frame_labels),
        "image_to_image": batch_hard_triplet(image, image, frame_labels, frame_labels),
        "video_to_video": batch_hard_triplet(clip, clip, LABELS, LABELS),
        "feature_propagation": feature_propagation(image, video),
        "distance_propagation": distance_propagation(image, video),
        "image_cross_entropy": torch.nn.functional.cross_entropy(
            logits_of(objective.head, image), frame_labels
        ),
        "video_cross_entropy": torch.nn.functional.cross_entropy(logits_of(objective.head, clip), LABELS),
    }
    assert terms.keys() == expected.keys() == TKP_TERMS
    for name, value in expected.items():
        assert terms[name].item() == pytest.approx(value.item(), rel=1e-4), name


def test_a_weight_scales_its_term_and_zero_leaves_it_out() -> None:
    network = trained(pair_of(zoo.untrained("efficientnet-lite0"))).requires_grad_(True)

    def terms(*overrides: str) -> Mapping[str, Tensor]:
        objective = make(TKPObjective, read_recipe("tiny", overrides), network, People(WORLDS)).eval()
        found: Mapping[str, Tensor] = objective(clips(), BATCH)
        return found

    with torch.no_grad():
        plain = terms()
        for name in TKP_TERMS:
            assert terms(f"{key(name)}=3")[name].item() == pytest.approx(3 * plain[name].item(), rel=1e-4)
            assert terms(f"{key(name)}=0").keys() == TKP_TERMS - {name}


@pytest.mark.parametrize(
    ("overrides", "terms"),
    [
        (["system.branches=[image]"], {"image_cross_entropy", "image_to_image"}),
        (["system.branches=[video]"], {"video_cross_entropy", "video_to_video"}),
        (["system.frozen_branches=[video]"], TKP_TERMS - {"video_cross_entropy", "video_to_video"}),
    ],
)
def test_terms_of_branches_that_take_no_part_are_left_out(overrides: list[str], terms: set[str]) -> None:
    with torch.no_grad():
        assert objective_of(*overrides).eval()(clips(), BATCH).keys() == terms


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["system.branches=[image]"],
        ["system.branches=[video]"],
        ["system.frozen_branches=[video]"],
        ["system.image.cross_entropy=0", "system.video.cross_entropy=0"],
        ["system.image.cross_entropy=0", "system.video.cross_entropy=0", "system.neck=bn"],
        ["system.image.contrastive=1", "system.neck=bn"],
        ["optimiser.frozen_blocks=7"],
    ],
)
def test_exactly_what_may_learn_gets_a_gradient(overrides: list[str]) -> None:
    """DistributedDataParallel would wait for ever for one that is promised and does not come."""
    objective = objective_of(*overrides).train()
    torch.autograd.backward(torch.stack(list(objective(clips(), BATCH).values())).sum())
    promised = {name for name, parameter in objective.named_parameters() if parameter.requires_grad}
    given = {name for name, parameter in objective.named_parameters() if parameter.grad is not None}
    assert given == promised
    assert promised


def test_the_video_network_learns_nothing_from_propagation_unless_asked() -> None:
    names = [name for name in TKP_TERMS if not name.endswith("propagation")]
    only = [f"{key(name)}=0" for name in names]
    for teach, moved in ((False, {"image"}), (True, {"image", "video"})):
        objective = objective_of(*only, f"system.teach_video={str(teach).lower()}").train()
        torch.autograd.backward(torch.stack(list(objective(clips(), BATCH).values())).sum())
        graded = {n.split(".")[1] for n, p in objective.named_parameters() if p.grad is not None}
        assert graded == moved


def test_frozen_blocks_keep_their_statistics_while_training() -> None:
    objective = objective_of("optimiser.frozen_blocks=3").train()
    before = {name: buffer.clone() for name, buffer in objective.named_buffers() if "running_mean" in name}
    with torch.no_grad():
        objective(clips(), BATCH)
    for name, buffer in objective.named_buffers():
        if "blocks" in name and "running_mean" in name:
            frozen = int(name.split("blocks.")[1].split(".")[0]) < 3
            assert buffer.equal(before[name]) == frozen, name


def test_triplets_and_propagation_climb_to_their_weights() -> None:
    climbing, plain = objective_of("system.ramp=4").eval(), objective_of().eval()
    with torch.no_grad():
        full = plain(clips(), BATCH)
        for step, share in ((0, 0.0), (1, 0.25), (4, 1.0), (9, 1.0)):
            climbing.after_step(step, 10)
            for name, term in climbing(clips(), BATCH).items():
                expected = full[name].item() * (1.0 if name.endswith("cross_entropy") else share)
                assert term.item() == pytest.approx(expected, rel=1e-4), name


def test_the_video_branch_sees_the_clean_clips() -> None:
    objective = objective_of().eval()
    damaged = clips()
    damaged[:, :, :, 8:24] = 0
    with torch.no_grad():
        clean = objective(clips(), BATCH)
        both = objective(damaged, BATCH._replace(clean=clips()))
        worst = objective(damaged, BATCH)
    assert both["video_to_video"].equal(clean["video_to_video"])
    assert both["image_to_image"].equal(worst["image_to_image"])
    assert not both["image_to_video"].equal(worst["image_to_video"])


def test_styles_are_mixed_in_the_image_branch_alone() -> None:
    """Cross entropy of the video branch is as without, for the same draws."""
    losses = []
    for overrides in (("system.ramp=0",), ("system.mix_style={after: [1], probability: 1.0}",)):
        objective = objective_of(*overrides).train()
        torch.manual_seed(0)
        losses.append(objective(clips(), BATCH))
    assert losses[0]["video_to_video"].equal(losses[1]["video_to_video"])
    assert not losses[0]["image_to_image"].equal(losses[1]["image_to_image"])


@pytest.mark.parametrize(
    ("model", "weights"),
    [
        ("image_cross_entropy", ("system.image.cross_entropy=0.5",)),
        ("image_contrastive", ("system.image.cross_entropy=0", "system.image.contrastive=0.5")),
    ],
)
def test_matched_propagation_pulls_image_features_as_hard_as_what_tells_people_apart(
    model: str, weights: tuple[str, ...]
) -> None:
    objective = objective_of("system.match_gradients=true", "system.feature_propagation=2", *weights)
    seeded = torch.Generator().manual_seed(1)
    image, video = (torch.randn(8, objective.network.dimension, generator=seeded) for _ in range(2))
    image.requires_grad_(True)
    terms = objective.terms(image, video, LABELS)
    lengths = {
        name: torch.autograd.grad(terms[name], image, retain_graph=True)[0].norm().item()
        for name in (model, "feature_propagation", "distance_propagation")
    }
    assert lengths[model] > 0
    assert lengths["feature_propagation"] == pytest.approx(2 * lengths[model], rel=1e-4)
    assert lengths["distance_propagation"] == pytest.approx(lengths[model], rel=1e-4)


def test_the_video_branch_may_be_judged_by_its_single_frames() -> None:
    """Its own triplet is then that of frames, and what is between the branches stays that of clips."""
    seeded = torch.Generator().manual_seed(1)
    objectives = [objective_of(), objective_of("system.video_frames=true")]
    image, video = (torch.randn(8, objectives[0].network.dimension, generator=seeded) for _ in range(2))
    clip, frame = (objective.terms(image, video, LABELS) for objective in objectives)
    labels = LABELS.repeat_interleave(2)
    expected = batch_hard_triplet(video, video, labels, labels, objectives[0].pair.margin)
    torch.testing.assert_close(frame["video_to_video"], expected)
    assert not frame["video_cross_entropy"].equal(clip["video_cross_entropy"])
    assert frame["image_to_video"].equal(clip["image_to_video"])


@pytest.mark.parametrize(
    "override", ["system.image.cross_entropy=0", "system.frozen_branches=[image]", "system.branches=[video]"]
)
def test_propagation_has_nothing_to_match_where_nobody_is_told_apart(override: str) -> None:
    with pytest.raises(BadRecipe, match="match_gradients"):
        read_recipe("tiny", ["system.match_gradients=true", override])
