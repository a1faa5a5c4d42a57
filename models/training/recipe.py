"""What a training run does, all of it: read from YAML, checked to the last key, and kept with the weights."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal, Self

import torch
from pydantic import Field, ValidationError, model_validator

from models.errors import BadRecipe, ModelError
from models.networks.backbones import INCEPTION_V3_LEAST
from models.networks.catalogue import build as build_network
from models.networks.saa import SAA
from models.training.sections import (
    OWN,
    Alignment,
    Crf,
    CrossModal,
    Positive,
    Saa,
    Section,
    Share,
    Vkd,
    Weight,
)

CONFIGS: Final = Path(__file__).parent / "configs"
IMAGENET: Final = "imagenet"
GRAPH: Final = "graph"

FOLDERS: Final = ("initialise", "vkd.teacher", "cross_modal.captioner")
"""Keys that may name a folder of the machine that trains; cards name the model in it instead."""

Branch = Literal["image", "video"]

Damage = Literal["shift", "degrade", "erase"]
DAMAGE: Final = ("shift", "degrade", "blur", "erase")
"""What of augmentation hides the person, rather than shows them in another light."""


class Input(Section):
    """Size of the pictures in pixels.

    With `mirror` the trained network embeds photos together with their mirror images; training does not.
    """

    height: int = Field(256, ge=32, le=1024)
    width: int = Field(128, ge=32, le=1024)
    mirror: bool = False


class Batches(Section):
    """What is in a batch, and who reads it.

    A step averages the gradients of `accumulate` batches; under torchrun they are dealt out to the processes.
    With `pieces` tracklets are first cut into pieces of so many frames, each drawn as a tracklet of its own.
    """

    sampler: Literal["chunks", "balanced", "worlds", "graph"] = "chunks"
    graph_every: int = Field(1000, ge=1, description="steps after which the graph sampler looks anew")
    identities: int = Field(4, ge=2)
    clips: Positive = 4
    frames: int = Field(4, ge=1, le=32)
    stride: Positive = 8
    choice: Literal["strided", "parts", "views"] = "strided"
    pieces: int | None = Field(None, ge=1, description="frames; None leaves tracklets whole")
    accumulate: Positive = 1
    workers: int = Field(0, ge=0, le=64)


class Augmentation(Section):
    """How often a clip is changed, as a probability, and how far.

    A draw holds for all frames of a clip, except the changes that `per_frame` names: each frame has its own.
    With `clean_video` the video branch sees clips as they were before what `DAMAGE` names.
    """

    flip: Share = 0.5
    shift: Share = 0.0
    shift_share: float = Field(0.04, ge=0, le=0.25, description="padding, as a share of the height")
    colour: Share = 0.0
    brightness: Share = 0.4
    contrast: Share = 0.4
    saturation: Share = 0.4
    hue: float = Field(0.05, ge=0, le=0.5, description="as a share of the colour circle")
    colour_ratio: bool = Field(
        False,
        description="brightness, contrast, saturation x: from 1 / (1 + x), not 1 - x, to 1 + x",
    )
    camera: Share = Field(0.0, description="another camera: gains of the channels, then gamma")
    camera_gain: float = Field(0.25, ge=0, le=2, description="x: each channel by 1 / (1 + x) to 1 + x")
    camera_gamma: float = Field(0.5, ge=0, le=4, description="x: exponents from 1 / (1 + x) to 1 + x")
    grey: Share = 0.0
    blur: Share = 0.0
    blur_sigma: float = Field(1.5, gt=0, le=8, description="the strongest, in pixels")
    degrade: Share = 0.0
    degrade_scale: float = Field(4.0, ge=1, le=16, description="the coarsest")
    erase: Share = 0.0
    erase_area: tuple[Share, Share] = Field((0.02, 0.33), strict=False, description="least and most")
    per_frame: tuple[Damage, ...] = Field((), strict=False)
    clean_video: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.erase_area[0] > self.erase_area[1]:
            raise ValueError("erase_area must be the least share and then the most")
        return self


class MixStyle(Section):
    """Styles mixed within the backbone of the image branch (models.training.mix_style); () for none."""

    after: tuple[int, ...] = Field((), strict=False, description="blocks")
    probability: Share = 0.5
    alpha: float = Field(0.1, gt=0, description="of the Beta distribution of shares")


class Losses(Section):
    """Weights of the terms (0 leaves one out) and their forms; the defaults are TKP's."""

    image_cross_entropy: Weight = 1.0
    video_cross_entropy: Weight = 1.0
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    image_contrastive: Weight = Field(0.0, description="supervised contrast of what the classifier sees")
    video_contrastive: Weight = 0.0
    temperature: float = Field(0.1, gt=0, description="of the contrast")
    within_world: bool = Field(True, description="tell people apart from those of their own world only")
    neck: Literal["none", "bn"] = "none"
    classifier_norm: bool = Field(True, description="batch norm before the classifier, in training only")
    image_to_video: Weight = 1.0
    video_to_image: Weight = 1.0
    image_to_image: Weight = 1.0
    video_to_video: Weight = 1.0
    margin: float | None = Field(0.3, ge=0, description="None for the soft margin")
    ramp: int = Field(0, ge=0, description="steps in which triplets and propagation reach their weights")
    feature_propagation: Weight = 1.0
    distance_propagation: Weight = 1.0
    distance_form: Literal["code", "paper"] = "code"
    teach_video: bool = False


class Rates(Section):
    """Factors on the learning rate of the parts."""

    image: Weight = 1.0
    video: Weight = 1.0
    non_local: Weight = 1.0
    classifier: Weight = 1.0


class Optimiser(Section):
    """How weights move."""

    name: Literal["adam", "adamw", "sgd"] = "adam"
    learning_rate: float = Field(3e-4, gt=0)
    weight_decay: Weight = 5e-4
    momentum: float = Field(0.9, ge=0, lt=1, description="of sgd")
    rates: Rates = Rates()
    frozen_blocks: int = Field(0, ge=0, description="first blocks of each backbone that stay as they are")
    clamp_gradient: float | None = Field(None, gt=0, description="largest entry of the gradient")
    clip_gradient: float | None = Field(None, gt=0, description="longest gradient, after clamping")
    ema: float = Field(0.0, ge=0, lt=1, description="decay of the averaged weights; 0 for none")
    norm_batches: int = Field(50, ge=0, description="that give batch norms their final statistics")


class Schedule(Section):
    """How long, and how the learning rate falls; exactly one of `epochs` and `steps`."""

    kind: Literal["multistep", "cosine"] = "multistep"
    epochs: int | None = Field(None, ge=1, le=10**6)
    steps: int | None = Field(None, ge=1, le=10**9)
    warm_up: int = Field(0, ge=0, description="steps")
    milestones: tuple[Share, ...] = Field((0.4, 0.8), strict=False, description="shares of the run")
    factor: float = Field(0.1, gt=0, le=1, description="at each milestone")
    least: Share = Field(0.01, description="where the cosine ends, as a share of the learning rate")

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if (self.epochs is None) == (self.steps is None):
            raise ValueError("give either epochs or steps")
        return self


class Run(Section):
    """Settings that change speed and records, not what is learnt (except by rounding)."""

    seed: int = Field(1, ge=0)
    bf16: bool = False
    compile: bool = False
    log_every: Positive = 10
    save_every: Positive = 500


class Recipe(Section):
    """A training run except for the data and the machine."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")
    network: str = Field("tkp", description="its kind")
    backbone: str = "efficientnet-lite0"
    architecture: dict[str, Any] = Field({}, description="further arguments of the network's constructor")
    initialise: str = Field(
        IMAGENET, description="or a checkpoint's path; of another network's its picture backbone counts"
    )
    branches: tuple[Branch, ...] = Field(
        ("image", "video"), strict=False, min_length=1, description="that take part"
    )
    frozen_branches: tuple[Branch, ...] = Field((), strict=False, description="that do not learn")
    video_from_image: bool = False
    input: Input = Input()
    batches: Batches = Batches()
    augmentation: Augmentation = Augmentation()
    mix_style: MixStyle = MixStyle()
    losses: Losses = Losses()
    optimiser: Optimiser = Optimiser()
    schedule: Schedule
    run: Run = Run()
    crf: Crf | None = None
    cross_modal: CrossModal | None = None
    saa: Saa | None = None
    vkd: Vkd | None = None
    alignment: Alignment | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        with torch.device("meta"):
            build_network(self.network, {"backbone": self.backbone, **self.architecture})
        for section, kind in OWN.items():
            if getattr(self, section) is not None and self.network != kind:
                raise ValueError(f"the section {section} is not for the network {self.network}")
        if (self.cross_modal is not None) != (self.network == "cross-modal"):
            raise ValueError("the section cross_modal and the network cross-modal belong together")
        if self.backbone == "inception-v3" and min(self.input.height, self.input.width) < INCEPTION_V3_LEAST:
            raise ValueError(f"inception-v3 takes pictures of {INCEPTION_V3_LEAST} pixels a side and more")
        if not set(self.branches) - set(self.frozen_branches):
            raise ValueError("no branch learns")
        if len(set(self.branches)) < len(self.branches):
            raise ValueError("branches has one twice")
        if self.network == SAA.kind and len(self.branches) < 2:
            raise ValueError(f"{SAA.kind} trains both branches")
        if self.video_from_image and "video" in self.branches:
            raise ValueError("video_from_image would overwrite the video branch that was trained")
        return self


def read_recipe(name_or_path: str, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe.

    Args:
        name_or_path: a shipped recipe's name, or a YAML file.
        overrides: like "batches.frames=8"; values are YAML.

    Raises:
        BadRecipe: no such recipe, an unknown key, or a value that cannot be; the message names the key.
    """
    path = find_recipe(name_or_path)
    values = _parse(path.read_bytes(), str(path))
    if not isinstance(values, dict):
        raise BadRecipe(f"{path} is not a mapping of keys to values")
    for override in overrides:
        _set(values, override)
    return check_recipe(values)


def find_recipe(name_or_path: str) -> Path:
    """The file of a recipe. Raises BadRecipe."""
    shipped = {path.stem: path for path in sorted(CONFIGS.glob("*.yaml"))}
    path = shipped.get(name_or_path, Path(name_or_path))
    if not path.is_file():
        raise BadRecipe(f"no recipe {name_or_path!r}: neither a file nor one of {', '.join(shipped)}")
    return path


def check_recipe(values: Any) -> Recipe:
    """A recipe from plain values. Raises BadRecipe with the key that is wrong."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "recipe"
        if first["type"] in {"extra_forbidden", "invalid_key"}:
            raise BadRecipe(f"unknown key {key!r}") from error
        # To YAML 3e-4 is text.
        hint = "; 3e-4 must be written 3.0e-4" if first["type"] == "float_type" else ""
        raise BadRecipe(f"{key}: {first['msg'].removeprefix('Value error, ')}{hint}") from error


def _set(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise BadRecipe(f"{override!r} is not like key=value")
    *sections, last = key.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise BadRecipe(f"unknown key {key!r}: {section!r} has no keys")
    values[last] = _parse(text.encode(), key)


def _parse(data: bytes, where: str) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise ModelError("recipes need PyYAML: pip install '.[train]'") from error
    try:
        return yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecipe(f"{where} is not YAML: {' '.join(str(error).split())}") from error
