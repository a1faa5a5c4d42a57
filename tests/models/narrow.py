"""EfficientNet-Lite0 with tens of channels in place of hundreds, for tests of what is done with a network.

The code is the same, block by block; what takes time is width: weights to draw, hash, write and learn.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from models.networks.backbones import (
    BACKBONES,
    LITE0_HEAD,
    LITE0_LAST_STRIDED,
    LITE0_STAGES,
    LITE0_STEM,
    BackboneSpec,
    efficientnet_lite0,
    efficientnet_lite0_imagenet,
)

STEM, HEAD = 8, 64
CHANNELS = (8, 8, 8, 16, 24, 32, 40)
LAST_STRIDED = 32


@cache
def narrow_weights() -> Mapping[str, Tensor]:
    """Of each published tensor as many of the first channels as there is room for; to be read only.

    What norms hold fits what they see, or signals would die out on their way.
    """
    backbone = efficientnet_lite0()
    shapes = {name: tensor.shape for name, tensor in backbone.state_dict().items()}
    weights = {
        name: tensor[tuple(slice(length) for length in shapes[name])]
        for name, tensor in efficientnet_lite0_imagenet().items()
    }
    backbone.load_state_dict(weights)
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain mean of what is seen
    with torch.no_grad():
        backbone.train()(torch.randn(16, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    return backbone.state_dict()


def narrow_lite0() -> AbstractContextManager[None]:
    """While this lasts, networks are built on the narrow backbone and begin with its weights."""
    narrower = zip(LITE0_STAGES, CHANNELS, strict=True)
    stages = tuple((stage[0], channels, *stage[2:]) for stage, channels in narrower)
    spec = replace(BACKBONES["efficientnet-lite0"], weights=narrow_weights)
    return _built(stages, STEM, HEAD, LAST_STRIDED, {**BACKBONES, "efficientnet-lite0": spec})


def published_lite0() -> AbstractContextManager[None]:
    """While this lasts, they are built as published after all: for what has to learn."""
    return _built(LITE0_STAGES, LITE0_STEM, LITE0_HEAD, LITE0_LAST_STRIDED, BACKBONES)


@contextmanager
def _built(
    stages: object, stem: int, head: int, last_strided: int, known: Mapping[str, BackboneSpec]
) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("models.networks.backbones.LITE0_STAGES", stages)
        patched.setattr("models.networks.backbones.LITE0_STEM", stem)
        patched.setattr("models.networks.crf_subnetwork.LITE0_STEM", stem)
        patched.setattr("models.networks.backbones.LITE0_HEAD", head)
        patched.setattr("models.networks.backbones.LITE0_LAST_STRIDED", last_strided)
        patched.setattr("models.zoo.BACKBONES", known)
        yield


def narrow_and_long(backbones: Iterable[str]) -> list[Any]:
    """Parameters of a test: the narrow backbone always, all others with the tests that take long."""
    return [
        name if name == "efficientnet-lite0" else pytest.param(name, marks=pytest.mark.long)
        for name in sorted(backbones)
    ]
