"""The training-time forward pass of TKP: clips in, the terms of the loss out.

Gu et al., ICCV 2019, equations 1 to 5. The classifier serves both branches and is thrown away afterwards.
"""

from collections.abc import Iterable, Mapping
from typing import Self

import torch
from torch import Tensor, nn

from models.datasets.clips import Clips
from models.losses import (
    batch_hard_triplet,
    distance_propagation,
    feature_propagation,
    supervised_contrastive,
)
from models.networks.network import Network
from models.networks.tkp import TKP
from models.training.mix_style import StyleMixer
from models.training.objectives.base import Objective, People
from models.training.objectives.head import IdentityHead
from models.training.recipe import Losses, Recipe


class TKPObjective(Objective):
    """The branches that take part, the classifier they share, and the losses of a recipe.

    Args:
        network: what is trained; its branches that do not learn are left as they are.
        people: to tell apart, each from those of its own world only: from others the background would do it
            (see models.datasets.worlds).
        recipe: which branches and losses.
        generator: for the classifier's first weights.
    """

    network: TKP
    losses = frozenset(Losses.model_fields)
    has_branches = True

    def __init__(self, network: Network, people: People, recipe: Recipe, generator: torch.Generator) -> None:
        super().__init__(network, people, recipe, generator)
        assert isinstance(network, TKP)
        self.network = network
        self.recipe = recipe
        self.learning = [b for b in recipe.branches if b not in recipe.frozen_branches]
        self.head = IdentityHead(network.dimension, people, recipe.losses, generator, normed=network.has_neck)
        seen = self._uses("cross_entropy", "contrastive")
        self.head.let_learn(norm=seen, classifier=self._uses("cross_entropy"))
        if isinstance(network.neck, nn.BatchNorm1d):
            network.neck.weight.requires_grad_(seen)
        self.steps_done: Tensor
        self.register_buffer("steps_done", torch.zeros((), dtype=torch.int64))
        self.mixer = StyleMixer(recipe.mix_style)
        self.mixer.attach(network.image.blocks)
        self._freeze()

    def forward(self, clips: Tensor, batch: Clips) -> dict[str, Tensor]:
        """The weighted terms of the loss, by the names of the recipe's weights."""
        count, frames = clips.shape[:2]
        self.mixer.frames = frames
        x = as_frames(clips)  # (NT, 3, H, W)
        watched = x if batch.clean is None else as_frames(batch.clean)
        image = video = None
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.recipe.run.bf16):
            if "image" in self.recipe.branches:
                image = self.network.raw_images(x)  # (NT, D)
            if "video" in self.recipe.branches:
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
            terms |= self._own_terms("video", clip, labels, clip_numbers)
            if image is not None:
                terms |= self._shared_terms(image, video, clip, frame_labels, labels)
        return terms

    def _own_terms(self, branch: str, features: Tensor, labels: Tensor, clips: Tensor) -> dict[str, Tensor]:
        """Contrast, cross entropy and triplet of one branch that learns."""
        if branch not in self.learning:
            return {}
        terms, losses = {}, self.recipe.losses
        seen = self.head.norm(self.network.neck(features))
        if weight := getattr(losses, f"{branch}_contrastive"):
            loss = supervised_contrastive(seen, labels, losses.temperature, clips=clips)
            terms[f"{branch}_contrastive"] = weight * loss
        if weight := getattr(losses, f"{branch}_cross_entropy"):
            terms[f"{branch}_cross_entropy"] = weight * self.head(seen, labels)
        if weight := getattr(losses, f"{branch}_to_{branch}"):
            loss = batch_hard_triplet(features, features, labels, labels, losses.margin)
            terms[f"{branch}_to_{branch}"] = self.ramp() * weight * loss
        return terms

    def ramp(self) -> float:
        """The share of their weights that triplets and propagation have at this step."""
        return min(1.0, float(self.steps_done) / self.recipe.losses.ramp) if self.recipe.losses.ramp else 1.0

    def after_step(self, step: int, steps: int) -> None:  # noqa: ARG002
        """Keep the number, which `ramp` depends on."""
        self.steps_done.fill_(step)

    def _shared_terms(
        self, image: Tensor, video: Tensor, clip: Tensor, frame_labels: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """What both branches have to do with: cross-modal triplets and knowledge propagation."""
        terms, losses = {}, self.recipe.losses
        if losses.image_to_video:
            loss = batch_hard_triplet(image, clip, frame_labels, labels, losses.margin)
            terms["image_to_video"] = losses.image_to_video * loss
        if losses.video_to_image:
            loss = batch_hard_triplet(clip, image, labels, frame_labels, losses.margin)
            terms["video_to_image"] = losses.video_to_image * loss
        if losses.feature_propagation:
            loss = feature_propagation(image, video, teach_video=losses.teach_video)
            terms["feature_propagation"] = losses.feature_propagation * loss
        if losses.distance_propagation:
            loss = distance_propagation(
                image, video, form=losses.distance_form, teach_video=losses.teach_video
            )
            terms["distance_propagation"] = losses.distance_propagation * loss
        return {name: self.ramp() * term for name, term in terms.items()}

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

    def finish(self, network: Network) -> None:
        """With `video_from_image` the video branch gets the image branch's weights."""
        assert isinstance(network, TKP)
        if self.recipe.video_from_image:
            network.video.backbone.load_state_dict(network.image.state_dict())

    def train(self, mode: bool = True) -> Self:
        """Switch all but what is frozen: its batch normalisation keeps its statistics."""
        super().train(mode)
        for module in self._frozen():
            module.eval()
        return self

    def _uses(self, *terms: str) -> bool:
        """Whether a branch that learns has one of these terms."""
        return any(
            getattr(self.recipe.losses, f"{branch}_{term}") for branch in self.learning for term in terms
        )

    def _freeze(self) -> None:
        for module in self._frozen():
            module.requires_grad_(False)

    def _frozen(self) -> list[nn.Module]:
        branches: dict[str, nn.Module] = {"image": self.network.image, "video": self.network.video}
        count = self.recipe.optimiser.frozen_blocks
        blocks = [*self.network.image.blocks[:count], *self.network.video.backbone.blocks[:count]]
        return [*(branches[b] for b in branches if b not in self.learning), *blocks]


def as_frames(clips: Tensor) -> Tensor:
    """(N, T, 3, H, W) -> (NT, 3, H, W), in the memory format that convolutions are fastest in."""
    return clips.flatten(0, 1).contiguous(memory_format=torch.channels_last)
