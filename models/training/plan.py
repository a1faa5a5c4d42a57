"""What all training runs have, whatever system they train: the plan of a recipe."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

IMAGENET: Final = "imagenet"
GRAPH: Final = "graph"

Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]


class Section(BaseModel):
    """Keys with values of exactly their types, and no others."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class Settings(Section):
    """What a system may be told. Each objective has its own, with the name of its network.

    Attributes:
        network: its kind; subclasses say which by a Literal, and a recipe is read by it.
    """

    network: str

    @property
    def has_neck(self) -> bool:
        """Whether the network has a batch normalisation last."""
        return False

    @property
    def wants_clean(self) -> bool:
        """Whether batches should have `clean` (models.datasets.clips)."""
        return False


Damage = Literal["shift", "degrade", "erase"]
DAMAGE: Final = ("shift", "degrade", "blur", "erase")
"""What of augmentation hides the person, rather than shows them in another light."""


class Input(Section):
    """Size of the crops in pixels.

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

    A draw holds for all frames of a clip; of the changes that `per_frame` names each frame has its own.
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

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.erase_area[0] > self.erase_area[1]:
            raise ValueError("erase_area must be the least share and then the most")
        return self


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
    """What changes speed and record, not what is learnt (except for rounding)."""

    seed: int = Field(1, ge=0)
    bf16: bool | None = Field(False, description="null: where a step takes less time in it than in fp32")
    compile: bool = False
    log_every: Positive = 10
    save_every: Positive = 500


class Plan(Section):
    """A training run except for the system, the data and the machine."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")
    backbone: str = "efficientnet-lite0"
    architecture: dict[str, Any] = Field({}, description="further arguments of the network's constructor")
    initialise: str = Field(
        IMAGENET, description="or a checkpoint's path; of another network's its image backbone counts"
    )
    input: Input = Input()
    batches: Batches = Batches()
    augmentation: Augmentation = Augmentation()
    optimiser: Optimiser = Optimiser()
    schedule: Schedule
    run: Run = Run()
