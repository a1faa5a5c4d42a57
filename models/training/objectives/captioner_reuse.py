"""Fixed model reuse of a captioner's two layers in the training of cross-modal embeddings."""

from pathlib import Path
from typing import Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from models import checkpoint
from models.devices import autocast
from models.errors import BadRecipe
from models.networks.captioner import Captioner
from models.networks.cross_modal import CrossModal
from models.networks.fixed_model_reuse import FixedModelReuse, active_entries
from models.networks.fixed_model_reuse import Mode as ReuseMode
from models.networks.pooling import pool
from models.training.objectives.base import Source
from models.training.objectives.head import HeadSettings
from models.training.plan import Plan, Weight


class ReuseSettings(HeadSettings):
    """How which captioner is reused."""

    reuse: ReuseMode = "propagation-knockdown"
    captioner: str | None = Field(None, description="the path of its checkpoint")
    reconstruction: Weight = Field(1.0, description="of the fixed features from the network's")
    ridge: Weight = Field(1e-4, description="on W, U and V")
    knockdown: float = Field(0.5, gt=0, le=1, description="share of the run in which all of it goes")

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.reuse != "none" and self.captioner is None:
            raise ValueError("captioner must name a checkpoint, or reuse must be none")
        return self


class CaptionerReuse(nn.Module):
    """A fixed captioner, and what connects its image layer (MF1) and its video layer (MF2) to a network.

    Args:
        network: W of each branch is its projection.
        captioner: on the same kind of backbone; it does not learn, and its norms keep their statistics.
        settings: mode and weights.
        generator: for first weights and the order of knockdown.
    """

    def __init__(
        self, network: CrossModal, captioner: Captioner, settings: ReuseSettings, generator: torch.Generator
    ) -> None:
        super().__init__()
        fixed, outputs = captioner.dimension, network.dimension
        self.settings = settings
        self.captioner = captioner
        self.image = FixedModelReuse(network.cnn.dimension, fixed, outputs, generator)
        self.video = FixedModelReuse(network.hidden, fixed, outputs, generator)

    @torch.no_grad()
    def fixed(self, x: Tensor, lengths: list[int], *, bf16: bool | None) -> tuple[Tensor, Tensor]:
        """MF1 of frames and MF2 of their clips, (F, 3, H, W) -> (F, E) and (len(lengths), E).

        Once nothing of them is connected, the captioner is not asked any more and these are zeros; V and U
        stay in the graph, as DistributedDataParallel waits for their gradients, which are zero.
        """
        if not self.image.active and not self.video.active:
            width = self.captioner.dimension
            return x.new_zeros(len(x), width), x.new_zeros(len(lengths), width)
        with autocast(bf16, x.device):
            pooled = pool(self.captioner.cnn(x))
        return self.captioner.image_features(pooled), self.captioner.clip_features(pooled, lengths)

    def terms(
        self, network: CrossModal, pooled: Tensor, sequences: Tensor, image: Tensor, video: Tensor
    ) -> dict[str, Tensor]:
        """Reconstruction of what is connected, and the ridge on W, U and V of both branches.

        Args:
            network: whose W it is.
            pooled: (F, D) of the CNN, x of crops.
            sequences: (N, H) of the LSTM, x of clips.
            image: (F, E), MF1.
            video: (N, E), MF2.
        """
        settings, terms = self.settings, {}
        if settings.reuse == "knockdown":
            pooled, sequences = pooled.detach(), sequences.detach()
        if weight := settings.reconstruction:
            terms["image_reconstruction"] = weight * self.image.reconstruction(pooled, image)
            terms["video_reconstruction"] = weight * self.video.reconstruction(sequences, video)
        if weight := settings.ridge:
            ridge = self.image.ridge(network.image_projection.weight)
            terms["ridge"] = weight * (ridge + self.video.ridge(network.video_projection.weight))
        return terms

    def knock_down(self, progress: float) -> None:
        """Disconnect what should be gone at this share of the run."""
        if self.settings.reuse == "propagation":
            return
        for part in (self.image, self.video):
            part.knock_down(active_entries(len(part.mask), progress, self.settings.knockdown))

    def train(self, mode: bool = True) -> "CaptionerReuse":
        """Switch all but the captioner."""
        super().train(mode)
        self.captioner.eval()
        return self


def load_captioner(where: str, plan: Plan) -> tuple[Captioner, Source]:
    """The captioner at a path, and which model it is.

    Raises:
        BadRecipe: it is something else, or does not fit the crops of the plan.
        BadCheckpoint, UnknownModel: it cannot be read.
    """
    loaded = checkpoint.load(Path(where))
    network, p = loaded.network, loaded.preprocessing
    if not isinstance(network, Captioner):
        raise BadRecipe(f"system.captioner: {where} is a {network.kind}")
    if network.backbone != plan.backbone:  # it could not read crops standardised for another
        raise BadRecipe(f"system.captioner: {where} has the backbone {network.backbone!r}")
    if (p.height, p.width) != (plan.input.height, plan.input.width):
        raise BadRecipe(f"system.captioner: {where} takes crops of {p.height} x {p.width}")
    return network, Source(loaded.name, loaded.id)
