"""What all training objectives have in common."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from models.datasets.clips import Clips
from models.networks.network import Network
from models.training.plan import Plan, Settings


@dataclass(frozen=True, slots=True)
class Source:
    """Another model that something was learnt from: its name, and its id (models.checkpoint)."""

    name: str
    id: str


@dataclass(frozen=True, slots=True)
class People:
    """The C people to learn from, in the order of their labels.

    Attributes:
        worlds: (C,) the world of each (see models.datasets.worlds).
        captions: what each looks like, in words; None where the data has none.
        data: hash of the tracklets that show them, and the captions (models.training.loading.fingerprint).
    """

    worlds: Tensor
    captions: tuple[str, ...] | None = None
    data: str = ""

    def __len__(self) -> int:
        return len(self.worlds)


class Objective(nn.Module, ABC):
    """A network with all that only its training needs: classifiers, teachers, losses.

    Built from (network, people, plan, settings, generator); the generator draws first weights.

    Attributes:
        settings_type: what a recipe says of this system, with the kind of its network.
        network: what is trained, and kept.
        needs_truth: whether batches must have `truth`; an objective may decide by its recipe.
        needs_captions: whether people must have captions.
        learns_from: other models that teach it, by the recipe's key that names their folder.
        diagnostics: numbers of the last forward pass that are logged beside the terms, and not minimised.
    """

    settings_type: ClassVar[type[Settings]]
    network: Network
    needs_truth: bool = False
    needs_captions: ClassVar[bool] = False

    @abstractmethod
    def __init__(
        self, network: Network, people: People, plan: Plan, settings: Settings, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.learns_from: dict[str, Source] = {}
        self.diagnostics: dict[str, Tensor] = {}

    @abstractmethod
    def forward(self, clips: Tensor, batch: Clips) -> dict[str, Tensor]:
        """The weighted terms of the loss; their sum is what is minimised.

        Args:
            clips: (N, T, 3, H, W) float, augmented and standardised.
            batch: what else is known of them, on the same device; labels are 0..C-1.
        """

    @abstractmethod
    def parts(self) -> Mapping[str, Iterable[nn.Parameter]]:
        """Parameters by the part whose factor on the learning rate they have (recipe: optimiser.rates)."""

    def after_step(self, step: int, steps: int) -> None:
        """Told after each step how many are done, and of how many."""

    def finish(self, network: Network) -> None:
        """Last touch to a copy of the network (perhaps with averaged weights) before it is written."""
