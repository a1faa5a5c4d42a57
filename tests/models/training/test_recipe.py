from pathlib import Path

import pytest

from models.errors import BadRecipe
from models.training.optimiser import rate
from models.training.recipe import CONFIGS, check_recipe, read_recipe
from models.training.sections import Saa

SHIPPED = sorted(path.stem for path in CONFIGS.glob("*.yaml"))


def written(folder: Path, text: str | bytes) -> str:
    path = folder / "recipe.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_recipes_can_be_read_and_come_back_from_their_card(name: str) -> None:
    recipe = read_recipe(name)
    assert check_recipe(recipe.model_dump(mode="json")) == recipe


def test_the_published_schedule() -> None:
    """Gu et al., ICCV 2019, as their code has it."""
    recipe = read_recipe("tkp-resnet50-mars")
    assert recipe.backbone == "resnet50"
    assert (recipe.input.height, recipe.input.width) == (256, 128)
    batches = recipe.batches
    assert (batches.sampler, batches.identities, batches.clips) == ("chunks", 4, 4)
    assert (batches.frames, batches.stride, batches.choice) == (4, 8, "strided")
    optimiser = recipe.optimiser
    assert (optimiser.name, optimiser.learning_rate, optimiser.weight_decay) == ("adam", 3e-4, 5e-4)
    schedule = recipe.schedule
    assert [schedule.epochs and share * schedule.epochs for share in schedule.milestones] == [60, 120]
    assert recipe.losses.margin == 0.3
    assert not recipe.losses.label_smoothing
    changes = recipe.augmentation.model_dump()
    assert changes.pop("flip") == 0.5
    assert not any(changes[name] for name in ("shift", "colour", "grey", "blur", "degrade", "erase"))


def test_the_published_schedules_of_vkd() -> None:
    """Porrello et al., ECCV 2020, as the commands of their code have it for MARS."""
    teacher, student = read_recipe("vkd-resnet50-mars-teacher"), read_recipe("vkd-resnet50-mars-student")
    for recipe, people, epochs, falls in ((teacher, 8, 300, (100, 200)), (student, 12, 500, (300, 450))):
        assert (recipe.network, recipe.backbone) == ("vkd", "resnet50")
        assert (recipe.input.height, recipe.input.width) == (256, 128)
        assert (recipe.batches.identities, recipe.batches.clips, recipe.batches.frames) == (people, 4, 8)
        optimiser, schedule = recipe.optimiser, recipe.schedule
        assert (optimiser.name, optimiser.learning_rate, optimiser.weight_decay) == ("adam", 1e-4, 1e-5)
        assert schedule.epochs == epochs
        assert tuple(round(share * epochs) for share in schedule.milestones) == falls
        assert all(rate(schedule, e, epochs) > rate(schedule, e + 1, epochs) for e in (n - 1 for n in falls))
        assert recipe.losses.margin is None
        assert (recipe.losses.video_cross_entropy, recipe.losses.video_to_video) == (1, 1)
        changes = recipe.augmentation
        assert (changes.flip, changes.shift, changes.shift_share * 256) == (0.5, 1.0, 10)
        assert (changes.erase, changes.erase_area) == (0.5, (0.02, 0.4))
    assert (teacher.batches.choice, student.batches.choice) == ("parts", "views")
    assert teacher.vkd is None
    assert student.vkd is not None
    assert student.initialise == f"{student.vkd.teacher}/model"
    assert student.vkd.model_dump(exclude={"teacher"}) == {
        "frames": 2,
        "temperature": 10.0,
        "view_distillation": 0.1,
        "distance_distillation": 1e-4,
        "fresh_stage": True,
    }


def test_overrides_are_yaml_and_the_last_one_counts() -> None:
    recipe = read_recipe(
        "tiny",
        [
            "batches.frames=3",
            "batches.frames=5",
            "branches=[image]",
            "losses.margin=null",
            "optimiser.rates.non_local=2.5",
            "initialise=out/a=b",
        ],
    )
    assert recipe.batches.frames == 5
    assert recipe.branches == ("image",)
    assert recipe.losses.margin is None
    assert recipe.optimiser.rates.non_local == 2.5
    assert recipe.initialise == "out/a=b"
    assert recipe.batches.clips == read_recipe("tiny").batches.clips


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("batches.frame=3", "unknown key 'batches.frame'"),
        ("batch.frames=3", "unknown key 'batch'"),
        ("batches.frames.more=3", "unknown key 'batches.frames.more'"),
        ("batches.frames=three", "batches.frames: .*integer"),
        ("batches.frames=3.0", "batches.frames: .*integer"),
        ("batches.frames='3'", "batches.frames: .*integer"),
        ("batches.frames=true", "batches.frames: .*integer"),
        ("batches.frames=0", "batches.frames: .*greater"),
        ("batches.pieces=0", "batches.pieces: .*greater"),
        ("batches.pieces=32.0", "batches.pieces: .*integer"),
        ("batches=3", "batches: "),
        ("batches.identities=1", "batches.identities: .*greater"),
        ("optimiser.learning_rate=3e-4", r"optimiser.learning_rate: .*number.*3\.0e-4"),
        ("optimiser.learning_rate=.nan", "optimiser.learning_rate: .*finite"),
        ("optimiser.learning_rate=-0.1", "optimiser.learning_rate: .*greater"),
        ("optimiser.name=lbfgs", "optimiser.name: .*'adam'"),
        ("optimiser.momentum=1.0", "optimiser.momentum: .*less"),
        ("optimiser.clamp_gradient=0", "optimiser.clamp_gradient: .*greater"),
        ("crf={}", "the section crf is not for the network tkp"),
        ("augmentation.flip=1.5", "augmentation.flip: .*less"),
        ("augmentation.erase_area=[0.1]", "augmentation.erase_area"),
        ("augmentation.erase_area=[0.3, 0.1]", "augmentation: erase_area .*least"),
        ("branches=[]", "branches: "),
        ("branches=[pictures]", "branches.0: .*'image'"),
        ("branches=[image, image]", "branches.*twice"),
        ("frozen_branches=[image, video]", "no branch learns"),
        ("video_from_image=true", "video_from_image would overwrite"),
        ("backbone=resnet18", "no backbone 'resnet18'; known: efficientnet-lite0, resnet50"),
        ("schedule.epochs=3", "schedule: give either epochs or steps"),
        ("schedule.steps=null", "schedule: give either epochs or steps"),
        ("name=../other", "name: "),
        ("run.seed=-1", "run.seed: .*greater"),
        ("losses.image_cross_entropy=-1", "losses.image_cross_entropy: .*greater"),
        ("batches", "'batches' is not like key=value"),
        ("=3", "'=3' is not like key=value"),
        ("batches.frames=[", "batches.frames is not YAML"),
        ("name=!!python/object/apply:os.getcwd []", "name is not YAML"),
        ("saa={}", "the section saa is not for the network tkp"),
    ],
)
def test_a_wrong_value_is_named(override: str, message: str) -> None:
    with pytest.raises(BadRecipe, match=message):
        read_recipe("tiny", [override])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("vkd.frames=0", "vkd.frames: .*greater"),
        ("vkd.temperature=0", "vkd.temperature: .*greater"),
        ("vkd.view_distillation=-1", "vkd.view_distillation: .*greater"),
        ("vkd.teacher=3", "vkd.teacher: .*string"),
        ("vkd.pupil=out", "unknown key 'vkd.pupil'"),
        ("alignment={}", "the section alignment is not for the network vkd"),
        ("architecture={width: 3}", "width"),
    ],
)
def test_a_wrong_value_of_vkd_is_named(override: str, message: str) -> None:
    with pytest.raises(BadRecipe, match=message):
        read_recipe("tiny-vkd", [override])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("alignment.image_people=1.5", "alignment.image_people: .*less"),
        ("alignment.margin=0", "alignment.margin: .*greater"),
        ("alignment.use_images=1", "alignment.use_images: .*boolean"),
        ("alignment.motion=1", "unknown key 'alignment.motion'"),
        ("vkd={}", "the section vkd is not for the network cross-modality-alignment"),
        ("architecture.steps=0", "steps is a whole number from 1 to 32"),
    ],
)
def test_a_wrong_value_of_alignment_is_named(override: str, message: str) -> None:
    with pytest.raises(BadRecipe, match=message):
        read_recipe("tiny-cross-modality-alignment", [override])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("saa.alpha=1.5", "saa.alpha: .*less"),
        ("saa.mask=soft", "saa.mask: .*'paper'"),
        ("saa.appearance=true", "saa.appearance: "),
        ("saa.tile=6", "saa.tile: .*greater"),
        ("saa.tile=17", "saa.tile: .*multiple"),
        ("saa.triplets=-1", "saa.triplets: .*greater"),
        ("saa.lambda=1", "unknown key 'saa.lambda'"),
        ("saa={appearance_cross_entropy: 0, fused_cross_entropy: 0, triplets: 0}", "no term teaches"),
        ("branches=[image]", "trains both branches"),
    ],
)
def test_a_wrong_value_of_3d_saa_is_named(override: str, message: str) -> None:
    with pytest.raises(BadRecipe, match=message):
        read_recipe("tiny-3d-saa-cmil", [override])


def test_the_published_weights_of_3d_saa() -> None:
    """Shi et al. 2021; what a recipe leaves out is the published value too."""
    recipe = read_recipe("3d-saa-cmil-resnet50-mars")
    assert recipe.saa == Saa()
    assert (recipe.saa.alpha, recipe.saa.triplets, recipe.saa.tile) == (0.5, 1.5, 32)
    assert (recipe.batches.frames, recipe.batches.stride) == (4, 8)
    assert (recipe.optimiser.learning_rate, recipe.optimiser.weight_decay) == (3e-4, 5e-4)
    assert recipe.losses == read_recipe("tkp-resnet50-mars").losses


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a mapping"),
        ("- a\n- b\n", "not a mapping"),
        ("just words", "not a mapping"),
        ("name: [", "not YAML"),
        (b"\xff\xfe\x00", "not YAML"),
        ("name: a\nnested: &a [*a]\n", "recursive|unknown key|schedule"),
        ("[" * 5000, "not YAML"),
        ("name: x\n", "schedule: .*required"),
        ("1: 2\nname: x\nschedule: {steps: 1}\n", "unknown key"),
        ("schedule: {steps: 1}\n", "name: .*required"),
        ("name: x\nschedule: {steps: 99999999999999999999999999}\n", "schedule.steps"),
    ],
)
def test_a_bad_file_is_an_error(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(BadRecipe, match=message):
        read_recipe(written(tmp_path, text))


def test_a_recipe_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    for name in ("gone", str(tmp_path)):
        with pytest.raises(BadRecipe, match="tiny"):
            read_recipe(name)


def test_the_published_schedule_of_cross_modal_embeddings() -> None:
    """Xie et al., 2020: Inception-v3 at 299 x 299, SGD at 0.001 for 500 epochs, L_v + 1/2 L_ii + 1/2 L_iv."""
    recipe = read_recipe("cross-modal-inception-v3-prid")
    assert (recipe.backbone, recipe.input.height, recipe.input.width) == ("inception-v3", 299, 299)
    assert (recipe.optimiser.name, recipe.optimiser.learning_rate) == ("sgd", 1e-3)
    assert (recipe.schedule.epochs, recipe.schedule.milestones) == (500, ())
    assert recipe.cross_modal is not None
    section = recipe.cross_modal
    assert (section.verification, section.image_identity, section.video_identity) == (1, 0.5, 0.5)
    assert section.reuse == "propagation-knockdown"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("cross_modal.reuse=knockdown", "cross_modal: captioner must name a checkpoint"),
        ("cross_modal.reuse=some", "cross_modal.reuse: .*'none'"),
        ("cross_modal.knockdown=0", "cross_modal.knockdown: .*greater"),
        ("cross_modal.knockdown=1.5", "cross_modal.knockdown: .*less"),
        (
            "cross_modal={reuse: none, verification: 0, image_identity: 0}",
            "a branch whose identity is 0 would learn nothing",
        ),
        ("cross_modal=null", "cross_modal and the network cross-modal belong together"),
        ("network=tkp", "architecture|unexpected keyword"),
        ("backbone=inception-v3", "inception-v3 takes pictures of 75 pixels a side and more"),
        ("architecture={depth: 3}", "depth"),
    ],
)
def test_a_wrong_value_of_cross_modal_embeddings_is_named(override: str, message: str) -> None:
    with pytest.raises(BadRecipe, match=message):
        read_recipe("tiny-cross-modal", [override])


def test_other_networks_have_no_section_of_cross_modal_embeddings() -> None:
    with pytest.raises(BadRecipe, match="belong together"):
        read_recipe("tiny", ["cross_modal={reuse: none}"])
