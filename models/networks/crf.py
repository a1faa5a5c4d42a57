"""The CRF network: what a CNN and an RNN say of a clip, added up, for the whole body and for its halves.

The CRF paper (its section on CNN-RNN fusion and on local-global fusion) builds on the RCN of McLaughlin, Martinez
del Rincon and Miller, "Recurrent Convolutional Network for Video-based Person Re-Identification", CVPR 2016; where
it is silent, the RCN's published code decides.

Photos and clips pass one and the same network: a photo is a clip of one frame, without motion and without memory.

Published rankings are by Euclidean distance between raw features. Sightline ranks by cosine, which does not see
the length of a feature. With `euclidean` R every feature gets one more dimension, the constant R: for R well above
the features' lengths, cos([x, R], [y, R]) falls with |x - y|, so both rankings agree. The constant is its own mean
over clips, so tracklets keep it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.backbones import Backbone, efficientnet_lite0
from models.networks.clip_channels import CHANNELS, NORMALISATIONS, five_channels, motion_beside_colour
from models.networks.network import Network, check_lengths
from models.networks.recurrence import Recurrence
from models.networks.tkp import in_parts, pool

DIMENSION: Final = 128
DROPOUT: Final = 0.6
GROUP: Final = 16  # frames after which the memory starts anew, as many as it is trained on
MARGIN: Final = 8  # rows and columns that a crop leaves out
CENTRE: Final = MARGIN // 2
# Top and left of the crops of the published test augmentation, which go down the diagonal.
OFFSETS: Final = range(1, 9)
SMALL_FILTERS: Final = (16, 32, 32)
SMALL_SIZE: Final = (64, 48)
FEATURES: Final = ("cnn+rnn", "cnn", "rnn")

# What standardised pixels are made back to 0..1 with: mean and standard deviation of models.preprocessing.
SCALES: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {"small": (0.0, 1.0), "efficientnet-lite0": (127 / 255, 128 / 255)}
)

REGIONS: Final[Mapping[str, Callable[[Tensor], Tensor]]] = MappingProxyType(
    {
        "full": lambda frames: frames,
        "upper": lambda frames: _stretch(frames[:, :, : frames.shape[2] // 2], frames.shape[2:]),
        "lower": lambda frames: _stretch(frames[:, :, frames.shape[2] // 2 :], frames.shape[2:]),
    }
)


class Layer(nn.Module):
    """Padding by 4, 5 x 5 convolution, and 2 x 2 max-pooling with ReLU after it (CRF) or tanh before it (RCN)."""

    def __init__(self, inputs: int, outputs: int, *, rcn: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 5, padding=4)
        self.rcn = rcn

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, (H + 4) // 2, (W + 4) // 2)."""
        x = self.conv(x)
        return F.max_pool2d(x.tanh(), 2) if self.rcn else F.relu(F.max_pool2d(x, 2))


def small(*, rcn: bool) -> Backbone:
    """Build the CNN of RCN: three layers, (N, 5, 56, 40) -> (N, 32, 10, 8)."""
    inputs = (CHANNELS, *SMALL_FILTERS)
    return Backbone(
        [Layer(a, b, rcn=rcn) for a, b in zip(inputs[:-1], SMALL_FILTERS, strict=True)], list(SMALL_FILTERS)
    )


def lite0() -> Backbone:
    """Build EfficientNet-Lite0 for five channels (ours, to compare systems on one backbone)."""
    backbone = efficientnet_lite0()
    stem = backbone.blocks[0].conv
    assert isinstance(stem, nn.Conv2d)
    backbone.blocks[0].conv = nn.Conv2d(
        CHANNELS, stem.out_channels, stem.kernel_size, stem.stride, stem.padding, bias=False
    )
    return backbone


class Subnetwork(nn.Module):
    """Frames of one region of the body to features of clips: x = mean f_t + mean o_t, or one of the two.

    Args:
        backbone: "small" or "efficientnet-lite0".
        features: one of FEATURES.
        rcn: build the small CNN and the memory as RCN has them.
    """

    def __init__(self, backbone: str, *, features: str, rcn: bool) -> None:
        super().__init__()
        self.backbone = small(rcn=rcn) if backbone == "small" else lite0()
        self.flat = backbone == "small"
        width = SMALL_FILTERS[-1] * 10 * 8 if self.flat else self.backbone.dimension
        self.dropout = nn.Dropout(DROPOUT)
        self.embed = nn.Linear(width, DIMENSION)
        self.recurrence = (
            Recurrence(DIMENSION, dropout=DROPOUT, input_map=not rcn) if "rnn" in features else None
        )
        self.has_cnn = "cnn" in features

    def forward(self, x: Tensor, lengths: Sequence[int], at_once: int | None = None) -> Tensor:
        """Features of clips.

        The memory starts anew after every GROUP frames. The published feature is the mean over groups; here
        groups count by their frames (ours: a last group can be short), so it is the mean over frames.

        Args:
            x: (F, 5, h, w), the frames of all clips end to end.
            lengths: frames of each clip.
            at_once: frames that pass the CNN together; None for all.

        Returns:
            (len(lengths), 128) in float32 at least.
        """
        full = torch.promote_types(x.dtype, torch.float32)
        maps = in_parts(self.backbone.blocks, x.to(self.backbone_dtype), at_once)
        flat = maps.flatten(1).to(full) if self.flat else pool(maps)
        f = self.embed(self.dropout(flat)).to(full)  # (F, 128)
        x = f if self.has_cnn else torch.zeros_like(f)
        if self.recurrence is not None:
            groups = [min(GROUP, length - start) for length in lengths for start in range(0, length, GROUP)]
            x = x + self.recurrence(f, groups)
        return torch.stack([clip.mean(dim=0) for clip in torch.split(x, list(lengths))])

    @property
    def backbone_dtype(self) -> torch.dtype:
        """What the CNN computes in: bf16 where the embedder asks for it."""
        return next(self.backbone.parameters()).dtype


class Fusion(nn.Module):
    """Weights of the regions: x_final = sum of W_k x_k, with weights that are positive and add up to 1.

    Interpretation: the paper says that they are adaptive parameters learned from the training sets, no more.
    """

    def __init__(self, regions: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(regions))

    @property
    def weights(self) -> Tensor:
        """(K,), positive, of sum 1."""
        return self.logits.softmax(dim=0)

    def forward(self, features: Tensor) -> Tensor:
        """(K, N, D) -> (N, D)."""
        return torch.einsum("k,knd->nd", self.weights.to(features.dtype), features)


class CRF(Network):
    """Sub-networks for regions of the body, and their fusion.

    Args:
        backbone: "small", which takes frames of 64 x 48, or "efficientnet-lite0" (ours).
        features: "cnn+rnn", or "cnn" or "rnn" alone (the paper's ablation).
        rcn: the small CNN with tanh before pooling, and no map before the memory. With the features "rnn" and
            the full body that is the RCN.
        parts: of "full", "upper" and "lower"; the paper has all three.
        normalisation: "standard", or "published" with the quirks of RCN's code (small backbone only).
        test_augmentation: the mean over 8 crops and their mirror images, 16 times the work.
        euclidean: the constant R that makes cosines rank as Euclidean distances do; 0 for none.

    Raises:
        ValueError: an argument is none of these.
    """

    kind: ClassVar[str] = "crf"

    def __init__(
        self,
        backbone: str = "small",
        *,
        features: str = "cnn+rnn",
        rcn: bool = False,
        parts: Sequence[str] = ("full",),
        normalisation: str = "standard",
        test_augmentation: bool = False,
        euclidean: float = 0.0,
    ) -> None:
        super().__init__()
        _check("backbone", backbone, SCALES)
        _check("features", features, FEATURES)
        _check("normalisation", normalisation, NORMALISATIONS)
        if not isinstance(parts, list | tuple) or not parts or len(set(map(str, parts))) < len(parts):
            raise ValueError(f"parts is a list of different regions, not {parts!r}")
        for part in parts:
            _check("part", part, REGIONS)
        if not isinstance(rcn, bool) or not isinstance(test_augmentation, bool):
            raise ValueError("rcn and test_augmentation are true or false")
        if isinstance(euclidean, bool) or not isinstance(euclidean, int | float):
            raise ValueError(f"euclidean is a number, not {euclidean!r}")
        if not 0 <= euclidean < math.inf:
            raise ValueError(f"euclidean is zero or positive, not {euclidean!r}")
        if backbone != "small" and (rcn or normalisation != "standard"):
            raise ValueError(f"rcn and the published normalisation are of the small backbone, not {backbone}")
        self._architecture = {
            "backbone": backbone,
            "features": features,
            "rcn": rcn,
            "parts": list(parts),
            "normalisation": normalisation,
            "test_augmentation": test_augmentation,
            "euclidean": euclidean,
        }
        self.subnetworks = nn.ModuleDict(
            {part: Subnetwork(backbone, features=features, rcn=rcn) for part in parts}
        )
        self.fusion = Fusion(len(parts)) if len(parts) > 1 else None
        self.neck = nn.Identity()

    @property
    def architecture(self) -> dict[str, Any]:
        """All arguments of the constructor."""
        return dict(self._architecture)

    @property
    def dimension(self) -> int:
        """128, and one more with `euclidean`."""
        return DIMENSION + (self._architecture["euclidean"] > 0)

    def embed_images(self, images: Tensor) -> Tensor:
        """Features of single pictures, clips of one frame: (B, 3, H, W) -> (B, D)."""
        return self.embed_frames(images, [1] * len(images))

    def embed_frames(self, frames: Tensor, lengths: Sequence[int], at_once: int | None = None) -> Tensor:
        """Features of clips, as Network says: (F, 3, H, W) -> (len(lengths), D).

        Raises:
            ValueError: also for frames of a size that the small backbone does not take.
        """
        x = self.fuse(self.part_features(frames, lengths, at_once))
        if radius := self._architecture["euclidean"]:
            x = F.pad(x, (0, 1), value=radius)  # (N, 128) -> (N, 129)
        return x

    def part_features(self, frames: Tensor, lengths: Sequence[int], at_once: int | None = None) -> Tensor:
        """Features of each region before fusion, (K, len(lengths), 128), regions as in `parts`."""
        check_lengths(frames, lengths)
        if self._architecture["backbone"] == "small" and frames.shape[2:] != SMALL_SIZE:
            raise ValueError(f"the small backbone takes frames of 64 x 48, not {tuple(frames.shape[2:])}")
        x = frames.to(torch.promote_types(frames.dtype, torch.float32))
        augmented = self._architecture["test_augmentation"] and not self.training
        offsets = OFFSETS if augmented else (CENTRE,)
        features = []
        for part, subnetwork in self.subnetworks.items():
            region = REGIONS[part](x)
            versions = []
            for version in (region, region.flip(-1)) if augmented else (region,):
                channels = self._channels(version, lengths)
                versions += [subnetwork(self._crop(channels, at), lengths, at_once) for at in offsets]
            features.append(torch.stack(versions).mean(dim=0))
        return torch.stack(features)

    def fuse(self, features: Tensor) -> Tensor:
        """Features of all regions to one: (K, N, 128) -> (N, 128)."""
        return features[0] if self.fusion is None else self.fusion(features)

    def initialise(self, backbone: Mapping[str, Tensor], generator: torch.Generator) -> None:
        """Start every CNN from `backbone` (empty for the small one, which is drawn too), all else at random.

        Weights and biases are uniform within 1 / sqrt(inputs), as in RCN's Torch7. The flow channels of
        EfficientNet-Lite0 start at zero, so that it begins as what it was on ImageNet.
        """
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
                bound = 1 / math.sqrt(module.weight[0].numel())
                nn.init.uniform_(module.weight, -bound, bound, generator=generator)
                nn.init.uniform_(module.bias, -bound, bound, generator=generator)
        if self.fusion is not None:
            nn.init.zeros_(self.fusion.logits)
        if backbone:
            stem = "blocks.0.conv.weight"
            wider = F.pad(backbone[stem], (0, 0, 0, 0, 0, CHANNELS - 3))  # (32, 3, 3, 3) -> (32, 5, 3, 3)
            for subnetwork in self._subnetworks():
                subnetwork.backbone.load_state_dict({**backbone, stem: wider})

    def precise(self) -> list[nn.Module]:
        """All but the CNNs."""
        light = [[s.embed, s.recurrence] for s in self._subnetworks()]
        return [module for module in [*sum(light, []), self.fusion] if module is not None]

    def _subnetworks(self) -> list[Subnetwork]:
        return [s for s in self.subnetworks.values() if isinstance(s, Subnetwork)]

    def _channels(self, frames: Tensor, lengths: Sequence[int]) -> Tensor:
        """(F, 3, H, W) standardised -> (F, 5, H, W)."""
        mean, std = SCALES[self._architecture["backbone"]]
        with torch.autocast(frames.device.type, enabled=False):
            rgb = frames * std + mean
            if self._architecture["backbone"] == "small":
                return five_channels(rgb, lengths, self._architecture["normalisation"])
            return motion_beside_colour(frames, rgb, lengths)

    def _crop(self, channels: Tensor, offset: int) -> Tensor:
        """Cut a window; for the small CNN the mean over all channels goes, as RCN's code does after cropping."""
        height, width = channels.shape[2] - MARGIN, channels.shape[3] - MARGIN
        x = channels[:, :, offset : offset + height, offset : offset + width]
        return x - x.mean(dim=(1, 2, 3), keepdim=True) if self._architecture["backbone"] == "small" else x


def _stretch(frames: Tensor, size: Sequence[int]) -> Tensor:
    """Interpretation: a half is resized to the size of the whole."""
    return F.interpolate(frames, tuple(size), mode="bilinear", align_corners=False)


def _check(name: str, value: object, known: Mapping[str, object] | Sequence[str]) -> None:
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"no {name} {value!r}; known: {', '.join(known)}")
