"""TKP: an image network taught by a video network, both into one space.

Gu, Ma, Chang, Shan, Chen, "Temporal Knowledge Propagation for Image-to-Video Person Re-identification",
ICCV 2019. Features are raw: training uses un-normalised features, and a gallery feature is the mean of raw
per-frame features before it is normalised.

As published there is no neck. With one (ours), both networks share it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Final

import torch
from torch import Tensor, nn

from models.networks.backbones import Backbone, efficientnet_lite0, resnet50
from models.networks.network import NeckedNetwork, check_lengths, clip_means, named
from models.networks.non_local import NonLocalBlock


@dataclass(frozen=True, slots=True)
class Architecture:
    """A backbone and the blocks after which the video network gets a non-local block."""

    backbone: Callable[[], Backbone]
    non_local_after: tuple[int, ...]


# ResNet-50 as published: after blocks 1 and 3 of the second stage (stride 8), 1, 3 and 5 of the third (stride
# 16). EfficientNet-Lite0 is ours, by analogy: two at stride 8, which has only the blocks 4 and 5, and three
# after every second of the six blocks at stride 16 (6..11).
ARCHITECTURES: Final[Mapping[str, Architecture]] = MappingProxyType(
    {
        "efficientnet-lite0": Architecture(efficientnet_lite0, non_local_after=(4, 5, 7, 9, 11)),
        "resnet50": Architecture(resnet50, non_local_after=(5, 7, 9, 11, 13)),
    }
)


class VideoNetwork(nn.Module):
    """A backbone applied to every frame; non-local blocks let the frames of one clip see each other."""

    def __init__(self, backbone: Backbone, non_local_after: Sequence[int]) -> None:
        super().__init__()
        self.backbone = backbone
        self.non_local = nn.ModuleDict({str(i): NonLocalBlock(backbone.widths[i]) for i in non_local_after})

    def forward(
        self, frames: Tensor, lengths: Sequence[int], at_once: int | None = None, *, pooled: bool = True
    ) -> Tensor:
        """Raw features of frames.

        Args:
            frames: (F, 3, H, W), the frames of all clips end to end, F = sum(lengths).
            lengths: frames of each clip, each at least 1.
            at_once: frames that pass the 2-D layers together (not while training); None for all.
            pooled: False for feature maps.

        Returns:
            (F, D), or maps (F, D, h, w) before the pooling: a frame's feature depends on the other frames of
            its clip, never on another clip.
        """
        x, start = frames, 0
        for index, non_local in self.non_local.items():
            stop = int(index) + 1
            x = in_parts(self.backbone.blocks[start:stop], x, at_once)
            x, start = non_local(x, lengths), stop
        maps = in_parts(self.backbone.blocks[start:], x, at_once)
        return pool(maps) if pooled else maps


class TKP(NeckedNetwork):
    """The pair of networks; they share the space they embed into, but no weights.

    Args:
        backbone: a name in ARCHITECTURES.
        neck: whether raw features pass a batch normalisation.

    Raises:
        ValueError: no such backbone.
        TypeError: `neck` is neither true nor false.
    """

    kind: ClassVar[str] = "tkp"

    def __init__(self, backbone: str = "efficientnet-lite0", *, neck: bool = False) -> None:
        super().__init__()
        architecture = named(backbone, ARCHITECTURES)
        self.backbone = backbone
        self.image = architecture.backbone()
        self.video = VideoNetwork(architecture.backbone(), architecture.non_local_after)
        self.set_neck(neck=neck)

    @property
    def architecture(self) -> dict[str, Any]:
        """The two arguments of the constructor."""
        return {"backbone": self.backbone, "neck": self.has_neck}

    @property
    def dimension(self) -> int:
        """D of every feature."""
        return self.image.dimension

    @property
    def picture_backbone(self) -> nn.Module:
        """The backbone that photos pass."""
        return self.image

    def raw_images(self, images: Tensor) -> Tensor:
        """Features of single pictures before the neck: (B, 3, H, W) -> (B, D)."""
        return pool(self.image(images))

    def embed_images(self, images: Tensor) -> Tensor:
        """Features of single pictures, of any length: (B, 3, H, W) -> (B, D)."""
        return self.neck(self.raw_images(images))  # type: ignore[no-any-return]

    def embed_frames(self, frames: Tensor, lengths: Sequence[int], at_once: int | None = None) -> Tensor:
        """Features of clips of any lengths.

        Args:
            frames: (F, 3, H, W), the frames of all clips end to end.
            lengths: frames of each clip, each at least 1; F = sum(lengths).
            at_once: frames that pass the 2-D layers together (not while training); None for all.

        Returns:
            (len(lengths), D), each the mean over the frames of its clip.

        Raises:
            ValueError: the lengths do not add up to the frames, or one is below 1.
        """
        check_lengths(frames, lengths)
        features = self.video(frames, lengths, at_once)  # (F, D)
        return self.neck(clip_means(features, lengths))  # type: ignore[no-any-return]

    def initialise(self, backbone: Mapping[str, Tensor], generator: torch.Generator) -> None:
        """Start both networks from one set of backbone weights, and the non-local blocks from `generator`."""
        self.image.load_state_dict(backbone)
        self.video.backbone.load_state_dict(backbone)
        for block in self.non_local_blocks():
            block.initialise(generator)

    def trim(self) -> None:
        """Remove non-local blocks that add exactly zero: those of a network that has not been trained yet."""
        blocks = self.video.non_local
        for name, block in zip(list(blocks), self.non_local_blocks(), strict=True):
            if not block.norm.weight.any() and not block.norm.bias.any():
                del blocks[name]

    def non_local_blocks(self) -> list[NonLocalBlock]:
        """The non-local blocks, first to last."""
        return [block for block in self.video.non_local.values() if isinstance(block, NonLocalBlock)]


def in_parts(blocks: Iterable[nn.Module], x: Tensor, at_once: int | None) -> Tensor:
    """Apply blocks one after another, to `at_once` rows of x at a time or to all of them."""
    if at_once is not None and len(x) > at_once:
        return torch.cat([in_parts(blocks, part, None) for part in torch.split(x, at_once)])
    for block in blocks:
        x = block(x)
    return x


def pool(maps: Tensor) -> Tensor:
    """Global average pooling, (N, D, h, w) -> (N, D), in float32 at least: bf16 would round the mean away."""
    return maps.mean(dim=(2, 3), dtype=torch.promote_types(maps.dtype, torch.float32))
