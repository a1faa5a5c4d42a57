"""The head that tells people apart while a network learns; a trained network has none."""

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from models.losses import cross_entropy
from models.training.objectives.base import People
from models.training.plan import Section, Settings, Weight


class HeadSettings(Settings):
    """How people are told apart."""

    label_smoothing: float = Field(0.0, ge=0, lt=1)
    within_world: bool = Field(True, description="tell people apart from those of their own world only")
    classifier_norm: bool = Field(True, description="batch norm before the classifier, in training only")


class NeckedSettings(HeadSettings):
    """The same for a network that may have a neck, by whose features people are contrasted, too."""

    neck: Literal["none", "bn"] = "none"
    temperature: float = Field(0.1, gt=0, description="of the supervised contrast")

    @property
    def has_neck(self) -> bool:
        """Whether the network has a batch normalisation last."""
        return self.neck == "bn"


class PersonTerms(Section):
    """Weights of the terms that tell people apart by what the classifier sees; 0 leaves one out."""

    cross_entropy: Weight = 1.0
    contrastive: Weight = Field(0.0, description="supervised contrast")


class IdentityHead(nn.Module):
    """A batch normalisation without shift, and a linear classifier of people.

    Without the normalisation, weights from N(0, .001) under Adam are slow to leave chance: a step moves a
    weight by the learning rate, whatever the loss. The published TKP, CRF and cross-modal networks have none
    (`classifier_norm: false`).

    Args:
        dimension: D of the features.
        people: the C people to tell apart.
        settings: whether there is a normalisation, how labels are smoothed, and whether people are told apart
            from those of their own world only (see models.datasets.worlds).
        generator: for the classifier's first weights.
        normed: the features pass the network's neck, so the head needs no normalisation of its own.
    """

    def __init__(
        self,
        dimension: int,
        people: People,
        settings: HeadSettings,
        generator: torch.Generator,
        *,
        normed: bool = False,
    ) -> None:
        super().__init__()
        self.settings = settings
        self.norm: nn.Module = nn.Identity()
        if settings.classifier_norm and not normed:
            self.norm = nn.BatchNorm1d(dimension)
            self.norm.bias.requires_grad_(False)
        plain = not normed and not settings.classifier_norm
        self.classifier = nn.Linear(dimension, len(people), bias=plain)
        nn.init.normal_(self.classifier.weight, 0.0, 0.001, generator=generator)
        if plain:
            nn.init.zeros_(self.classifier.bias)
        self.worlds: Tensor
        self.register_buffer("worlds", people.worlds, persistent=False)

    def forward(self, seen: Tensor, labels: Tensor, known: Tensor | None = None) -> Tensor:
        """Cross entropy of N features.

        Args:
            seen: (N, D), as they come out of `norm`.
            labels: (N,) 0..C-1.
            known: (C,) bool, the people who take part; None for all.
        """
        allowed = torch.ones_like(self.worlds, dtype=torch.bool) if known is None else known
        allowed = allowed.expand(len(labels), -1)  # (C,) -> (N, C)
        if self.settings.within_world:
            allowed = allowed & (self.worlds[labels][:, None] == self.worlds)
        return cross_entropy(self.classifier(seen), labels, allowed, smoothing=self.settings.label_smoothing)

    def let_learn(self, *, norm: bool, classifier: bool) -> None:
        """Choose what learns: DistributedDataParallel would wait for the gradient of what has no effect."""
        self.classifier.requires_grad_(classifier)
        if isinstance(self.norm, nn.BatchNorm1d):
            self.norm.weight.requires_grad_(norm)
