from pathlib import Path
from typing import TypeVar

import pytest

from models.errors import BadRecipe
from models.training.objectives.cross_modal import CrossModalSettings
from models.training.objectives.saa import SAASettings
from models.training.objectives.tkp import PairSettings, TKPSettings
from models.training.objectives.vkd import VKDSettings
from models.training.optimisation.optimiser import rate
from models.training.plan import Settings
from models.training.recipe import CONFIGS, Recipe, check_recipe, read_recipe

Some = TypeVar("Some", bound=Settings)

SHIPPED = sorted(path.stem for path in CONFIGS.glob("*.yaml"))


def settings_of(recipe: Recipe, wanted: type[Some]) -> Some:
    assert isinstance(recipe.system, wanted)
    return recipe.system


def written(folder: Path, text: str | bytes) -> str:
    path = folder / "recipe.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_recipes_can_be_read_and_come_back_from_their_card(name: str) -> None:
    recipe = read_recipe(name)
    assert not recipe.run.bf16  # it is left to the machine (`models.devices.in_bf16`)
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
    settings = settings_of(recipe, TKPSettings)
    assert settings.margin == 0.3
    assert not settings.label_smoothing
    assert not settings.classifier_norm
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
        settings = settings_of(recipe, VKDSettings)
        assert settings.margin is None
        assert (settings.cross_entropy, settings.triplet) == (1, 1)
        changes = recipe.augmentation
        assert (changes.flip, changes.shift, changes.shift_share * 256) == (0.5, 1.0, 10)
        assert (changes.erase, changes.erase_area) == (0.5, (0.02, 0.4))
    assert (teacher.batches.choice, student.batches.choice) == ("parts", "views")
    assert settings_of(teacher, VKDSettings).teacher is None
    taught = settings_of(student, VKDSettings)
    assert student.initialise == f"{taught.teacher}/model"
    assert (taught.frames, taught.distillation_temperature, taught.fresh_stage) == (2, 10.0, True)
    assert (taught.view_distillation, taught.distance_distillation) == (0.1, 1e-4)


def test_overrides_are_yaml_and_the_last_one_counts() -> None:
    recipe = read_recipe(
        "tiny",
        [
            "batches.frames=3",
            "batches.frames=5",
            "system.branches=[image]",
            "system.margin=null",
            "optimiser.rates.non_local=2.5",
            "initialise=out/a=b",
        ],
    )
    assert recipe.batches.frames == 5
    settings = settings_of(recipe, TKPSettings)
    assert settings.branches == ("image",)
    assert settings.margin is None
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
        ("system.stage=parts", "unknown key 'system.stage'"),
        ("system.network=osnet", "system: .*'osnet'.*'tkp'"),
        ("augmentation.flip=1.5", "augmentation.flip: .*less"),
        ("augmentation.erase_area=[0.1]", "augmentation.erase_area"),
        ("augmentation.erase_area=[0.3, 0.1]", "augmentation: erase_area .*least"),
        ("system.branches=[]", "branches: "),
        ("system.branches=[pictures]", "branches.0: .*'image'"),
        ("system.branches=[image, image]", "branches.*twice"),
        ("system.frozen_branches=[image, video]", "no branch learns"),
        ("system.video_from_image=true", "video_from_image would overwrite"),
        ("backbone=resnet18", "no backbone 'resnet18'; known: efficientnet-lite0, resnet50"),
        ("schedule.epochs=3", "schedule: give either epochs or steps"),
        ("schedule.steps=null", "schedule: give either epochs or steps"),
        ("name=../other", "name: "),
        ("run.seed=-1", "run.seed: .*greater"),
        ("system.image.cross_entropy=-1", "system.image.cross_entropy: .*greater"),
        ("batches", "'batches' is not like key=value"),
        ("=3", "'=3' is not like key=value"),
        ("batches.frames=[", "batches.frames is not YAML"),
        ("name=!!python/object/apply:os.getcwd []", "name is not YAML"),
        ("system={margin: 0.3}", "system: .*network"),
    ],
)
def test_a_wrong_value_is_named(override: str, message: str) -> None:
    with pytest.raises(BadRecipe, match=message):
        read_recipe("tiny", [override])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("system.frames=0", "system.frames: .*greater"),
        ("system.distillation_temperature=0", "system.distillation_temperature: .*greater"),
        ("system.view_distillation=-1", "system.view_distillation: .*greater"),
        ("system.teacher=3", "system.teacher: .*string"),
        ("system.pupil=out", "unknown key 'system.pupil'"),
        ("system.image_people=0.5", "unknown key 'system.image_people'"),
        ("architecture={width: 3}", "width"),
    ],
)
def test_a_wrong_value_of_vkd_is_named(override: str, message: str) -> None:
    with pytest.raises(BadRecipe, match=message):
        read_recipe("tiny-vkd", [override])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("system.image_people=1.5", "system.image_people: .*less"),
        ("system.margin=0", "system.margin: .*greater"),
        ("system.use_images=1", "system.use_images: .*boolean"),
        ("system.motion=1", "unknown key 'system.motion'"),
        ("system.teacher=null", "unknown key 'system.teacher'"),
        ("architecture.steps=0", "steps is a whole number from 1 to 32"),
    ],
)
def test_a_wrong_value_of_alignment_is_named(override: str, message: str) -> None:
    with pytest.raises(BadRecipe, match=message):
        read_recipe("tiny-cross-modality-alignment", [override])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("system.alpha=1.5", "system.alpha: .*less"),
        ("system.mask=soft", "system.mask: .*'paper'"),
        ("system.appearance=true", "system.appearance: "),
        ("system.tile=6", "system.tile: .*greater"),
        ("system.tile=17", "system.tile: .*multiple"),
        ("system.triplets=-1", "system.triplets: .*greater"),
        ("system.lambda=1", "unknown key 'system.lambda'"),
        (
            "system={network: 3d-saa-cmil, appearance_cross_entropy: 0, fused_cross_entropy: 0, triplets: 0}",
            "no term teaches",
        ),
        ("system.branches=[image]", "unknown key 'system.branches'"),
    ],
)
def test_a_wrong_value_of_3d_saa_is_named(override: str, message: str) -> None:
    with pytest.raises(BadRecipe, match=message):
        read_recipe("tiny-3d-saa-cmil", [override])


def test_the_published_weights_of_3d_saa() -> None:
    """Shi et al. 2021; what a recipe leaves out is the published value too."""
    recipe = read_recipe("3d-saa-cmil-resnet50-mars")
    settings = settings_of(recipe, SAASettings)
    assert settings == SAASettings(classifier_norm=False)
    assert (settings.alpha, settings.triplets, settings.tile) == (0.5, 1.5, 32)
    assert (recipe.batches.frames, recipe.batches.stride) == (4, 8)
    assert (recipe.optimiser.learning_rate, recipe.optimiser.weight_decay) == (3e-4, 5e-4)
    of_tkp = settings_of(read_recipe("tkp-resnet50-mars"), TKPSettings)
    names = PairSettings.model_fields.keys() - {"network"}
    assert settings.model_dump(include=names) == of_tkp.model_dump(include=names)


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
    section = settings_of(recipe, CrossModalSettings)
    assert (section.verification, section.image_identity, section.video_identity) == (1, 0.5, 0.5)
    assert section.reuse == "propagation-knockdown"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("system.reuse=knockdown", "system: captioner must name a checkpoint"),
        ("system.reuse=some", "system.reuse: .*'none'"),
        ("system.knockdown=0", "system.knockdown: .*greater"),
        ("system.knockdown=1.5", "system.knockdown: .*less"),
        (
            "system={network: cross-modal, reuse: none, verification: 0, image_identity: 0}",
            "a branch whose identity is 0 would learn nothing",
        ),
        ("cross_modal=null", "unknown key 'cross_modal'"),
        ("system={network: tkp}", "architecture|unexpected keyword"),
        ("backbone=inception-v3", "inception-v3 takes crops of 75 pixels a side and more"),
        ("architecture={depth: 3}", "depth"),
    ],
)
def test_a_wrong_value_of_cross_modal_embeddings_is_named(override: str, message: str) -> None:
    with pytest.raises(BadRecipe, match=message):
        read_recipe("tiny-cross-modal", [override])
