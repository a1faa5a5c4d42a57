"""VKD: one network for photos and clips, good enough to teach itself from several views.

Porrello, Bergamini, Calderara, "Robust Re-Identification by Multiple Views Knowledge Distillation", ECCV
2020. Teacher and student are this network: training sets them apart (models/training/objectives/vkd.py).

The embedding is the mean over frames of what global average pooling makes of them. With a neck (ours) it
passes the batch normalisation before the classifier; as published, only training has that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final

import torch
from torch import Tensor, nn

from models.networks.backbones import BACKBONES, Backbone, efficientnet_lite0, resnet50
from models.networks.network import NeckedNetwork, check_lengths, clip_means, named
from models.networks.pooling import in_parts, pool


@dataclass(frozen=True, slots=True)
class Architecture:
    """A backbone, and the attribute of its last block that activates."""

    backbone: Callable[[], Backbone]
    activation: str


# The last block of ResNet-50 has one module for its three activations, so the official code, which removes
# the module to leave out the last of them, removes all three. The published figures are of that network.
# Of MobileNet-V2 it removes the activation of the last 1x1 convolution: EfficientNet-Lite0 has the same one.
ARCHITECTURES: Final[Mapping[str, Architecture]] = MappingProxyType(
    {
        "efficientnet-lite0": Architecture(efficientnet_lite0, "activation"),
        "resnet50": Architecture(resnet50, "relu"),
    }
)


class VKD(NeckedNetwork):
    """A backbone whose last block does not activate, average pooling, and the mean over frames.

    Args:
        backbone: a name in ARCHITECTURES.
        neck: whether features pass a batch normalisation.
        projection: to how many numbers they are projected last, if they are (`models.whitening`).

    Raises:
        ValueError: no such backbone or projection.
        TypeError: `neck` is neither true nor false, or `projection` no whole number.
    """

    kind: ClassVar[str] = "vkd"

    def __init__(
        self, backbone: str = "efficientnet-lite0", *, neck: bool = False, projection: int | None = None
    ) -> None:
        super().__init__()
        architecture = named(backbone, ARCHITECTURES)
        self.backbone_name = backbone
        self.backbone = architecture.backbone()
        setattr(self.backbone.blocks[-1], architecture.activation, nn.Identity())
        self.set_ending(neck=neck, projection=projection)

    @property
    def architecture(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {"backbone": self.backbone_name, **self.ending}

    @property
    def width(self) -> int:
        """Numbers of a feature before the projection."""
        return self.backbone.dimension

    @property
    def image_backbone(self) -> nn.Module:
        """The backbone that photos pass."""
        return self.backbone

    @property
    def last_stage(self) -> nn.ModuleList:
        """The blocks after the backbone's last change of resolution (as it was trained on ImageNet)."""
        return self.backbone.blocks[BACKBONES[self.backbone_name].last_stage :]

    def raw_frames(self, frames: Tensor, at_once: int | None = None) -> Tensor:
        """Features of single frames before the neck: (F, 3, H, W) -> (F, D)."""
        return pool(in_parts([self.backbone], frames, at_once))

    def embed_images(self, images: Tensor) -> Tensor:
        """Features of single crops, of any length: (B, 3, H, W) -> (B, D)."""
        return self.end(self.raw_frames(images))

    def embed_frames(self, frames: Tensor, lengths: Sequence[int], at_once: int | None = None) -> Tensor:
        """Features of clips of any lengths, each the mean over its frames: (F, 3, H, W) -> (B, D).

        Raises ValueError if the lengths do not add up to the frames, or one is below 1.
        """
        check_lengths(frames, lengths)
        return self.end(clip_means(self.raw_frames(frames, at_once), lengths))

    def initialise(self, backbone: Mapping[str, Tensor], generator: torch.Generator) -> None:  # noqa: ARG002
        """Start from the weights of a backbone; nothing is left to draw."""
        self.backbone.load_state_dict(backbone)
