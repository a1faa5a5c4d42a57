"""The loop on drawn people: it learns, it resumes exactly, it refuses what cannot be."""

import json
import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from models import checkpoint, zoo
from models.checkpoint import LoadedModel
from models.datasets.records import DISTRACTOR, JUNK, Tracklet, cut_tracklets
from models.datasets.truth import truth_file
from models.embedder import Embedder
from models.errors import BadCheckpoint, BadDataset, BadRecipe, TrainingError, UnknownModel
from models.networks.saa import SAA
from models.preprocessing import prepare
from models.training.begin import begin
from models.training.graph import look_alikes
from models.training.processes import Place
from models.training.recipe import Recipe, read_recipe
from models.training.train import people_of, train
from models.training.train import prepare as prepare_run
from tests.models.cards import looks_like_a_path, texts
from tests.models.conftest import pair_of
from tests.models.people import draw_tracklets, draw_truth


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> tuple[Tracklet, ...]:
    return draw_tracklets(tmp_path_factory.mktemp("people"), identities=3, cameras=2, frames=3)


def recipe(*overrides: str) -> Recipe:
    return read_recipe("tiny", ["input={height: 32, width: 32}", *overrides])


ONCE = ("schedule.steps=1", "run.seed=5", "name=once")


@pytest.fixture(scope="module")
def once(people: tuple[Tracklet, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one step; to be read, never changed."""
    torch.set_num_threads(1)
    out = tmp_path_factory.mktemp("once") / "run"
    train(recipe(*ONCE), people, out, dataset="drawn")
    return out


def logged(out: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]


def weights(model: Path) -> bytes:
    return (model / "weights.safetensors").read_bytes()


class Killed(BaseException):
    pass


def kill_at(step: int) -> Callable[[int, int, float], None]:
    def advance(done: int, steps: int, loss: float) -> None:
        if done == step:
            raise Killed

    return advance


@pytest.mark.long
@pytest.mark.usefixtures("published")
def test_two_people_are_learnt_by_heart(tmp_path: Path, people: tuple[Tracklet, ...]) -> None:
    two = [t for t in people if t.identity < 3]
    plan = recipe(
        "input={height: 64, width: 64}",  # of 32 x 32 one position is left, and batch norms see 8 values
        "schedule={steps: 25, factor: 1.0}",
        "optimiser.learning_rate=0.001",
        "system.branches=[image]",
        "system.video_from_image=true",
        "system.neck=bn",
        "system.image.contrastive=1",
        "system.image.triplet=0",
    )
    out = train(plan, two, tmp_path / "run", dataset="drawn")
    lines = logged(tmp_path / "run")
    assert lines[-1]["image_cross_entropy"] < 0.1 < 0.5 < lines[0]["image_cross_entropy"]
    embedder = Embedder(checkpoint.load(out))
    frames = [[np.array(read(f)) for f in t.frames] for t in two]
    probes = embedder.embed_images([clip[0] for clip in frames])
    clips = embedder.embed_clips(frames)
    scores = probes @ (clips / np.linalg.norm(clips, axis=1, keepdims=True)).T
    same = np.array([[a.identity == b.identity for b in two] for a in two])
    assert scores[same].min() > scores[~same].max()


def read(path: Path) -> Any:
    from PIL import Image

    return Image.open(path)


AVERAGED = ("optimiser.ema=0.9", "batches.accumulate=2", "system.neck=bn")
GRAPH = ("batches.sampler=graph", "batches.graph_every=2", "system.ramp=3", "system.mix_style.after=[1]")


@pytest.mark.parametrize(
    "extra",
    [
        pytest.param((), marks=pytest.mark.long),
        pytest.param(AVERAGED, marks=pytest.mark.long),
        pytest.param(GRAPH, marks=pytest.mark.long),
        (*AVERAGED, *GRAPH),
    ],
)
def test_a_run_that_was_killed_ends_with_the_same_bits(
    tmp_path: Path, people: tuple[Tracklet, ...], extra: tuple[str, ...]
) -> None:
    plan = recipe("augmentation={colour: 1.0, erase: 0.5}", *extra)
    whole = train(plan, people, tmp_path / "whole", dataset="drawn")
    for step in (1, 3):  # before the first state was saved, and after the second
        with pytest.raises(Killed):
            train(plan, people, tmp_path / "cut", dataset="drawn", resume=True, advance=kill_at(step))
    resumed = train(plan, people, tmp_path / "cut", dataset="drawn", resume=True)
    assert weights(resumed) == weights(whole)
    assert [line["loss"] for line in logged(tmp_path / "cut")] == [
        line["loss"] for line in logged(tmp_path / "whole")
    ]


@pytest.mark.long
def test_worker_processes_change_nothing(tmp_path: Path, people: tuple[Tracklet, ...]) -> None:
    alone = train(recipe("schedule.steps=2"), people, tmp_path / "alone", dataset="drawn")
    plan = recipe("schedule.steps=2", "batches.workers=2")
    assert weights(train(plan, people, tmp_path / "two", dataset="drawn")) == weights(alone)


def test_processes_that_cannot_share_a_step_are_told_so(people: tuple[Tracklet, ...]) -> None:
    plan = recipe()
    with pytest.raises(BadRecipe, match="2 processes cannot share 1 batches"):
        prepare_run(plan, begin(plan), people_of(people), Place(0, 2, "cpu"))


def test_the_card_says_how_the_weights_came_to_be(once: Path) -> None:
    model = checkpoint.load(once / "model")
    training = model.card["training"]
    assert Recipe.model_validate(training["recipe"]) == recipe(*ONCE)
    assert (training["dataset"], training["tracklets"], training["steps"]) == ("drawn", 6, 1)
    assert len(training["data_sha256"]) == 64
    assert (model.preprocessing.height, model.preprocessing.width) == (32, 32)
    assert model.name == "once"


def test_a_run_begins_from_a_checkpoint_and_its_card_names_no_folder_of_the_machine(
    tmp_path: Path, people: tuple[Tracklet, ...], once: Path
) -> None:
    plan = recipe(f"initialise={once}/model", "schedule.steps=1")
    begun, second = checkpoint.load(once / "model"), train(plan, people, tmp_path, dataset="drawn")
    model = checkpoint.load(second)
    assert model.card["training"]["begun_from"] == begun.id != model.id
    assert model.card["training"]["recipe"]["initialise"] == "once"
    assert not [text for text in texts(dict(model.card)) if looks_like_a_path(text)]


@pytest.mark.long
@pytest.mark.usefixtures("published")
def test_norms_fit_the_weights_that_are_written(tmp_path: Path, people: tuple[Tracklet, ...]) -> None:
    """With EfficientNet's momentum of .01 the statistics would still be ImageNet's after four steps."""
    models = []
    for batches in (0, 4):
        plan = recipe(f"optimiser={{learning_rate: 0.001, ema: 0.9, norm_batches: {batches}}}")
        out = train(plan, people, tmp_path / str(batches), dataset="drawn")
        models.append(checkpoint.load(out))
    lagging, fitted = (pair_of(model).image.state_dict() for model in models)
    assert all(lagging[name].equal(fitted[name]) for name in lagging if "running" not in name)
    pixels = prepare([np.array(read(t.frames[0])) for t in people], models[0].preprocessing)
    assert misfit(models[1], pixels) < misfit(models[0], pixels) / 2


def misfit(model: LoadedModel, pixels: Tensor) -> float:
    """How far the mean that the first norm holds is from that of what it sees, in its deviations."""
    seen: list[Tensor] = []
    norm = pair_of(model).image.blocks[0].get_submodule("norm")
    norm.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    with torch.no_grad():
        pair_of(model).image(pixels)
    mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    return float(((seen[0].mean(dim=(0, 2, 3)) - mean) / (variance + 1e-3).sqrt()).abs().mean())


def test_the_place_of_the_neck_stays_the_centre_of_the_features(
    tmp_path: Path, people: tuple[Tracklet, ...]
) -> None:
    plan = recipe("system.neck=bn", "optimiser.learning_rate=0.1", "schedule.steps=2")
    network = pair_of(checkpoint.load(train(plan, people, tmp_path / "run", dataset="drawn")))
    assert network.neck.get_parameter("bias").eq(0).all()
    assert not network.neck.get_parameter("weight").eq(1).all()


def test_a_run_of_another_version_cannot_be_resumed(
    tmp_path: Path, people: tuple[Tracklet, ...], once: Path
) -> None:
    shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    state["optimiser"]["param_groups"][0]["params"].pop()
    torch.save(state, tmp_path / "state.pt")
    with pytest.raises(TrainingError, match="another version"):
        train(recipe(*ONCE), people, tmp_path, dataset="drawn", resume=True)


def test_frozen_blocks_keep_their_statistics(
    tmp_path: Path, people: tuple[Tracklet, ...], untrained_model: LoadedModel
) -> None:
    plan = recipe("optimiser={frozen_blocks: 5, norm_batches: 2}", "schedule.steps=1")
    model = checkpoint.load(train(plan, people, tmp_path / "run", dataset="drawn"))
    before, after = pair_of(untrained_model).image.state_dict(), pair_of(model).image.state_dict()
    frozen, free = (f"blocks.{number}.project.norm.running_mean" for number in (4, 5))
    assert after[frozen].equal(before[frozen].half().float())
    assert not after[free].equal(before[free].half().float())


def test_the_image_branch_alone_also_makes_a_video_network(
    tmp_path: Path, people: tuple[Tracklet, ...], untrained_model: LoadedModel
) -> None:
    plan = recipe(
        "system.branches=[image]", "system.video_from_image=true", "schedule.steps=2", "batches.frames=1"
    )
    model = checkpoint.load(train(plan, people, tmp_path / "run", dataset="drawn"))
    image, video = pair_of(model).image.state_dict(), pair_of(model).video.backbone.state_dict()
    before = pair_of(untrained_model).image.state_dict()
    assert all(image[name].equal(video[name]) for name in image)
    assert not image["blocks.17.conv.weight"].equal(before["blocks.17.conv.weight"])
    assert set(logged(tmp_path / "run")[0]) >= {"image_cross_entropy", "image_to_image", "loss"}
    assert not any("video" in name or "propagation" in name for name in logged(tmp_path / "run")[0])


@pytest.mark.long
@pytest.mark.parametrize("kind", ["tiny-vkd", "tiny-crf", "tiny-captioner", "tiny-cross-modality-alignment"])
def test_another_network_begins_with_the_image_backbone(
    tmp_path: Path, people: tuple[Tracklet, ...], kind: str
) -> None:
    plan = recipe("system.branches=[image]", "schedule.steps=1")
    pair = checkpoint.load(train(plan, people, tmp_path / "pair", dataset="drawn"))
    other = [f"initialise={tmp_path / 'pair' / 'model'}", "backbone=efficientnet-lite0", "architecture={}"]
    begun = begin(read_recipe(kind, other))
    assert begun.network.kind == read_recipe(kind).network
    assert begun.id == pair.id
    convolutions = [m.weight for m in begun.network.modules() if isinstance(m, torch.nn.Conv2d)]
    learnt = pair_of(pair).image.state_dict()["blocks.17.conv.weight"]
    assert any(weight.equal(learnt) for weight in convolutions)
    again = begin(read_recipe(kind, other)).network.state_dict()
    assert all(tensor.equal(again[name]) for name, tensor in begun.network.state_dict().items())


def test_a_network_of_colour_and_motion_gives_no_image_backbone(tmp_path: Path) -> None:
    crf = zoo.untrained("efficientnet-lite0", "crf")
    checkpoint.save(tmp_path, crf.network, crf.card)
    with pytest.raises(BadRecipe, match="has the network 'crf'"):
        begin(recipe(f"initialise={tmp_path}"))


def test_what_is_frozen_stays(
    tmp_path: Path, people: tuple[Tracklet, ...], untrained_model: LoadedModel
) -> None:
    plan = recipe("optimiser.frozen_blocks=5", "system.frozen_branches=[video]", "schedule.steps=2")
    network = checkpoint.load(train(plan, people, tmp_path / "run", dataset="drawn")).network
    before = deepcopy(untrained_model.network).half().float().state_dict()
    for name, tensor in network.state_dict().items():
        frozen = name.startswith("video.") or int(name.split(".")[2]) < 5
        if name.endswith(("conv.weight", "running_mean")):
            assert tensor.equal(before[name]) == frozen, name


def test_distractors_and_junk_are_left_out(tmp_path: Path, people: tuple[Tracklet, ...], once: Path) -> None:
    gone = (tmp_path / "gone.png",)
    more = [Tracklet(DISTRACTOR, 1, gone), Tracklet(JUNK, 1, gone), *people]
    with_them = train(recipe(*ONCE), more, tmp_path / "more", dataset="drawn")
    assert weights(with_them) == weights(once / "model")


def test_pieces_are_drawn_as_tracklets_of_their_own(tmp_path: Path) -> None:
    whole = draw_tracklets(tmp_path / "people", identities=3, cameras=1, frames=5)
    cut = cut_tracklets(whole, 2)  # two of each person's one
    plan = ("schedule={epochs: 1}", "batches={identities: 3, clips: 1, frames: 1}")
    of_pieces = train(recipe(*plan, "batches.pieces=2"), whole, tmp_path / "pieces", dataset="drawn")
    train(recipe(*plan), whole, tmp_path / "whole", dataset="drawn")

    assert weights(of_pieces) == weights(train(recipe(*plan), cut, tmp_path / "cut", dataset="drawn"))
    # An epoch sees every piece once.
    assert len(logged(tmp_path / "pieces")) == 2 * len(logged(tmp_path / "whole")) == 2
    training = checkpoint.load(of_pieces).card["training"]
    assert (training["tracklets"], training["recipe"]["batches"]["pieces"]) == (3, 2)


def test_a_run_is_not_overwritten(tmp_path: Path, people: tuple[Tracklet, ...], once: Path) -> None:
    shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    before = weights(tmp_path / "model")
    with pytest.raises(TrainingError, match="holds a run already"):
        train(recipe(*ONCE), people, tmp_path, dataset="drawn")
    with pytest.raises(TrainingError, match=r"another recipe: run\.seed was 5, not 2"):
        train(recipe(*ONCE, "run.seed=2"), people, tmp_path, dataset="drawn", resume=True)
    with pytest.raises(TrainingError, match="other data"):
        train(recipe(*ONCE), people[:-1], tmp_path, dataset="drawn", resume=True)
    assert weights(tmp_path / "model") == before


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 no zip", b"\x80\x02cos\nsystem\n"])
def test_a_damaged_state_is_refused(tmp_path: Path, people: tuple[Tracklet, ...], damage: bytes) -> None:
    (tmp_path / "state.pt").write_bytes(damage)
    with pytest.raises(TrainingError, match=r"state\.pt is damaged"):
        train(recipe(), people, tmp_path, dataset="drawn", resume=True)


@pytest.mark.parametrize("values", [[1, 2], {"step": 3}, {}])
def test_a_file_that_is_no_state_is_refused(
    tmp_path: Path, people: tuple[Tracklet, ...], values: object
) -> None:
    torch.save(values, tmp_path / "state.pt")
    with pytest.raises(TrainingError, match="is not the state of a run"):
        train(recipe(), people, tmp_path, dataset="drawn", resume=True)


def test_a_loss_that_is_not_finite_ends_the_run(tmp_path: Path, people: tuple[Tracklet, ...]) -> None:
    plan = recipe("optimiser.learning_rate=1.0e+30")
    with pytest.raises(TrainingError, match=r"loss is (nan|inf) at step \d"):
        train(plan, people, tmp_path, dataset="drawn")


def test_what_to_begin_with_must_be_there_and_fit(
    tmp_path: Path, people: tuple[Tracklet, ...], once: Path
) -> None:
    for overrides, error in (
        ([f"initialise={tmp_path / 'gone'}"], UnknownModel),
        ([f"initialise={tmp_path}"], BadCheckpoint),
        ([f"initialise={once}/model", "backbone=resnet50"], BadRecipe),
    ):
        with pytest.raises(error):
            train(recipe(*overrides), people, tmp_path / "second", dataset="drawn")


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_frame_is_named(tmp_path: Path, workers: int) -> None:
    people = draw_tracklets(tmp_path / "people", identities=2, frames=1)
    broken = people[1].frames[0]
    broken.write_bytes(b"no picture")
    with pytest.raises(BadDataset, match=f"^{broken}: not a readable image") as caught:
        train(recipe(f"batches.workers={workers}"), people, tmp_path / "run", dataset="drawn")
    assert "\n" not in str(caught.value)


def test_missing_frames_and_too_few_people_are_found_at_once(
    tmp_path: Path, people: tuple[Tracklet, ...]
) -> None:
    gone = Tracklet(1, 1, (tmp_path / "gone.png",))
    with pytest.raises(BadDataset, match=r"gone\.png: No such file"):
        train(recipe(), [*people, gone], tmp_path / "run", dataset="drawn")
    with pytest.raises(BadDataset, match="1 people give no batch"):
        train(recipe(), people[:2], tmp_path / "run", dataset="drawn")
    assert not (tmp_path / "run" / "model").exists()


@pytest.mark.long
def test_bf16_learns_nearly_the_same(tmp_path: Path, people: tuple[Tracklet, ...]) -> None:
    train(recipe("schedule.steps=1"), people, tmp_path / "fp32", dataset="drawn")
    train(recipe("schedule.steps=1", "run.bf16=true"), people, tmp_path / "bf16", dataset="drawn")
    exact, rounded = logged(tmp_path / "fp32")[0], logged(tmp_path / "bf16")[0]
    assert rounded["loss"] != exact["loss"]
    assert rounded["loss"] == pytest.approx(exact["loss"], rel=0.1)


def test_threads_stay_as_they_were(tmp_path: Path, people: tuple[Tracklet, ...]) -> None:
    before = torch.get_num_threads()
    train(recipe("schedule.steps=1"), people, tmp_path, dataset="drawn")
    assert torch.get_num_threads() == before


def test_a_stopped_run_can_be_finished_where_it_is(tmp_path: Path, people: tuple[Tracklet, ...]) -> None:
    plan = recipe("schedule.steps=4")
    with pytest.raises(Killed):
        train(plan, people, tmp_path / "run", dataset="drawn", advance=kill_at(3))
    model = checkpoint.load(train(plan, people, tmp_path / "run", dataset="drawn", finish=True))

    assert model.card["training"]["steps"] == 2  # what was saved last
    with pytest.raises(TrainingError, match="holds no run"):
        train(plan, people, tmp_path / "other", dataset="drawn", finish=True)


def with_parts(*overrides: str) -> Recipe:
    return read_recipe("tiny-3d-saa-cmil", ["input={height: 32, width: 32}", "schedule.steps=2", *overrides])


def test_3d_saa_learns_from_body_parts_and_logs_the_entropy_of_its_attention(
    tmp_path: Path, people: tuple[Tracklet, ...]
) -> None:
    root = people[0].frames[0].parents[2]
    draw_truth(root, people)
    plan = with_parts("augmentation={flip: 0.5, erase: 0.5, shift: 0.5}")
    out = train(plan, people, tmp_path / "run", dataset="drawn", root=root)
    model = checkpoint.load(out)
    assert isinstance(model.network, SAA)
    assert {"appearance_to_video", "interactive_to_interactive"} < logged(tmp_path / "run")[0].keys()
    assert all(0 < line["attention_entropy"] <= 1 for line in logged(tmp_path / "run"))
    truth_file(root, people[-1].frames[-1]).unlink()
    with pytest.raises(BadDataset, match=r"cannot read the body parts .*truth/.*\.png: No such file"):
        train(plan, people, tmp_path / "other", dataset="drawn", root=root)
    assert not (tmp_path / "other").exists()
    with pytest.raises(BadDataset, match="no folder is given"):
        train(plan, people, tmp_path / "other", dataset="drawn")
    # CMIL alone needs none.
    train(with_parts("system.appearance=none"), people, tmp_path / "other", dataset="drawn")


def test_3d_saa_goes_on_with_what_tkp_has_learnt(tmp_path: Path, once: Path) -> None:
    pair = once / "model"
    begun = begin(with_parts(f"initialise={pair}"))
    assert type(begun.network) is SAA
    learnt = checkpoint.load(pair).network.state_dict()
    assert all(tensor.equal(learnt[name]) for name, tensor in begun.network.state_dict().items())
    assert not begun.network.training
    checkpoint.save(tmp_path, begun.network, zoo.untrained("efficientnet-lite0", "3d-saa-cmil").card)
    with pytest.raises(BadRecipe, match="has the network '3d-saa-cmil'"):
        begin(recipe(f"initialise={tmp_path}"))


def test_the_graph_sampler_looks_before_the_first_step_and_every_so_many(
    tmp_path: Path, people: tuple[Tracklet, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []

    def look(*given: Any, step: int, **options: Any) -> Tensor:
        looked.append(step)
        return look_alikes(*given, step=step, **options)

    monkeypatch.setattr("models.training.train.look_alikes", look)
    plan = recipe("batches.sampler=graph", "batches.graph_every=2")
    train(plan, people, tmp_path / "run", dataset="drawn")
    assert looked == [0, 2]


def test_looking_for_look_alikes_leaves_the_network_as_it_was(
    people: tuple[Tracklet, ...], untrained_model: LoadedModel
) -> None:
    network = deepcopy(pair_of(untrained_model)).train()
    network.image.blocks[0].eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    modes = [module.training for module in network.modules()]
    plan = recipe("batches.sampler=graph", "batches.identities=3")
    found = [
        look_alikes(network, plan, people, untrained_model.preprocessing, step=step, device="cpu")
        for step in (5, 5)
    ]
    assert found[0].equal(found[1])
    assert found[0].shape == (3, 2)
    assert [module.training for module in network.modules()] == modes
    assert all(tensor.equal(before[name]) for name, tensor in network.state_dict().items())


def test_a_network_begins_from_one_with_another_stride(once: Path) -> None:
    first = once / "model"
    begun = begin(recipe(f"initialise={first}", "architecture.fine_map=true"))
    assert begun.network.architecture["fine_map"] is True
    assert begun.id == checkpoint.load(first).id
    with pytest.raises(BadRecipe, match="pooling"):
        begin(recipe(f"initialise={first}", "architecture.pooling=gem"))
