"""What VKD is trained for: a teacher, then a student who shall see in two views what a teacher sees in more.

Porrello, Bergamini, Calderara, ECCV 2020. A teacher learns from clips by cross entropy and a batch-hard
triplet loss with soft margin. A student learns the same from a few frames of a bag, and besides to answer as
the teacher does who sees the whole bag (recipe: batches.choice "views"): its logits and its distances.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from models import checkpoint, zoo
from models.datasets.clips import Clips
from models.devices import autocast
from models.errors import BadRecipe
from models.losses import batch_hard_triplet, distance_distillation, view_distillation
from models.networks.network import Network
from models.networks.vkd import VKD
from models.training.objectives.base import People, Source
from models.training.objectives.head import HeadSettings, IdentityHead, NeckedSettings, PersonTerms
from models.training.objectives.identification import Identification
from models.training.plan import Plan, Positive, Weight
from models.training.state import FILE, MODEL, read_state


class VKDSettings(NeckedSettings, PersonTerms):
    """Terms of clips and their weights, and of a student what it learns from its teacher."""

    network: Literal["vkd"] = "vkd"
    triplet: Weight = 1.0
    margin: float | None = Field(0.3, ge=0, description="None for the soft margin")
    teacher: str | None = Field(None, description="folder of the run that trained the teacher")
    frames: Positive = Field(2, description="of a clip that the student sees; the teacher sees all")
    distillation_temperature: float = Field(10.0, gt=0)
    view_distillation: Weight = 0.1
    distance_distillation: Weight = 1e-4
    fresh_stage: bool = Field(True, description="the student's last stage begins with ImageNet's weights")


class Seen(NamedTuple):
    """Of each clip: feature (N, D), normalised feature (N, D), logits (N, C)."""

    features: Tensor
    normalised: Tensor
    logits: Tensor


def look(network: VKD, head: IdentityHead, clips: Tensor, *, bf16: bool | None) -> Seen:
    """What a network sees in clips (N, T, 3, H, W).

    The normalisation takes its statistics over frames. As published, logits are averaged over the frames;
    the classifier is linear, so they are those of the averaged frame.
    """
    count, length = clips.shape[:2]
    x = clips.flatten(0, 1).contiguous(memory_format=torch.channels_last)  # (N, T, ...) -> (NT, ...)
    with autocast(bf16, x.device):
        frames = network.raw_frames(x)  # (NT, D), float32
    seen: Tensor = head.norm(network.neck(frames))
    features, normalised = (x.view(count, length, -1).mean(dim=1) for x in (frames, seen))  # (N, D)
    return Seen(features, normalised, head.classifier(normalised))


class Teacher(nn.Module):
    """A trained VKD with the head of its training; it learns nothing.

    A checkpoint has no head: that comes from the state of the run beside it, as of its last step. While its
    student trains, norms use the statistics of the batch and keep none, as in the official code.

    Args:
        folder: of the teacher's run, with model/ and state.pt.
        people: whom the student learns; the teacher must have learnt from the same tracklets.

    Raises:
        BadRecipe: it is no VKD, or learnt from other data.
        UnknownModel, BadCheckpoint, TrainingError: the folder holds no such run, or a damaged one.
    """

    def __init__(self, folder: Path, people: People) -> None:
        super().__init__()
        loaded = checkpoint.load(folder / MODEL)
        network, self.source = loaded.network, Source(loaded.name, loaded.id)
        state = read_state(folder)
        tensors = state["objective"]
        if not isinstance(network, VKD) or "head.classifier.weight" not in tensors:
            raise BadRecipe(f"system.teacher: {folder} is not the run of a VKD")
        if state["data"] != people.data:
            raise BadRecipe(f"vkd.teacher: {folder / FILE} is of a run that learnt from other data")
        self.network = network
        settings = HeadSettings(
            network=network.kind, classifier_norm=network.has_neck or "head.norm.weight" in tensors
        )
        self.head = IdentityHead(
            network.dimension, people, settings, torch.Generator(), normed=network.has_neck
        )
        self.head.load_state_dict({key: tensors[f"head.{key}"] for key in self.head.state_dict()})
        self.requires_grad_(False)
        for norm in self.modules():
            if isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d):
                norm.track_running_stats = False

    @torch.no_grad()
    def forward(self, clips: Tensor, *, bf16: bool | None) -> Seen:
        """What it sees in clips (N, T, 3, H, W)."""
        return look(self.network, self.head, clips, bf16=bf16)


class VKDObjective(Identification):
    """The losses of a teacher; with a teacher in the recipe, those of its student.

    A student's last stage begins again with ImageNet's weights (`fresh_stage`), and so does its neck.

    Args:
        network: what is trained; a student usually begins as a copy of its teacher (recipe: `initialise`).
        people: to tell apart.
        plan: the run.
        settings: the losses, and the teacher.
        generator: for the classifier's first weights.

    Raises:
        BadRecipe: the teacher does not fit, or batches are not those of a student.
        UnknownModel, BadCheckpoint, TrainingError: the teacher's folder holds no run, or a damaged one.
    """

    network: VKD
    settings_type = VKDSettings

    def __init__(
        self,
        network: Network,
        people: People,
        plan: Plan,
        settings: VKDSettings,
        generator: torch.Generator,
    ) -> None:
        assert isinstance(network, VKD)
        super().__init__(network, people, plan, settings, generator, backbone=network.backbone)
        self.settings = settings
        self.teacher = None
        if settings.teacher is not None:
            if plan.batches.choice != "views":
                raise BadRecipe("batches.choice: a student sees the first frames of a bag: set it to views")
            if settings.frames >= plan.batches.frames:
                raise BadRecipe(f"system.frames: not fewer than the teacher's {plan.batches.frames}")
            self.teacher = Teacher(Path(settings.teacher), people)
            self.learns_from["system.teacher"] = self.teacher.source
            self._refresh()
        distils = self.teacher is not None and settings.view_distillation > 0
        classifies = settings.cross_entropy > 0 or distils
        self.let_learn(normalisation=classifies or settings.contrastive > 0, classifier=classifies)

    def _refresh(self) -> None:
        """Forget what a student shall learn anew."""
        network = self.network
        if network.has_neck:
            network.add_neck()
        if self.settings.fresh_stage:
            untrained = zoo.untrained(network.backbone_name, VKD.kind).network
            assert isinstance(untrained, VKD)
            network.last_stage.load_state_dict(untrained.last_stage.state_dict())

    def forward(self, clips: Tensor, batch: Clips) -> dict[str, Tensor]:
        """The weighted terms of the loss, by the names of the recipe's weights."""
        bf16, settings = self.plan.run.bf16, self.settings
        shown = clips if self.teacher is None else clips[:, : settings.frames]
        seen = look(self.network, self.head, shown, bf16=bf16)
        labels = batch.labels
        terms = self.person_terms("video", settings, seen.normalised, labels)
        if settings.triplet:
            loss = batch_hard_triplet(seen.features, seen.features, labels, labels, settings.margin)
            terms["video_to_video"] = settings.triplet * loss
        if self.teacher is not None:
            taught = self.teacher(clips, bf16=bf16)
            if weight := settings.view_distillation:
                loss = view_distillation(seen.logits, taught.logits, settings.distillation_temperature)
                terms["view_distillation"] = weight * loss
            if weight := settings.distance_distillation:
                loss = distance_distillation(seen.features, taught.features)
                terms["distance_distillation"] = weight * loss
        return terms

    def parts(self) -> Mapping[str, Iterable[nn.Parameter]]:
        """The backbone is "video"; head and neck are "classifier"."""
        return {"video": self.network.backbone.parameters(), "classifier": self.head_parameters()}
