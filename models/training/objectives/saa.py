"""The training-time forward pass of 3D-SAA + CMIL: TKP's, with a stream for the looks and an interaction.

Shi et al. 2021: L = L_id + L_id_att + L_TKP + lambda (L_tri + L_tri_att + L_A2V). What their text and TKP say
differently is TKP's here: one classifier for both branches, not one each; the propagation of TKP's code (the
printed equation 13 divides only its first term by N T). Their equation 12 takes the hardest negative by a
maximum; that must be a minimum. A lambda of 1.5 is said to follow TKP, where it is 1.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from models.datasets.clips import Clips
from models.devices import autocast
from models.networks.cmil import attention_entropy, cross_modal_context
from models.networks.mban import MBAN
from models.networks.network import Network
from models.networks.pooling import pool
from models.networks.texture import texture_sheet, texture_tiles
from models.networks.tkp import TKP
from models.training.objectives.base import People
from models.training.objectives.head import IdentityHead
from models.training.objectives.tkp import PairObjective, PairSettings, as_frames
from models.training.plan import Plan, Share, Weight


class SAASettings(PairSettings):
    """What 3D-SAA + CMIL adds to TKP's terms; `triplets`, its lambda, is a factor on TKP's triplets too."""

    network: Literal["3d-saa-cmil"] = "3d-saa-cmil"
    appearance: Literal["mban", "sheet", "none"] = Field("mban", description="what the third stream sees")
    mask: Literal["paper", "scaled", "local", "none"] = Field("local", description="of MBAN")
    tile: int = Field(32, ge=8, le=64, multiple_of=2, description="side of a part's tile, in pixels")
    appearance_cross_entropy: Weight = 1.0
    fused_cross_entropy: Weight = 1.0
    appearance_to_video: Weight = 1.0
    interactive: bool = Field(True, description="CMIL")
    alpha: Share = Field(0.5, description="share of the clip in CMIL's query")
    scaled_attention: bool = False
    interactive_teaches_video: bool = True
    triplets: Weight = Field(1.5, description="lambda")

    @model_validator(mode="after")
    def _appearance_learns(self) -> Self:
        own = self.appearance_cross_entropy + self.fused_cross_entropy
        if self.appearance != "none" and not own + self.triplets * self.appearance_to_video:
            raise ValueError("no term teaches the appearance stream")
        return self


class AppearanceStream(nn.Module):
    """From frames with known body parts to what the person wears: texture, MBAN, a backbone of its own.

    Interpretation: the backbone begins as the image branch does, and MBAN's first weights are drawn.
    """

    def __init__(self, network: TKP, settings: SAASettings, generator: torch.Generator) -> None:
        super().__init__()
        self.side = settings.tile
        self.mban: MBAN | None = None
        if settings.appearance == "mban":
            self.mban = MBAN(settings.mask)
            self.mban.initialise(generator)
        self.backbone = deepcopy(network.image)

    def forward(self, frames: Tensor, truth: Tensor) -> Tensor:
        """Raw features f_A: frames (F, 3, H, W) standardised, truth (F, 3, H, W) uint8 -> (F, D)."""
        tiles = texture_tiles(frames, truth, self.side)
        return pool(self.backbone(texture_sheet(tiles) if self.mban is None else self.mban(tiles)))


class SAAObjective(PairObjective):
    """TKP's branches and losses, and what 3D-SAA and CMIL add for the time of training.

    Interpretation: f_B has a classifier of its own, as f_A and f_fused have. Unless the recipe says otherwise
    CMIL's losses teach the video network, too; the paper keeps only the propagation from it.

    Attributes:
        diagnostics: the entropy of CMIL's attention: near 0 it sticks to single positions, at 1 it is a mean.
    """

    settings_type = SAASettings

    def __init__(
        self,
        network: Network,
        people: People,
        plan: Plan,
        settings: SAASettings,
        generator: torch.Generator,
    ) -> None:
        super().__init__(network, people, plan, settings, generator)
        self.settings, self.triplets = settings, settings.triplets
        wanted = {
            "appearance": settings.appearance != "none" and settings.appearance_cross_entropy,
            "fused": settings.appearance != "none" and settings.fused_cross_entropy,
            "interactive": settings.interactive,
        }
        dimension = self.network.dimension
        self.heads = nn.ModuleDict(
            {
                name: IdentityHead(dimension, people, settings, generator)
                for name, weight in wanted.items()
                if weight
            }
        )
        self.stream: AppearanceStream | None = None
        if settings.appearance != "none":
            self.stream = AppearanceStream(self.network, settings, generator)
            self.stream.backbone.requires_grad_(True)
        self.needs_truth = self.stream is not None
        self._freeze()

    def forward(self, clips: Tensor, batch: Clips) -> dict[str, Tensor]:
        """The weighted terms of the loss: TKP's, and those of f_A, f_fused and f_B."""
        count, frames = clips.shape[:2]
        self.mixer.frames = frames
        x = as_frames(clips)  # (NT, 3, H, W)
        watched = x if batch.clean is None else as_frames(batch.clean)
        appearance = None
        with autocast(self.plan.run.bf16, x.device):
            image = self.network.raw_images(x)  # (NT, D)
            maps = self.network.video(watched, [frames] * count)  # (NT, D, h, w)
            if self.stream is not None:
                assert batch.truth is not None
                appearance = self.stream(x, batch.truth.flatten(0, 1))  # (NT, D)
        video = self.network.pooling(maps)
        terms = self.terms(image, video, batch.labels)
        if appearance is not None:
            clip = video.view(count, frames, -1).mean(dim=1)  # (NT, D) -> (N, D)
            terms |= self._appearance_terms(image, appearance, clip, batch.labels)
        if self.settings.interactive:
            by_clip = maps.view(count, frames, *maps.shape[1:])
            terms |= self._interactive_terms(image.view(count, frames, -1), by_clip, batch.labels)
        return terms

    def _appearance_terms(
        self, image: Tensor, appearance: Tensor, clip: Tensor, labels: Tensor
    ) -> dict[str, Tensor]:
        """Identity losses of f_A and f_fused = f_I + f_A, and L_A2V: anchors f_A, the others f_V."""
        terms, settings = {}, self.settings
        frame_labels = labels.repeat_interleave(len(image) // len(labels))
        if weight := settings.appearance_cross_entropy:
            loss = self._identity_loss("appearance", appearance, frame_labels)
            terms["appearance_cross_entropy"] = weight * loss
        if weight := settings.fused_cross_entropy:
            loss = self._identity_loss("fused", image + appearance, frame_labels)
            terms["fused_cross_entropy"] = weight * loss
        if weight := settings.appearance_to_video:
            loss = self.triplet(appearance, clip, frame_labels, labels)
            terms["appearance_to_video"] = weight * loss
        return terms

    def _interactive_terms(self, image: Tensor, maps: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Identity loss and triplet of f_B, from f_I (N, T, D) and F_V (N, T, D, h, w)."""
        settings = self.settings
        context, attention = cross_modal_context(
            image,
            maps if settings.interactive_teaches_video else maps.detach(),
            alpha=settings.alpha,
            scaled=settings.scaled_attention,
        )
        self.diagnostics = {"attention_entropy": attention_entropy(attention.detach())}
        features = (image + context).flatten(0, 1)  # (N, T, D) -> (NT, D)
        frame_labels = labels.repeat_interleave(image.shape[1])
        return {
            "interactive_cross_entropy": self._identity_loss("interactive", features, frame_labels),
            "interactive_to_interactive": self.triplet(features, features, frame_labels, frame_labels),
        }

    def _identity_loss(self, name: str, features: Tensor, labels: Tensor) -> Tensor:
        """Cross entropy of features (N, D) behind a head of their own."""
        head = self.heads[name]
        assert isinstance(head, IdentityHead)
        return head(head.norm(features), labels)  # type: ignore[no-any-return]

    def parts(self) -> Mapping[str, Iterable[nn.Parameter]]:
        """As TKP's; the third stream's backbone moves like the image branch, MBAN like a classifier."""
        parts = {name: [*parameters] for name, parameters in super().parts().items()}
        parts["classifier"] += self.heads.parameters()
        if self.stream is not None:
            parts["image"] += self.stream.backbone.parameters()
            if self.stream.mban is not None:
                parts["classifier"] += self.stream.mban.parameters()
        return parts

    def _frozen(self) -> list[nn.Module]:
        frozen = super()._frozen()
        # While TKP's part is built there is no stream yet.
        stream = getattr(self, "stream", None)
        if stream is not None:
            frozen += stream.backbone.blocks[: self.plan.optimiser.frozen_blocks]
        return frozen
