"""What the heads of training make of features."""

from torch import Tensor, nn

from models.training.objectives.head import IdentityHead


def logits_of(head: nn.Module, features: Tensor) -> Tensor:
    """(N, D) before the head's normalisation -> (N, C)."""
    assert isinstance(head, IdentityHead)
    return head.classifier(head.norm(features))  # type: ignore[no-any-return]
