"""What the CRF network is trained for: two softmax losses and a siamese loss for each region of the body.

The losses of RCN (McLaughlin et al., CVPR 2016) in the form of the CRF paper, in two stages. First the
sub-networks learn, each from its own losses: the paper has a model for each region. Then, while these stay as
they are, the weights of their fusion learn from the same losses on the fused feature (interpretation: the
paper says only that they are learned from the training sets).
"""

from collections.abc import Iterable, Mapping
from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from models.datasets.clips import Clips
from models.devices import autocast
from models.errors import BadRecipe
from models.networks.crf import CRF, SMALL_SIZE
from models.networks.crf_subnetwork import DIMENSION, Subnetwork
from models.networks.network import Network
from models.siamese import SiameseForm, siamese
from models.training.objectives.base import Objective, People
from models.training.objectives.head import HeadSettings, IdentityHead
from models.training.plan import Plan, Weight


class CRFSettings(HeadSettings):
    """The stage of the CRF network, and the weights (0 leaves one out) and forms of its terms."""

    network: Literal["crf"] = "crf"
    stage: Literal["parts", "fusion"] = "parts"
    siamese: Weight = 1.0
    form: SiameseForm = "crf"
    margin: float = Field(2.0, gt=0)
    identity: Weight = Field(1.0, description="of each of the two softmax losses")
    photos: Weight = Field(0.0, description="of the same terms between first frames and clips; ours")

    @model_validator(mode="after")
    def _learns(self) -> Self:
        if not self.siamese and not self.identity:
            raise ValueError("siamese and identity are both 0")
        return self


class CRFObjective(Objective):
    """The losses of each region, or of the fused feature, each with a classifier of its own.

    Args:
        network: what is trained.
        people: to tell apart, each from those of its own world only if the settings say so.
        plan: the run.
        settings: the stage and the losses.
        generator: for the classifiers' first weights.

    Raises:
        BadRecipe: the crops' size is not the small backbone's, or there is nothing to fuse.
    """

    network: CRF
    settings_type = CRFSettings

    def __init__(
        self,
        network: Network,
        people: People,
        plan: Plan,
        settings: CRFSettings,
        generator: torch.Generator,
    ) -> None:
        super().__init__(network, people, plan, settings, generator)
        assert isinstance(network, CRF)
        self.network, self.plan, self.settings = network, plan, settings
        size = (plan.input.height, plan.input.width)
        if plan.backbone == "small" and size != SMALL_SIZE:
            raise BadRecipe(f"input: the small backbone takes 64 x 48, not {size[0]} x {size[1]}")
        self.fuses = self.settings.stage == "fusion"
        if self.fuses and network.fusion is None:
            raise BadRecipe("system.stage: a network of one part has nothing to fuse")
        names = ["fused"] if self.fuses else list(network.subnetworks)
        self.heads = nn.ModuleDict(
            {name: IdentityHead(DIMENSION, people, settings, generator) for name in names}
        )
        for head in self._heads().values():
            head.let_learn(norm=self.settings.identity > 0, classifier=self.settings.identity > 0)
        if network.fusion is not None:
            network.fusion.requires_grad_(self.fuses)
        for module in self._frozen():
            module.requires_grad_(False)

    def forward(self, clips: Tensor, batch: Clips) -> dict[str, Tensor]:
        """The weighted terms of the loss: siamese and identity of each region, of clips and of photos."""
        count, length = clips.shape[:2]
        of_clips = self._features(clips.flatten(0, 1), [length] * count)  # (N, T, ...) -> (NT, ...)
        of_photos = self._features(clips[:, 0], [1] * count) if self.settings.photos else of_clips
        terms: dict[str, Tensor] = {}
        for name, video, photo in zip(self.heads, of_clips, of_photos, strict=True):
            terms |= {f"{name}_{k}": v for k, v in self._terms(name, video, video, batch).items()}
            if weight := self.settings.photos:
                found = self._terms(name, photo, video, batch)
                terms |= {f"{name}_photo_{k}": weight * v for k, v in found.items()}
        return terms

    def _features(self, frames: Tensor, lengths: list[int]) -> Tensor:
        """(F, 3, H, W) -> (K, N, 128) in float32: of the K regions, or K = 1 of the fused one."""
        x = frames.contiguous(memory_format=torch.channels_last)
        with autocast(self.plan.run.bf16, x.device):
            features = self.network.part_features(x, lengths)
        return self.network.fuse(features)[None] if self.fuses else features

    def _terms(self, name: str, first: Tensor, second: Tensor, batch: Clips) -> dict[str, Tensor]:
        """One siamese loss and two softmax losses, with one head, over the pairs of two sets: (N, 128).

        A clip is as often the first as the second of a pair, so the mean over pairs is that over clips.
        """
        settings, terms, labels = self.settings, {}, batch.labels
        if settings.siamese:
            loss = siamese(first, second, labels, batch.cameras, margin=settings.margin, form=settings.form)
            terms["siamese"] = settings.siamese * loss
        if settings.identity:
            head = self._heads()[name]
            losses = [head(head.norm(x), labels) for x in (first, second)]
            terms["identity"] = settings.identity * torch.stack(losses).sum()
        return terms

    def parts(self) -> Mapping[str, Iterable[nn.Parameter]]:
        """The sub-networks are "video"; heads and fusion are "classifier"."""
        fusion = [] if self.network.fusion is None else list(self.network.fusion.parameters())
        return {
            "video": self.network.subnetworks.parameters(),
            "classifier": [*self.heads.parameters(), *fusion],
        }

    def train(self, mode: bool = True) -> "CRFObjective":
        """Switch all but what is frozen: that drops nothing, and its norms keep their statistics."""
        super().train(mode)
        for module in self._frozen():
            module.eval()
        return self

    def _heads(self) -> dict[str, IdentityHead]:
        return {name: head for name, head in self.heads.items() if isinstance(head, IdentityHead)}

    def _frozen(self) -> list[nn.Module]:
        if self.fuses:
            return [self.network.subnetworks]
        count = self.plan.optimiser.frozen_blocks
        subnetworks = [s for s in self.network.subnetworks.values() if isinstance(s, Subnetwork)]
        return [block for s in subnetworks for block in s.backbone.blocks[:count]]
