"""Networks whose tensors are named as torchreid 1.4 names them, with random weights.

Written for the tests from the published descriptions: Zhou et al., "Omni-Scale Feature Learning for Person
Re-Identification", ICCV 2019, and He et al., CVPR 2016. In evaluation mode both return features.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from models import torchvision_compat


class ConvLayer(nn.Module):
    def __init__(self, inside: int, out: int, size: int, stride: int = 1, padding: int = 0) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inside, out, size, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(out)

    def forward(self, x: Tensor) -> Tensor:
        return self.activate(self.bn(self.conv(x)))

    def activate(self, x: Tensor) -> Tensor:
        return torch.relu(x)


class Linear(ConvLayer):
    def activate(self, x: Tensor) -> Tensor:
        return x


class LightConv3x3(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.bn(self.conv2(self.conv1(x))))


class ChannelGate(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Conv2d(channels, max(1, channels // 16), 1)
        self.fc2 = nn.Conv2d(max(1, channels // 16), channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = torch.nn.functional.adaptive_avg_pool2d(x, 1)
        return x * torch.sigmoid(self.fc2(torch.relu(self.fc1(pooled))))


class OSBlock(nn.Module):
    def __init__(self, inside: int, out: int) -> None:
        super().__init__()
        middle = out // 4
        self.conv1 = ConvLayer(inside, middle, 1)
        self.conv2a = LightConv3x3(middle)
        self.conv2b, self.conv2c, self.conv2d = (
            nn.Sequential(*(LightConv3x3(middle) for _ in range(count))) for count in (2, 3, 4)
        )
        self.gate = ChannelGate(middle)
        self.conv3 = Linear(middle, out, 1)
        self.downsample = Linear(inside, out, 1) if inside != out else None

    def forward(self, x: Tensor) -> Tensor:
        inner = self.conv1(x)
        scales = [self.gate(one(inner)) for one in (self.conv2a, self.conv2b, self.conv2c, self.conv2d)]
        rest = x if self.downsample is None else self.downsample(x)
        return torch.relu(self.conv3(torch.stack(scales).sum(0)) + rest)


class OSNet(nn.Module):
    def __init__(self, classes: int, channels: Sequence[int] = (16, 32, 48, 64), dimension: int = 64) -> None:
        super().__init__()
        self.conv1 = ConvLayer(3, channels[0], 7, 2, 3)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        pairs = list(pairwise(channels))
        self.conv2, self.conv3, self.conv4 = (
            nn.Sequential(
                OSBlock(inside, out),
                OSBlock(out, out),
                *([nn.Sequential(ConvLayer(out, out, 1), nn.AvgPool2d(2, 2))] if number < 2 else []),
            )
            for number, (inside, out) in enumerate(pairs)
        )
        self.conv5 = ConvLayer(channels[-1], channels[-1], 1)
        self.global_avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(nn.Linear(channels[-1], dimension), nn.BatchNorm1d(dimension), nn.ReLU())
        self.classifier = nn.Linear(dimension, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.conv1(x))
        x = self.conv5(self.conv4(self.conv3(self.conv2(x))))
        features: Tensor = self.fc(self.global_avgpool(x).flatten(1))
        return self.classifier(features) if self.training else features


class ResNet50(nn.Module):
    """torchvision's modules and names; a classifier instead of fc."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        torchvision_compat.ensure()
        from torchvision.models import resnet50

        whole: nn.Module = resnet50(weights=None)
        for name, module in whole.named_children():
            if name not in {"avgpool", "fc"}:
                self.add_module(name, module)
        self.global_avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(2048, classes)

    def forward(self, x: Tensor) -> Tensor:
        for name, module in self.named_children():
            if name not in {"global_avgpool", "classifier"}:
                x = module(x)
        features: Tensor = self.global_avgpool(x).flatten(1)
        return self.classifier(features) if self.training else features


BUILDERS: dict[str, Callable[[int], nn.Module]] = {"osnet_x1_0": OSNet, "resnet50": ResNet50}


def build_model(name: str, num_classes: int, *, pretrained: bool = True) -> nn.Module:
    """As torchreid.models.build_model; nothing is downloaded here."""
    assert not pretrained
    return BUILDERS[name](num_classes)


def trained(name: str) -> nn.Module:
    """A network as training leaves it: norms that have seen data, a classifier of 751 people."""
    torch.manual_seed(3)
    network = BUILDERS[name](751)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            module.running_mean = torch.randn_like(module.bias) / 10
            module.running_var = torch.rand_like(module.bias) + 0.5
    return network.eval()
