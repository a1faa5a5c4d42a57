"""TKP: an image network taught by a video network, both into one space.

Gu, Ma, Chang, Shan, Chen, "Temporal Knowledge Propagation for Image-to-Video Person Re-identification",
ICCV 2019. Features are raw: training uses un-normalised features, and a gallery feature is the mean of raw
per-frame features before it is normalised.

As published there is no neck. With one (ours), both networks share it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar, Final

import torch
from torch import Tensor, nn

from models.networks.backbones import Backbone, efficientnet_lite0, resnet50
from models.networks.network import NeckedNetwork, check_lengths, clip_means, named
from models.networks.non_local import NonLocalBlock
from models.networks.pooling import POOLINGS, in_parts


@dataclass(frozen=True, slots=True)
class Architecture:
    """A backbone, the same with a fine map, and the blocks that a non-local block follows."""

    backbone: Callable[[], Backbone]
    fine: Callable[[], Backbone]
    non_local_after: tuple[int, ...]


# ResNet-50 as published: after blocks 1 and 3 of the second stage (stride 8), 1, 3 and 5 of the third (stride
# 16). EfficientNet-Lite0 is ours, by analogy: two at stride 8, which has only the blocks 4 and 5, and three
# after every second of the six blocks at stride 16 (6..11).
ARCHITECTURES: Final[Mapping[str, Architecture]] = MappingProxyType(
    {
        "efficientnet-lite0": Architecture(
            efficientnet_lite0, partial(efficientnet_lite0, fine_map=True), non_local_after=(4, 5, 7, 9, 11)
        ),
        "resnet50": Architecture(resnet50, resnet50, non_local_after=(5, 7, 9, 11, 13)),
    }
)


class VideoNetwork(nn.Module):
    """A backbone applied to every frame; non-local blocks let the frames of one clip see each other."""

    def __init__(self, backbone: Backbone, non_local_after: Sequence[int]) -> None:
        super().__init__()
        self.backbone = backbone
        self.non_local = nn.ModuleDict({str(i): NonLocalBlock(backbone.widths[i]) for i in non_local_after})

    def forward(self, frames: Tensor, lengths: Sequence[int], at_once: int | None = None) -> Tensor:
        """Feature maps of frames.

        Args:
            frames: (F, 3, H, W), the frames of all clips end to end, F = sum(lengths).
            lengths: frames of each clip, each at least 1.
            at_once: frames that pass the 2-D layers together (not while training); None for all.

        Returns:
            (F, D, h, w): a frame's map depends on the other frames of its clip, never on another clip.
        """
        x, start = frames, 0
        for index, non_local in self.non_local.items():
            stop = int(index) + 1
            x = in_parts(self.backbone.blocks[start:stop], x, at_once)
            x, start = non_local(x, lengths), stop
        return in_parts(self.backbone.blocks[start:], x, at_once)


class TKP(NeckedNetwork):
    """The pair of networks; they share the space they embed into, but no weights.

    Args:
        backbone: a name in ARCHITECTURES.
        neck: whether raw features pass a batch normalisation.
        projection: to how many numbers they are projected last, if they are (`models.whitening`).
        fine_map: leave out the last stride of the backbone, for maps of twice the height and width and about
            twice the arithmetic; ResNet-50 is always without it.
        pooling: "average" as published, or "gem" (ours).

    Raises:
        ValueError: no such backbone, pooling or projection.
        TypeError: `neck` or `fine_map` is neither true nor false, or `projection` no whole number.
    """

    kind: ClassVar[str] = "tkp"

    def __init__(
        self,
        backbone: str = "efficientnet-lite0",
        *,
        neck: bool = False,
        projection: int | None = None,
        fine_map: bool = False,
        pooling: str = "average",
    ) -> None:
        super().__init__()
        architecture = named(backbone, ARCHITECTURES)
        if not isinstance(fine_map, bool):
            raise TypeError(f"fine_map is true or false, not {fine_map!r}")
        if pooling not in POOLINGS:
            raise ValueError(f"no pooling {pooling!r}; known: {', '.join(POOLINGS)}")
        make = architecture.fine if fine_map else architecture.backbone
        self.backbone, self.fine_map, self.pooling_name = backbone, fine_map, pooling
        self.image = make()
        self.video = VideoNetwork(make(), architecture.non_local_after)
        self.pooling = POOLINGS[pooling]()
        self.set_ending(neck=neck, projection=projection)

    @property
    def architecture(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "backbone": self.backbone,
            **self.ending,
            "fine_map": self.fine_map,
            "pooling": self.pooling_name,
        }

    @property
    def width(self) -> int:
        """Numbers of a feature before the projection."""
        return self.image.dimension

    @property
    def image_backbone(self) -> nn.Module:
        """The backbone that photos pass."""
        return self.image

    def raw_images(self, images: Tensor) -> Tensor:
        """Features of single crops before the neck: (B, 3, H, W) -> (B, D)."""
        return self.pooling(self.image(images))  # type: ignore[no-any-return]

    def raw_frames(self, frames: Tensor, lengths: Sequence[int], at_once: int | None = None) -> Tensor:
        """Features of the frames of clips before the neck, as VideoNetwork: (F, 3, H, W) -> (F, D)."""
        return self.pooling(self.video(frames, lengths, at_once))  # type: ignore[no-any-return]

    def embed_images(self, images: Tensor) -> Tensor:
        """Features of single crops, of any length: (B, 3, H, W) -> (B, D)."""
        return self.end(self.raw_images(images))

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
        features = self.raw_frames(frames, lengths, at_once)  # (F, D)
        return self.end(clip_means(features, lengths))

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

    def precise(self) -> list[nn.Module]:
        """The pooling and what follows it: from there on, features are float32."""
        return [self.pooling, *super().precise()]
