"""What objectives share whose network has one backbone and learns to tell people apart."""

from typing import Final, Self

import torch
from torch import Tensor, nn

from models.losses import supervised_contrastive
from models.networks.backbones import Backbone
from models.networks.network import NeckedNetwork
from models.training.objectives.base import Objective, People
from models.training.objectives.head import IdentityHead
from models.training.recipe import Recipe

SETTINGS: Final = frozenset({"label_smoothing", "temperature", "within_world", "neck", "classifier_norm"})
"""Keys of `recipe.losses` that say how people are told apart."""


class Identification(Objective):
    """A network with one backbone, and the head that tells people apart.

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
        self.head = IdentityHead(network.dimension, people, recipe.losses, generator, normed=network.has_neck)
        self.frozen = list(backbone.blocks[: recipe.optimiser.frozen_blocks])
        for block in self.frozen:
            block.requires_grad_(False)

    def normalise(self, features: Tensor) -> Tensor:
        """What the classifier sees of features: (N, D) -> (N, D)."""
        return self.head.norm(self.network.neck(features))  # type: ignore[no-any-return]

    def person_terms(
        self, branch: str, seen: Tensor, labels: Tensor, known: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Supervised contrast and cross entropy, as the recipe weighs them for a branch.

        Args:
            branch: "image" or "video".
            seen: (N, D), normalised features, each of another clip.
            labels: (N,) 0..C-1.
            known: (C,) bool, the people who take part in cross entropy; None for all.
        """
        terms, losses = {}, self.recipe.losses
        if weight := getattr(losses, f"{branch}_contrastive"):
            loss = supervised_contrastive(seen, labels, losses.temperature)
            terms[f"{branch}_contrastive"] = weight * loss
        if weight := getattr(losses, f"{branch}_cross_entropy"):
            terms[f"{branch}_cross_entropy"] = weight * self.head(seen, labels, known)
        return terms

    def let_learn(self, *, normalisation: bool, classifier: bool) -> None:
        """Choose whether head and neck learn."""
        self.head.let_learn(norm=normalisation, classifier=classifier)
        if isinstance(self.network.neck, nn.BatchNorm1d):
            self.network.neck.weight.requires_grad_(normalisation)

    def head_parameters(self) -> list[nn.Parameter]:
        """Parameters of head and neck."""
        return [*self.head.parameters(), *self.network.neck.parameters()]

    def train(self, mode: bool = True) -> Self:
        """Switch all but what is frozen: its batch normalisation keeps its statistics."""
        super().train(mode)
        for block in self.frozen:
            block.eval()
        return self
