"""The training-time forward pass of TKP: clips in, the terms of the loss out.

Gu et al., ICCV 2019, equations 1 to 5. The classifier serves both branches and is thrown away afterwards.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from models.datasets.clips import Clips
from models.devices import autocast
from models.losses import (
    DistanceForm,
    batch_hard_triplet,
    distance_propagation,
    feature_propagation,
    supervised_contrastive,
)
from models.networks.network import Network
from models.networks.tkp import TKP
from models.training.mix_style import MixStyle, StyleMixer
from models.training.objectives.base import Objective, People
from models.training.objectives.head import IdentityHead, NeckedSettings, PersonTerms
from models.training.plan import Plan, Weight

Branch = Literal["image", "video"]


class BranchTerms(PersonTerms):
    """Weights of the terms of one branch; 0 leaves one out."""

    triplet: Weight = Field(1.0, description="among the branch's own raw features")


class PairSettings(NeckedSettings):
    """Terms of an image and a video branch, with their weights; the defaults are TKP's."""

    image: BranchTerms = BranchTerms()
    video: BranchTerms = BranchTerms()
    image_to_video: Weight = Field(1.0, description="triplet: photos among clips")
    video_to_image: Weight = Field(1.0, description="triplet: clips among photos")
    margin: float | None = Field(0.3, ge=0, description="None for the soft margin")
    feature_propagation: Weight = 1.0
    distance_propagation: Weight = 1.0
    distance_form: DistanceForm = "code"
    teach_video: bool = False
    ramp: int = Field(0, ge=0, description="steps in which triplets and propagation reach their weights")
    match_gradients: bool = Field(
        False, description="at weight 1 propagation pulls image features as hard as what tells people apart"
    )
    frozen_branches: tuple[Branch, ...] = Field((), strict=False, description="that do not learn")
    mix_style: MixStyle = MixStyle()
    clean_video: bool = Field(False, description="the video branch sees clips before they are damaged")
    video_frames: bool = Field(
        False, description="the video branch's own terms are of its single frames, not of their mean"
    )

    @property
    def taking_part(self) -> tuple[Branch, ...]:
        """The branches that pass a batch."""
        return ("image", "video")

    @property
    def wants_clean(self) -> bool:
        """Whether batches should have `clean`."""
        return self.clean_video

    @property
    def learning(self) -> tuple[Branch, ...]:
        """The branches that learn."""
        return tuple(branch for branch in self.taking_part if branch not in self.frozen_branches)

    @model_validator(mode="after")
    def _learns(self) -> Self:
        if not self.learning:
            raise ValueError("no branch learns")
        model = self.image.cross_entropy or self.image.contrastive
        if self.match_gradients and not ("image" in self.learning and model):
            raise ValueError("match_gradients needs cross entropy or contrast in an image branch that learns")
        return self


class TKPSettings(PairSettings):
    """What TKP may be told."""

    network: Literal["tkp"] = "tkp"
    branches: tuple[Branch, ...] = Field(
        ("image", "video"), strict=False, min_length=1, description="that take part"
    )
    video_from_image: bool = Field(False, description="the video branch gets the image branch's weights")

    @property
    def taking_part(self) -> tuple[Branch, ...]:
        """The branches that pass a batch."""
        return self.branches

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if len(set(self.branches)) < len(self.branches):
            raise ValueError("branches has one twice")
        if self.video_from_image and "video" in self.branches:
            raise ValueError("video_from_image would overwrite the video branch that was trained")
        return self


class PairObjective(Objective):
    """The branches that take part, the head they share, and the losses of a recipe.

    Args:
        network: what is trained; its branches that do not learn are left as they are.
        people: to tell apart, each from those of its own world only: from others the background would do it
            (see models.datasets.worlds).
        plan: the run.
        settings: which branches and losses.
        generator: for the classifier's first weights.
    """

    network: TKP

    def __init__(
        self,
        network: Network,
        people: People,
        plan: Plan,
        settings: PairSettings,
        generator: torch.Generator,
    ) -> None:
        super().__init__(network, people, plan, settings, generator)
        assert isinstance(network, TKP)
        self.network, self.plan, self.pair = network, plan, settings
        self.triplets = 1.0  # a factor on the weights of all triplets
        self.head = IdentityHead(network.dimension, people, settings, generator, normed=network.has_neck)
        classifies = any(self._own(branch).cross_entropy for branch in settings.learning)
        seen = classifies or any(self._own(branch).contrastive for branch in settings.learning)
        self.head.let_learn(norm=seen, classifier=classifies)
        if isinstance(network.neck, nn.BatchNorm1d):
            network.neck.weight.requires_grad_(seen)
            network.neck.bias.requires_grad_(False)
        self.steps_done: Tensor
        self.register_buffer("steps_done", torch.zeros((), dtype=torch.int64))
        self.mixer = StyleMixer(settings.mix_style)
        self.mixer.attach(network.image.blocks)
        self._freeze()

    def forward(self, clips: Tensor, batch: Clips) -> dict[str, Tensor]:
        """The weighted terms of the loss, by the names of the recipe's weights."""
        count, frames = clips.shape[:2]
        self.mixer.frames = frames
        x = as_frames(clips)  # (NT, 3, H, W)
        watched = x if batch.clean is None else as_frames(batch.clean)
        image = video = None
        with autocast(self.plan.run.bf16, x.device):
            if "image" in self.pair.taking_part:
                image = self.network.raw_images(x)  # (NT, D)
            if "video" in self.pair.taking_part:
                video = self.network.raw_frames(watched, [frames] * count)  # (NT, D)
        return self.terms(image, video, batch.labels)

    def terms(self, image: Tensor | None, video: Tensor | None, labels: Tensor) -> dict[str, Tensor]:
        """The terms from raw features (NT, D) of the branches that take part, None for those that do not.

        Features are float32; distances and softmax are taken in it.
        """
        count = len(labels)
        features = image if image is not None else video
        assert features is not None
        frames = len(features) // count
        clip_numbers = torch.arange(count, device=labels.device)  # (N,)
        frame_labels, frame_clips = (x.repeat_interleave(frames) for x in (labels, clip_numbers))
        terms: dict[str, Tensor] = {}
        if image is not None:
            terms |= self._own_terms("image", image, frame_labels, frame_clips)
        if video is not None:
            clip = video.view(count, frames, -1).mean(dim=1)  # (NT, D) -> (N, D)
            if self.pair.video_frames:
                terms |= self._own_terms("video", video, frame_labels, frame_clips)
            else:
                terms |= self._own_terms("video", clip, labels, clip_numbers)
            if image is not None:
                terms |= self._triplets_between(image, clip, frame_labels, labels)
                model = terms.get("image_cross_entropy", terms.get("image_contrastive"))
                terms |= self._propagation(image, video, model)
        return terms

    def _own_terms(
        self, branch: Branch, features: Tensor, labels: Tensor, clips: Tensor
    ) -> dict[str, Tensor]:
        """Contrast, cross entropy and triplet of one branch that learns."""
        if branch not in self.pair.learning:
            return {}
        terms, weights = {}, self._own(branch)
        seen = self.head.norm(self.network.neck(features))
        if weights.contrastive:
            loss = supervised_contrastive(seen, labels, self.pair.temperature, clips=clips)
            terms[f"{branch}_contrastive"] = weights.contrastive * loss
        if weights.cross_entropy:
            terms[f"{branch}_cross_entropy"] = weights.cross_entropy * self.head(seen, labels)
        if weights.triplet:
            terms[f"{branch}_to_{branch}"] = weights.triplet * self.triplet(
                features, features, labels, labels
            )
        return terms

    def _triplets_between(
        self, image: Tensor, clip: Tensor, frame_labels: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """Triplets of photos among clips, and of clips among photos."""
        terms, pair = {}, self.pair
        if pair.image_to_video:
            loss = self.triplet(image, clip, frame_labels, labels)
            terms["image_to_video"] = pair.image_to_video * loss
        if pair.video_to_image:
            loss = self.triplet(clip, image, labels, frame_labels)
            terms["video_to_image"] = pair.video_to_image * loss
        return terms

    def _propagation(self, image: Tensor, video: Tensor, model: Tensor | None) -> dict[str, Tensor]:
        """What the video branch's features and distances teach the image branch's.

        Args:
            image: raw features (NT, D).
            video: of the same frames, (NT, D).
            model: the weighted cross entropy of the image branch, or its contrast where it has no cross
                entropy; `match_gradients` goes by its gradient.
        """
        pair, losses = self.pair, {}
        if weight := pair.feature_propagation:
            loss = feature_propagation(image, video, teach_video=pair.teach_video)
            losses["feature_propagation"] = weight, loss
        if weight := pair.distance_propagation:
            loss = distance_propagation(image, video, form=pair.distance_form, teach_video=pair.teach_video)
            losses["distance_propagation"] = weight, loss
        if pair.match_gradients and model is not None and image.requires_grad:
            losses = {name: (weight, as_steep(loss, model, image)) for name, (weight, loss) in losses.items()}
        return {name: self.ramp() * weight * loss for name, (weight, loss) in losses.items()}

    def triplet(self, anchors: Tensor, others: Tensor, anchor_ids: Tensor, other_ids: Tensor) -> Tensor:
        """The batch-hard triplet loss, with all that bears on every triplet of the system."""
        loss = batch_hard_triplet(anchors, others, anchor_ids, other_ids, self.pair.margin)
        return self.ramp() * self.triplets * loss

    def ramp(self) -> float:
        """The share of their weights that triplets and propagation have at this step."""
        return min(1.0, float(self.steps_done) / self.pair.ramp) if self.pair.ramp else 1.0

    def after_step(self, step: int, steps: int) -> None:  # noqa: ARG002
        """Keep the number, which `ramp` depends on."""
        self.steps_done.fill_(step)

    def parts(self) -> Mapping[str, Iterable[nn.Parameter]]:
        """The image branch, the video branch without and its non-local blocks, head and neck."""
        network = self.network
        return {
            "image": network.image.parameters(),
            "video": network.video.backbone.parameters(),
            "non_local": network.video.non_local.parameters(),
            "classifier": [
                *self.head.parameters(),
                *network.pooling.parameters(),
                *network.neck.parameters(),
            ],
        }

    def train(self, mode: bool = True) -> Self:
        """Switch all but what is frozen: its batch normalisation keeps its statistics."""
        super().train(mode)
        for module in self._frozen():
            module.eval()
        return self

    def _own(self, branch: Branch) -> BranchTerms:
        return self.pair.image if branch == "image" else self.pair.video

    def _freeze(self) -> None:
        for module in self._frozen():
            module.requires_grad_(False)

    def _frozen(self) -> list[nn.Module]:
        branches: dict[str, nn.Module] = {"image": self.network.image, "video": self.network.video}
        count = self.plan.optimiser.frozen_blocks
        blocks = [*self.network.image.blocks[:count], *self.network.video.backbone.blocks[:count]]
        return [*(branches[b] for b in branches if b not in self.pair.learning), *blocks]


class TKPObjective(PairObjective):
    """TKP's own: either branch may be left out, and the image branch be copied to the video branch."""

    settings_type = TKPSettings

    def __init__(
        self,
        network: Network,
        people: People,
        plan: Plan,
        settings: TKPSettings,
        generator: torch.Generator,
    ) -> None:
        super().__init__(network, people, plan, settings, generator)
        self.video_from_image = settings.video_from_image

    def finish(self, network: Network) -> None:
        """With `video_from_image` the video branch gets the image branch's weights."""
        assert isinstance(network, TKP)
        if self.video_from_image:
            network.video.backbone.load_state_dict(network.image.state_dict())


def as_steep(loss: Tensor, model: Tensor, features: Tensor) -> Tensor:
    """A loss times the factor that makes its gradient at (N, D) features as long as another loss's."""
    own, wanted = (torch.autograd.grad(x, features, retain_graph=True)[0].norm() for x in (loss, model))
    factor: Tensor = wanted / own.clamp_min(torch.finfo(own.dtype).tiny)
    return loss * factor


def as_frames(clips: Tensor) -> Tensor:
    """(N, T, 3, H, W) -> (NT, 3, H, W), in the memory format that convolutions are fastest in."""
    return clips.flatten(0, 1).contiguous(memory_format=torch.channels_last)
