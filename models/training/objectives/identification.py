"""What objectives share whose network has one backbone and learns to tell people apart."""

from typing import Final, Self

import torch
from torch import Tensor, nn

from models.losses import cross_entropy, supervised_contrastive
from models.networks.backbones import Backbone
from models.networks.network import NeckedNetwork
from models.training.objectives.base import Objective, People
from models.training.objectives.tkp import make_classifier
from models.training.recipe import Recipe

SETTINGS: Final = frozenset({"label_smoothing", "temperature", "within_world", "neck"})
"""Keys of `recipe.losses` that say how people are told apart."""


class Identification(Objective):
    """A network, and a classifier without bias behind a batch normalisation without shift.

    The normalisation is the network's neck; where it has none, training has one of its own. People are told
    apart from those of their own world only (see models.datasets.worlds), if the recipe says so.

    Args:
        network: what is trained.
        backbone: the network's; its first blocks may be frozen.
        people: to tell apart.
        recipe: which losses.
        generator: for the classifier's first weights.

    Raises:
        BadRecipe: the recipe asks for a loss or a branch that there is not.
    """

    network: NeckedNetwork

    def __init__(
        self,
        network: NeckedNetwork,
        backbone: Backbone,
        people: People,
        recipe: Recipe,
        generator: torch.Generator,
    ) -> None:
        super().__init__(network, people, recipe, generator)
        self.network = network
        self.recipe = recipe
        self.norm: nn.Module = nn.Identity()
        if not network.has_neck:
            self.norm = nn.BatchNorm1d(network.dimension)
            self.norm.bias.requires_grad_(False)
        self.classifier = make_classifier(network.dimension, len(people), bias=False, generator=generator)
        self.worlds: Tensor
        self.register_buffer("worlds", people.worlds, persistent=False)
        self.frozen = list(backbone.blocks[: recipe.optimiser.frozen_blocks])
        for block in self.frozen:
            block.requires_grad_(False)

    def normalise(self, features: Tensor) -> Tensor:
        """What the classifier sees of features: (N, D) -> (N, D)."""
        return self.norm(self.network.neck(features))  # type: ignore[no-any-return]

    def person_terms(self, branch: str, seen: Tensor, labels: Tensor, known: Tensor) -> dict[str, Tensor]:
        """Supervised contrast and cross entropy, as the recipe weighs them for a branch.

        Args:
            branch: "image" or "video".
            seen: (N, D), normalised features.
            labels: (N,) 0..C-1.
            known: (C,) bool, who is there to be told apart from.
        """
        terms, losses = {}, self.recipe.losses
        if weight := getattr(losses, f"{branch}_contrastive"):
            loss = supervised_contrastive(seen, labels, losses.temperature)
            terms[f"{branch}_contrastive"] = weight * loss
        if weight := getattr(losses, f"{branch}_cross_entropy"):
            allowed = known.expand(len(labels), -1)
            if losses.within_world:
                allowed = allowed & (self.worlds[labels][:, None] == self.worlds)  # (N, C)
            logits = self.classifier(seen)
            loss = cross_entropy(logits, labels, allowed, smoothing=losses.label_smoothing)
            terms[f"{branch}_cross_entropy"] = weight * loss
        return terms

    def let_learn(self, *, normalisation: bool, classifier: bool) -> None:
        """Let the two learn or not: what has no effect must not be waited for by DistributedDataParallel."""
        self.classifier.requires_grad_(classifier)
        for norm in (self.norm, self.network.neck):
            if isinstance(norm, nn.BatchNorm1d):
                norm.weight.requires_grad_(normalisation)

    def head(self) -> list[nn.Parameter]:
        """Parameters of classifier and normalisation."""
        modules = (self.classifier, self.norm, self.network.neck)
        return [parameter for module in modules for parameter in module.parameters()]

    def train(self, mode: bool = True) -> Self:
        """Switch all but what is frozen: its batch normalisation keeps its statistics."""
        super().train(mode)
        for block in self.frozen:
            block.eval()
        return self
