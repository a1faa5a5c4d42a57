"""The recurrent layer of RCN, and of the CRF network, over clips of any lengths.

McLaughlin, Martinez del Rincon and Miller, "Recurrent Convolutional Network for Video-based Person
Re-Identification", CVPR 2016, equations 1 and 2; what is silent there is as in their code. The CRF paper
prints the same recurrence with ReLU for tanh (equation 4).
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

MEMORIES: Final[Mapping[str, Callable[[Tensor], Tensor]]] = MappingProxyType(
    {"tanh": torch.tanh, "relu": torch.relu}
)


class Recurrence(nn.Module):
    """o_t = W_i f_t + W_s r_(t-1), r_t = a(o_t), r_0 = 0, with dropout before W_s.

    Args:
        dimension: of f_t, o_t and r_t.
        dropout: share of r_t that is dropped while training.
        input_map: whether W_i is a layer here. What a sub-network gives as f_t is W_i f_t of RCN already. CRF
            adds f_t and o_t, so there W_i stands between the two (interpretation: both have 128 dimensions).
        memory: a, one of MEMORIES: "tanh" is RCN's, "relu" that of the CRF paper.
    """

    def __init__(self, dimension: int, *, dropout: float, input_map: bool, memory: str) -> None:
        super().__init__()
        self.activation = MEMORIES[memory]
        self.input = nn.Linear(dimension, dimension) if input_map else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.feedback = nn.Linear(dimension, dimension)

    def forward(self, features: Tensor, lengths: Sequence[int]) -> Tensor:
        """All o_t.

        Args:
            features: (F, D), the f_t of all clips end to end.
            lengths: frames of each clip; every clip starts with an empty memory.

        Returns:
            (F, D).
        """
        inputs = pad_sequence(list(torch.split(self.input(features), list(lengths))), batch_first=True)
        memory = torch.zeros_like(inputs[:, 0])  # (N, T, D) -> (N, D)
        outputs = []
        for step in inputs.unbind(dim=1):
            outputs.append(step + self.feedback(self.dropout(memory)))
            memory = self.activation(outputs[-1])
        stacked = torch.stack(outputs, dim=1)  # (N, T, D); what is behind a clip's end is cut off
        return torch.cat([clip[:length] for clip, length in zip(stacked, lengths, strict=True)])
