"""The CRF network: what a CNN and an RNN say of a clip, added up, for the whole body and for its halves.

The CRF paper (CNN-RNN fusion, siamese and softmax losses, local and global fusion) builds on the RCN of
McLaughlin, Martinez del Rincon and Miller, "Recurrent Convolutional Network for Video-based Person
Re-Identification", CVPR 2016; where it is silent, RCN's paper and published code decide.

Photos and clips pass one and the same network: a photo is a clip of one frame, with no motion and no memory.

Published rankings are by Euclidean distance between raw features. Sightline ranks by cosine, which does not
see how long a feature is. With `euclidean` R every feature gets one more dimension, the constant R: for R far
above the lengths of features, cos([x, R], [y, R]) falls with |x - y|, so both rankings agree. The mean of the
constant over clips is the constant, so features of tracklets have it too.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.networks.backbones import BACKBONES
from models.networks.clip_channels import CHANNELS, NORMALISATIONS, five_channels, motion_beside_colour
from models.networks.crf_subnetwork import DIMENSION, FEATURES, Subnetwork
from models.networks.network import Network, check_lengths
from models.networks.recurrence import MEMORIES

MARGIN: Final = 8  # rows and columns that a crop leaves out
CENTRE: Final = MARGIN // 2
# Top and left of the crops of the published test augmentation, which go down the diagonal.
OFFSETS: Final = range(1, 9)
SMALL_SIZE: Final = (64, 48)

KNOWN: Final = ("small", "efficientnet-lite0")

REGIONS: Final[Mapping[str, Callable[[Tensor], Tensor]]] = MappingProxyType(
    {
        "full": lambda frames: frames,
        "upper": lambda frames: _stretch(frames[:, :, : frames.shape[2] // 2], frames.shape[2:]),
        "lower": lambda frames: _stretch(frames[:, :, frames.shape[2] // 2 :], frames.shape[2:]),
    }
)


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
        features: "cnn+rnn", or "cnn" or "rnn" alone; `tap` reads these off one network, as the paper does.
        rcn: the small CNN with tanh before pooling, and no map before the memory. With the features "rnn", a
            memory by "tanh" and the full body that is the RCN.
        memory: what r_t is of o_t: "relu" as the paper's equation 4 prints it, or "tanh" as in RCN. Networks
            that were trained before there was a choice have "tanh", so that is what goes without saying.
        parts: of "full", "upper" and "lower"; the paper has all three.
        normalisation: "standard", or "published" with the quirks of RCN's code (small backbone only).
        test_augmentation: the mean over 8 crops and their mirror images, 16 times the work.
        euclidean: the constant R that makes cosines rank as Euclidean distances do; 0 for none.

    Raises:
        ValueError: an argument is none of these.
        TypeError: a switch is neither true nor false.
    """

    kind: ClassVar[str] = "crf"

    def __init__(
        self,
        backbone: str = "small",
        *,
        features: str = "cnn+rnn",
        rcn: bool = False,
        memory: str = "tanh",
        parts: Sequence[str] = ("full",),
        normalisation: str = "standard",
        test_augmentation: bool = False,
        euclidean: float = 0.0,
    ) -> None:
        super().__init__()
        _check("backbone", backbone, KNOWN)
        _check("features", features, FEATURES)
        _check("memory", memory, MEMORIES)
        _check("normalisation", normalisation, NORMALISATIONS)
        _check_parts(parts)
        _check_switch("rcn", rcn)
        _check_switch("test_augmentation", test_augmentation)
        if backbone != "small" and (rcn or normalisation != "standard"):
            raise ValueError(f"rcn and the published normalisation are of the small backbone, not {backbone}")
        if type(euclidean) not in {int, float} or not 0 <= euclidean < math.inf:
            raise ValueError(f"euclidean is zero or a positive number, not {euclidean!r}")
        self.backbone, self.features, self.rcn, self.memory = backbone, features, rcn, memory
        self.normalisation, self.test_augmentation = normalisation, test_augmentation
        self.euclidean = euclidean
        self.subnetworks = nn.ModuleDict(
            {part: Subnetwork(backbone, features=features, rcn=rcn, memory=memory) for part in parts}
        )
        self.fusion = Fusion(len(parts)) if len(parts) > 1 else None

    @property
    def architecture(self) -> dict[str, Any]:
        """All arguments of the constructor."""
        return {
            "backbone": self.backbone,
            "features": self.features,
            "rcn": self.rcn,
            "memory": self.memory,
            "parts": list(self.subnetworks),
            "normalisation": self.normalisation,
            "test_augmentation": self.test_augmentation,
            "euclidean": self.euclidean,
        }

    @property
    def dimension(self) -> int:
        """128, and one more with `euclidean`."""
        return DIMENSION + (self.euclidean > 0)

    def embed_images(self, images: Tensor) -> Tensor:
        """Features of single crops, clips of one frame: (B, 3, H, W) -> (B, D)."""
        return self.embed_frames(images, [1] * len(images))

    def embed_frames(self, frames: Tensor, lengths: Sequence[int], at_once: int | None = None) -> Tensor:
        """Features of clips, as Network says: (F, 3, H, W) -> (len(lengths), D).

        Raises:
            ValueError: also for frames of a size that the small backbone does not take.
        """
        x = self.fuse(self.part_features(frames, lengths, at_once))
        if radius := self.euclidean:
            x = F.pad(x, (0, 1), value=radius)  # (N, 128) -> (N, 129)
        return x

    def part_features(self, frames: Tensor, lengths: Sequence[int], at_once: int | None = None) -> Tensor:
        """Features of each region before fusion, (K, len(lengths), 128), regions as in `parts`."""
        check_lengths(frames, lengths)
        if self.backbone == "small" and frames.shape[2:] != SMALL_SIZE:
            raise ValueError(f"the small backbone takes frames of 64 x 48, not {tuple(frames.shape[2:])}")
        x = frames.to(torch.promote_types(frames.dtype, torch.float32))
        augmented = self.test_augmentation and not self.training
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

    def tap(self, features: str, part: str | None = None) -> "CRF":
        """This network read at another place: x_C ("cnn") or x_R ("rnn") of a network trained for their sum.

        The paper compares CNN, RNN and their sum as features of one trained network, and one region of the
        body with the fusion of all: `part` names a region to read alone, before the fusion.

        Raises:
            ValueError: it does not have these features, or no such region.
        """
        if part is not None and part not in self.subnetworks:
            raise ValueError(f"the network has no sub-network of the {part} body")
        parts = list(self.subnetworks) if part is None else [part]
        with torch.device("meta"):
            tapped = CRF(**{**self.architecture, "features": features, "parts": parts})
        mine = self.state_dict()
        if self.features not in {"cnn+rnn", features}:
            raise ValueError(f"a network of {self.features} features has no {features} features to read")
        tapped.load_state_dict({name: mine[name] for name in tapped.state_dict()}, assign=True)
        return tapped.train(self.training)

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
        light = [module for s in self._subnetworks() for module in (s.embed, s.recurrence)]
        return [module for module in (*light, self.fusion) if module is not None]

    def _subnetworks(self) -> list[Subnetwork]:
        return [s for s in self.subnetworks.values() if isinstance(s, Subnetwork)]

    def _channels(self, frames: Tensor, lengths: Sequence[int]) -> Tensor:
        """(F, 3, H, W) standardised -> (F, 5, H, W)."""
        spec = BACKBONES[self.backbone]
        mean, std = (frames.new_tensor(values).view(1, 3, 1, 1) for values in (spec.mean, spec.std))
        with torch.autocast(frames.device.type, enabled=False):
            rgb = frames * std + mean
            if self.backbone == "small":
                return five_channels(rgb, lengths, self.normalisation)
            return motion_beside_colour(frames, rgb, lengths)

    def _crop(self, channels: Tensor, offset: int) -> Tensor:
        """Cut a window. The small CNN gets each frame less the mean over all its channels, as in RCN."""
        height, width = channels.shape[2] - MARGIN, channels.shape[3] - MARGIN
        x = channels[:, :, offset : offset + height, offset : offset + width]
        return x - x.mean(dim=(1, 2, 3), keepdim=True) if self.backbone == "small" else x


def _stretch(frames: Tensor, size: Sequence[int]) -> Tensor:
    """Interpretation: a half is resized to the size of the whole."""
    return F.interpolate(frames, tuple(size), mode="bilinear", align_corners=False)


def _check_switch(name: str, value: object) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{name} is true or false, not {value!r}")


def _check_parts(parts: object) -> None:
    if not isinstance(parts, list | tuple) or not parts or len(set(map(str, parts))) < len(parts):
        raise ValueError(f"parts is a list of different regions, not {parts!r}")
    for part in parts:
        _check("part", part, REGIONS)


def _check(name: str, value: object, known: Mapping[str, object] | Sequence[str]) -> None:
    if not isinstance(value, str) or value not in known:
        raise ValueError(f"no {name} {value!r}; known: {', '.join(known)}")
