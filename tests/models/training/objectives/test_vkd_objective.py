"""VKD's teacher and student: their terms, what the student is given, what the teacher keeps."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from models import checkpoint, zoo
from models.datasets.clips import Clips
from models.datasets.frames import read_frame
from models.datasets.records import Tracklet
from models.embedder import Embedder, normalise
from models.errors import BadRecipe, ModelError, TrainingError, UnknownModel
from models.losses import batch_hard_triplet, distance_distillation, supervised_contrastive, view_distillation
from models.training.begin import begin
from models.training.objectives import People
from models.training.objectives.vkd import Teacher, VKDObjective, look
from models.training.recipe import read_recipe
from models.training.state import read_state
from models.training.train import train
from tests.models.people import draw_tracklets
from tests.models.training.objectives.make import make

LABELS = torch.tensor([0, 0, 1, 1])
BATCH = Clips(torch.empty(0), LABELS, torch.tensor([1, 2, 1, 2]))
SMALL = "input={height: 32, width: 32}"
VIEWS = ("batches.frames=3", "batches.choice=views")


def objective_of(*overrides: str, data: str = "") -> VKDObjective:
    recipe = read_recipe("tiny-vkd", [SMALL, *overrides])
    network = zoo.untrained("efficientnet-lite0", "vkd").network.requires_grad_(True)
    people = People(torch.zeros(2, dtype=torch.int64), data=data)
    return make(VKDObjective, recipe, network, people)


def clips(frames: int = 3) -> Tensor:
    return torch.randn(4, frames, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def teacher_of(objective: VKDObjective) -> Teacher:
    assert objective.teacher is not None
    return objective.teacher


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tracklet, ...]:
    return draw_tracklets(tmp_path_factory.mktemp("people"), identities=2, cameras=3, frames=2)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, drawn: tuple[Tracklet, ...]) -> Path:
    """The run of a teacher that has begun to learn its people."""
    return taught(drawn, tmp_path_factory.mktemp("teacher") / "run", steps=6)


def taught(drawn: tuple[Tracklet, ...], out: Path, steps: int) -> Path:
    learning = [f"schedule={{steps: {steps}, factor: 1.0}}", "optimiser.learning_rate=0.001"]
    train(read_recipe("tiny-vkd", [SMALL, *learning]), drawn, out, dataset="drawn")
    return out


def student(run: Path, *overrides: str) -> VKDObjective:
    return objective_of(f"system.teacher={run}", *VIEWS, *overrides, data=read_state(run)["data"])


@pytest.mark.long
@pytest.mark.usefixtures("published")
def test_a_teacher_learns_people_by_heart(tmp_path: Path, drawn: tuple[Tracklet, ...]) -> None:
    run = taught(drawn, tmp_path / "run", steps=20)
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert lines[-1]["video_cross_entropy"] < 0.1 < 0.5 < lines[0]["video_cross_entropy"]
    embedder = Embedder(checkpoint.load(run / "model"), device="cpu")
    frames = [[read_frame(file) for file in t.frames] for t in drawn]
    scores = embedder.embed_images([own[0] for own in frames]) @ normalise(embedder.embed_clips(frames)).T
    same = np.array([[a.identity == b.identity for b in drawn] for a in drawn])
    assert scores[same].min() > scores[~same].max()


@pytest.mark.parametrize("neck", ["none", "bn"])
def test_the_terms_of_a_teacher_are_those_of_its_features(neck: str) -> None:
    objective = objective_of(f"system.neck={neck}").eval()
    with torch.no_grad():
        terms = objective(clips(), BATCH)
        frames = objective.network.raw_frames(clips().flatten(0, 1))
        features = frames.view(4, 3, -1).mean(dim=1)
        seen = objective.normalise(frames)
        of_frames = objective.head.classifier(seen).view(4, 3, -1)
        logits = of_frames.mean(dim=1)  # as published
    expected = {
        "video_cross_entropy": F.cross_entropy(logits, LABELS),
        "video_contrastive": supervised_contrastive(seen.view(4, 3, -1).mean(dim=1), LABELS),
        "video_to_video": 0.1 * batch_hard_triplet(features, features, LABELS, LABELS, margin=None),
    }
    assert terms.keys() == expected.keys()
    for name, value in expected.items():
        assert terms[name].item() == pytest.approx(value.item(), rel=1e-3), name


def test_without_a_neck_the_embedding_is_not_normalised() -> None:
    objective = objective_of("system.neck=none")
    assert not any("neck" in name for name, _ in objective.network.named_parameters())
    assert isinstance(objective.head.norm, torch.nn.BatchNorm1d)
    assert not objective.head.norm.bias.requires_grad
    assert isinstance(objective_of().head.norm, torch.nn.Identity)


def test_the_terms_of_a_student_compare_two_views_with_all(run: Path) -> None:
    objective = student(run, "system.view_distillation=0.2").eval()
    with torch.no_grad():
        terms = objective(clips(), BATCH)
        taught = teacher_of(objective)(clips(), bf16=False)
        seen = look(objective.network, objective.head, clips()[:, :2], bf16=False)
    assert terms.keys() == {
        "video_cross_entropy",
        "video_contrastive",
        "video_to_video",
        "view_distillation",
        "distance_distillation",
    }
    assert terms["video_cross_entropy"].item() == pytest.approx(F.cross_entropy(seen.logits, LABELS).item())
    divergence = 0.2 * view_distillation(seen.logits, taught.logits).item()
    assert terms["view_distillation"].item() == pytest.approx(divergence, rel=1e-4)
    distances = 1e-4 * distance_distillation(seen.features, taught.features).item()
    assert terms["distance_distillation"].item() == pytest.approx(distances, rel=1e-4)


def test_a_student_does_not_see_the_other_views(run: Path) -> None:
    objective = student(run).eval()
    other = clips()
    other[:, 2] = 0
    with torch.no_grad():
        before, after = objective(clips(), BATCH), objective(other, BATCH)
    changed = {name for name in before if not before[name].equal(after[name])}
    assert changed == {"view_distillation", "distance_distillation"}


def test_who_answers_as_the_teacher_does_has_nothing_left_to_learn(run: Path) -> None:
    objective = student(run).eval()
    objective.network.load_state_dict(teacher_of(objective).network.state_dict())
    objective.head.load_state_dict(teacher_of(objective).head.state_dict())
    still = clips()[:, :1].expand(-1, 3, -1, -1, -1)
    with torch.no_grad():
        terms = objective(still, BATCH)
    assert terms["view_distillation"].item() == pytest.approx(0, abs=1e-5)
    assert terms["distance_distillation"].item() == pytest.approx(0, abs=1e-5)
    assert terms["video_cross_entropy"].item() > 0


def test_a_teacher_keeps_what_it_knows(run: Path) -> None:
    objective = student(run).train()
    before = {name: t.clone() for name, t in teacher_of(objective).state_dict().items()}
    torch.autograd.backward(torch.stack(list(objective(clips(), BATCH).values())).sum())
    assert all(t.equal(before[name]) for name, t in teacher_of(objective).state_dict().items())
    assert not any(p.requires_grad for p in teacher_of(objective).parameters())
    assert teacher_of(objective).head.classifier.weight.equal(
        read_state(run)["objective"]["head.classifier.weight"]
    )


def test_a_teacher_normalises_by_the_batch_while_its_student_trains(run: Path) -> None:
    objective = student(run).train()
    with torch.no_grad():
        whole = teacher_of(objective)(clips(), bf16=False).features
        half = teacher_of(objective)(clips()[:2], bf16=False).features
        settled = teacher_of(objective).eval()(clips(), bf16=False).features
    assert not torch.allclose(whole[:2], half, atol=1e-3)
    assert not torch.allclose(whole, settled, atol=1e-3)


@pytest.mark.parametrize("fresh", [True, False])
def test_a_student_learns_its_last_stage_anew(run: Path, fresh: bool) -> None:
    """With a stage that was learnt anew, its last six blocks are ImageNet's; all others are the teacher's."""
    stage = f"system.fresh_stage={str(fresh).lower()}"
    plan = (f"system.teacher={run}", stage, f"initialise={run}/model")
    recipe = read_recipe("tiny-vkd", [SMALL, *VIEWS, *plan])
    network = begin(recipe).network.requires_grad_(True)
    taught = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    people = People(torch.zeros(2, dtype=torch.int64), data=read_state(run)["data"])
    make(VKDObjective, recipe, network, people)
    untrained = zoo.untrained("efficientnet-lite0", "vkd").network.state_dict()
    late = tuple(f"backbone.blocks.{n}." for n in range(12, 18)) if fresh else ()
    for name, tensor in network.state_dict().items():
        if name.startswith("backbone."):
            assert tensor.equal(untrained[name] if name.startswith(late) else taught[name]), name
    assert not taught["backbone.blocks.17.conv.weight"].equal(untrained["backbone.blocks.17.conv.weight"])
    assert network.state_dict()["neck.running_mean"].eq(0).all()
    assert not taught["neck.running_mean"].eq(0).all()


@pytest.mark.parametrize(
    ("overrides", "taught"),
    [
        ([], False),
        ([], True),
        (["system.neck=none"], False),
        (["system.neck=none"], True),
        (["system.cross_entropy=0", "system.neck=bn", "system.contrastive=1"], False),
        (["system.cross_entropy=0", "system.neck=bn"], True),
        (["system.cross_entropy=0", "system.triplet=0", "system.contrastive=1"], False),
        (["optimiser.frozen_blocks=7"], True),
    ],
)
def test_exactly_what_may_learn_gets_a_gradient(run: Path, overrides: list[str], taught: bool) -> None:
    """DistributedDataParallel would wait for ever for one that is promised and does not come."""
    objective = (student(run, *overrides) if taught else objective_of(*overrides)).train()
    torch.autograd.backward(torch.stack(list(objective(clips(), BATCH).values())).sum())
    promised = {name for name, parameter in objective.named_parameters() if parameter.requires_grad}
    given = {name for name, parameter in objective.named_parameters() if parameter.grad is not None}
    assert given == promised
    parts = {id(p) for part in objective.parts().values() for p in part}
    assert {id(p) for p in objective.parameters() if p.requires_grad} <= parts


def test_frozen_blocks_keep_their_statistics_while_training() -> None:
    objective = objective_of("optimiser.frozen_blocks=3").train()
    before = {name: buffer.clone() for name, buffer in objective.named_buffers()}
    with torch.no_grad():
        objective(clips(), BATCH)
    for name, buffer in objective.network.backbone.named_buffers():
        if name.endswith("running_mean"):
            frozen = int(name.split(".")[1]) < 3
            assert buffer.equal(before[f"network.backbone.{name}"]) == frozen, name


@pytest.mark.long
def test_a_student_trains_and_resumes(tmp_path: Path, run: Path, drawn: tuple[Tracklet, ...]) -> None:
    plan = read_recipe(
        "tiny-vkd",
        [SMALL, f"system.teacher={run}", f"initialise={run}/model", *VIEWS],
    )

    class Killed(BaseException):
        pass

    def advance(done: int, steps: int, loss: float) -> None:
        if done == 3:
            raise Killed

    whole = train(plan, drawn, tmp_path / "whole", dataset="drawn")
    with pytest.raises(Killed):
        train(plan, drawn, tmp_path / "cut", dataset="drawn", advance=advance)
    cut = train(plan, drawn, tmp_path / "cut", dataset="drawn", resume=True)
    taught_by = checkpoint.load(run / "model").id
    assert checkpoint.load(cut).card["training"]["learns_from"] == {"system.teacher": taught_by}
    name = "weights.safetensors"
    assert (cut / name).read_bytes() == (whole / name).read_bytes() != (run / "model" / name).read_bytes()


def test_a_folder_without_a_teacher_is_refused(
    tmp_path: Path, run: Path, drawn: tuple[Tracklet, ...]
) -> None:
    def refuse(folder: Path) -> None:
        objective_of(f"system.teacher={folder}", *VIEWS)

    with pytest.raises(UnknownModel, match="no checkpoint"):
        refuse(tmp_path / "nothing")
    unfinished = tmp_path / "unfinished"
    unfinished.mkdir()
    (unfinished / "model").symlink_to(run / "model")
    with pytest.raises(TrainingError, match="holds no run"):
        refuse(unfinished)
    (unfinished / "state.pt").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(TrainingError, match="damaged"):
        refuse(unfinished)
    torch.save({"objective": {}}, unfinished / "state.pt")
    with pytest.raises(TrainingError, match="not the state"):
        refuse(unfinished)
    with pytest.raises(BadRecipe, match="learnt from other data"):
        refuse(run)
    pair = tmp_path / "pair"
    train(read_recipe("tiny", [SMALL, "schedule.steps=1"]), drawn, pair, dataset="drawn")
    with pytest.raises(BadRecipe, match="not the run of a VKD"):
        refuse(pair)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["batches.frames=2"], "system.frames"),
        (["batches.choice=parts"], r"batches\.choice"),
        (["system.image_to_video=2"], r"unknown key 'system\.image_to_video'"),
        (["system.feature_propagation=0"], r"system\.feature_propagation"),
        (["system.branches=[image]"], "branches"),
        (["system.video_from_image=true"], "system.video_from_image"),
    ],
)
def test_settings_without_effect_are_refused(run: Path, overrides: list[str], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        student(run, *overrides)
