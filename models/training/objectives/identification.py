"""What objectives share whose network has one backbone and learns to tell people apart."""

from typing import Self

import torch
from torch import Tensor, nn

from models.losses import supervised_contrastive
from models.networks.backbones import Backbone
from models.networks.network import NeckedNetwork
from models.training.objectives.base import Objective, People
from models.training.objectives.head import IdentityHead, NeckedSettings, PersonTerms
from models.training.plan import Plan


class Identification(Objective):
    """A network with one backbone, and the head that tells people apart.

    Args:
        network: what is trained.
        backbone: the network's; its first blocks may be frozen.
        people: to tell apart.
        plan: how many blocks are frozen.
        settings: how people are told apart.
        generator: for the classifier's first weights.
    """

    network: NeckedNetwork

    def __init__(
        self,
        network: NeckedNetwork,
        people: People,
        plan: Plan,
        settings: NeckedSettings,
        generator: torch.Generator,
        *,
        backbone: Backbone,
    ) -> None:
        super().__init__(network, people, plan, settings, generator)
        self.network, self.plan = network, plan
        self.contrast_temperature = settings.temperature
        self.head = IdentityHead(network.dimension, people, settings, generator, normed=network.has_neck)
        self.frozen = list(backbone.blocks[: plan.optimiser.frozen_blocks])
        for block in self.frozen:
            block.requires_grad_(False)

    def normalise(self, features: Tensor) -> Tensor:
        """What the classifier sees of features: (N, D) -> (N, D)."""
        return self.head.norm(self.network.neck(features))  # type: ignore[no-any-return]

    def person_terms(
        self, branch: str, weights: PersonTerms, seen: Tensor, labels: Tensor, known: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Supervised contrast and cross entropy, weighted.

        Args:
            branch: what the terms' names begin with.
            weights: of the two.
            seen: (N, D), normalised features, each of another clip.
            labels: (N,) 0..C-1.
            known: (C,) bool, the people who take part in cross entropy; None for all.
        """
        terms = {}
        if weight := weights.contrastive:
            loss = supervised_contrastive(seen, labels, self.contrast_temperature)
            terms[f"{branch}_contrastive"] = weight * loss
        if weight := weights.cross_entropy:
            terms[f"{branch}_cross_entropy"] = weight * self.head(seen, labels, known)
        return terms

    def let_learn(self, *, normalisation: bool, classifier: bool) -> None:
        """Choose whether head and neck learn."""
        self.head.let_learn(norm=normalisation, classifier=classifier)
        if isinstance(self.network.neck, nn.BatchNorm1d):
            self.network.neck.weight.requires_grad_(normalisation)
            self.network.neck.bias.requires_grad_(False)

    def head_parameters(self) -> list[nn.Parameter]:
        """Parameters of head and neck."""
        return [*self.head.parameters(), *self.network.neck.parameters()]

    def train(self, mode: bool = True) -> Self:
        """Switch all but what is frozen: its batch normalisation keeps its statistics."""
        super().train(mode)
        for block in self.frozen:
            block.eval()
        return self
