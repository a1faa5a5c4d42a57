"""The network as it learns: the part that sees photos, which then sees clips too."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.devices import autocast
from models.errors import TrainingError
from models.networks.backbones import Backbone
from models.networks.network import NeckedNetwork, Network
from models.networks.tkp import TKP
from models.networks.vkd import VKD
from models.training.optimisation.norms import Norm


class Learner(nn.Module):
    """A network that embeds single crops, of which all but the frozen blocks learns.

    Args:
        network: learns in place.
        frozen_blocks: first blocks of its backbone that stay as they are, their statistics too.

    Raises:
        TrainingError: the network is of a kind that has no single backbone for photos and clips.
    """

    def __init__(self, network: Network, frozen_blocks: int) -> None:
        super().__init__()
        self.network = network
        backbone = image_backbone(network)
        self._still: list[nn.Module] = [*backbone.blocks[:frozen_blocks]]
        if isinstance(network, TKP):
            self._still.append(network.video)
        network.requires_grad_(True)
        for module in self._still:
            module.requires_grad_(False)
        if isinstance(network, NeckedNetwork):
            network.projection.requires_grad_(False)
            if isinstance(network.neck, nn.BatchNorm1d):
                network.neck.bias.requires_grad_(False)

    def forward(self, crops: Tensor, *, bf16: bool = False) -> Tensor:
        """Unit vectors: (B, 3, H, W) standardised -> (B, D) float32, computed in bfloat16 if asked for."""
        with autocast(bf16, crops.device):
            features = self.network.embed_images(crops)
        return F.normalize(features.float(), dim=1)

    def train(self, mode: bool = True) -> Self:
        """Switch all but what stays as it is: its batch normalisation keeps its statistics."""
        super().train(mode)
        for module in self._still:
            module.eval()
        return self


def image_backbone(network: Network) -> Backbone:
    """The backbone that photos pass. Raises TrainingError for a network that cannot be adapted."""
    backbone = network.image_backbone
    if not isinstance(network, TKP | VKD) or not isinstance(backbone, Backbone):
        raise TrainingError(
            f"a network of the kind {network.kind!r} cannot be adapted; tkp, 3d-saa-cmil and vkd can"
        )
    return backbone


def take_over(network: Network) -> None:
    """Let clips pass what photos taught: the video network of a pair gets the image network's weights.

    Its non-local blocks knew the old weights; they add nothing any more.
    """
    if not isinstance(network, TKP):
        return
    network.video.backbone.load_state_dict(network.image.state_dict())
    with torch.no_grad():
        for block in network.non_local_blocks():
            block.norm.weight.zero_()
            block.norm.bias.zero_()


@contextmanager
def norms_of_their_own(module: nn.Module) -> Iterator[None]:
    """While this lasts, batch norms use the statistics of what passes, and forget them.

    Simulated people look unlike the gallery's: mixed statistics would fit neither.
    """
    norms = [m for m in module.modules() if isinstance(m, Norm) and m.training]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
