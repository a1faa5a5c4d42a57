"""Fixed model reuse: what a fixed model knows moves into a network, until the fixed model can go.

Yang, Zhan, Fan, Jiang, Zhou, "Deep Learning for Fixed Model Reuse", AAAI 2017 (FMR). Features x of a network
and features z of a fixed model stand in parallel, both connected to the outputs:

    y = W x + V (m * z)

with a mask m that is all ones at first. The objective is that of the task on y, plus the reconstruction of
what is still connected, 1/2 mean((m * (z - U x))^2), plus a ridge on W, U and V. Back-propagation of all this
into the network is weight propagation; setting more and more entries of m to zero is knockdown. Once all of m
is zero, y = W x, and z is not needed any more.

Only the first page of the paper is public: the maths is that of a small public re-implementation. The paper's
amount and number of knockdowns are not known (interpretation: see `active_entries`).
"""

import math
from typing import Final, Literal, get_args

import torch
from torch import Tensor, nn

Mode = Literal["none", "propagation", "knockdown", "propagation-knockdown"]
"""How a fixed model is reused.

none: not at all, y = W x from the start.
propagation (WP): the objective reaches into the network; all of z stays connected, to go after the last step.
knockdown (KD): z is knocked down, but the reconstruction does not change the network.
propagation-knockdown (WP/K): both, and training goes on after each knockdown. This is the method.
"""

MODES: Final[tuple[Mode, ...]] = get_args(Mode)


class FixedModelReuse(nn.Module):
    """V, U and m of one network and one fixed model; W belongs to the network.

    Args:
        features: width of x.
        fixed: width of z.
        outputs: width of y.
        generator: for first weights and for the order in which entries of z go.
    """

    def __init__(self, features: int, fixed: int, outputs: int, generator: torch.Generator) -> None:
        super().__init__()
        self.v = nn.Linear(fixed, outputs, bias=False)
        self.u = nn.Linear(features, fixed, bias=False)
        for layer in (self.v, self.u):
            nn.init.normal_(layer.weight, 0.0, 1 / math.sqrt(layer.in_features), generator=generator)
        self.mask: Tensor
        self.turn: Tensor
        self.register_buffer("mask", torch.ones(fixed))
        # The same as drawing some of those left at each step, but a run that resumes needs no generator.
        self.register_buffer("turn", torch.randperm(fixed, generator=generator))

    @property
    def active(self) -> int:
        """Entries of z that are still connected."""
        return int(self.mask.sum())

    def knock_down(self, active: int) -> None:
        """Disconnect random entries until `active` are left; those that are gone never come back."""
        self.mask *= self.turn < active

    def forward(self, own: Tensor, fixed: Tensor) -> Tensor:
        """y = W x + V (m * z).

        Args:
            own: (N, outputs), W x.
            fixed: (N, fixed), z.
        """
        return own + self.v(self.mask * fixed)  # type: ignore[no-any-return]

    def reconstruction(self, features: Tensor, fixed: Tensor) -> Tensor:
        """1/2 mean((m * (z - U x))^2), the mean over samples and all entries of z.

        Args:
            features: (N, features), x.
            fixed: (N, fixed), z.
        """
        missed: Tensor = self.mask * (fixed - self.u(features))
        return missed.square().mean() / 2

    def ridge(self, w: Tensor) -> Tensor:
        """1/2 (|W|^2 + |U|^2 + |V|^2)."""
        return (w.square().sum() + self.u.weight.square().sum() + self.v.weight.square().sum()) / 2


def active_entries(entries: int, progress: float, share: float) -> int:
    """Number of entries that are connected at some point of a run.

    Interpretation: they go evenly over the first `share` of the run, and the network is fine-tuned without
    any over the rest.

    Args:
        entries: of z.
        progress: share of the run that is done.
        share: of the run over which entries go, more than 0.
    """
    return max(0, math.ceil(entries * (1 - progress / share)))
