"""Cross-modality alignment: a photo becomes a pseudo sequence, and passes the branch that sequences pass.

Song et al., "Cross-modality alignment for multi-shot person re-identification", ACM Multimedia 2017.

Interpretation: of the paper only its first page with figure 1 could be read. It says that a sub-network of the
modules CGM and MGM maps one image to a pseudo sequence, and that real and pseudo sequences pass CNNs, RNNs and
temporal pooling of shared weights. All else is our choice: pseudo frames are features, not pixels; CGM is taken
for the generation of content, MGM for that of motion; the sequence branch is that of McLaughlin et al.,
"Recurrent Convolutional Network for Video-based Person Re-identification", CVPR 2016, without its optical flow,
dropout and small CNN; and a photo is searched for as its pseudo sequence.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Final

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from models.networks.backbones import Backbone, efficientnet_lite0, resnet50
from models.networks.network import Network, check_lengths
from models.networks.tkp import in_parts, pool

BACKBONES: Final[Mapping[str, Callable[[], Backbone]]] = MappingProxyType(
    {"efficientnet-lite0": efficientnet_lite0, "resnet50": resnet50}
)
MAX_WIDTH: Final = 4096
MAX_STEPS: Final = 32


class PseudoSequence(nn.Module):
    """Frame features that could follow a photo's: p_t = c + g(c, m_t).

    The content c is the photo's own frame feature. The motion codes m_t come from a GRU that reads c at every
    step from a learnt start; g has one hidden layer. Its last layer starts at zero, so that a new network
    takes a photo for a sequence in which nothing moves.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.start = nn.Parameter(torch.zeros(width))
        self.motion = nn.GRU(width, width, batch_first=True)
        self.hidden = nn.Linear(2 * width, width)
        self.change = nn.Linear(width, width)

    def forward(self, content: Tensor, steps: int) -> Tensor:
        """(B, width), the features of photos -> (B, steps, width), those of pseudo frames."""
        given = content[:, None].expand(-1, steps, -1)  # (B, width) -> (B, steps, width)
        start = self.start.expand(1, len(content), -1).contiguous()
        codes, _ = self.motion(given.contiguous(), start)
        return given + self.change(self.hidden(torch.cat([given, codes], dim=2)).relu())  # type: ignore[no-any-return]

    def initialise(self, generator: torch.Generator) -> None:
        """Draw first weights."""
        bound = 1 / math.sqrt(len(self.start))
        for parameter in self.motion.parameters():
            nn.init.uniform_(parameter, -bound, bound, generator=generator)
        initialise_linear(self.hidden, generator)
        for parameter in (self.start, self.change.weight, self.change.bias):
            nn.init.zeros_(parameter)


class Recurrence(nn.Module):
    """o_t = W_i f_t + b + W_s r_{t-1}, r_t = tanh(o_t), r_0 = 0; a sequence is the mean of its o_t."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.input = nn.Linear(width, width)
        self.state = nn.Linear(width, width, bias=False)

    def forward(self, features: Tensor, lengths: Sequence[int]) -> Tensor:
        """Pool sequences.

        Args:
            features: (B, T, width); what lies beyond a sequence's length has no effect.
            lengths: frames of each of the B sequences.

        Returns:
            (B, width).
        """
        given = self.input(features)
        step = given[:, 0]
        steps = [step]
        for t in range(1, features.shape[1]):
            step = given[:, t] + self.state(step.tanh())
            steps.append(step)
        lasts = torch.tensor(lengths, device=features.device)[:, None]
        within = torch.arange(features.shape[1], device=features.device) < lasts  # (B, T)
        outputs = torch.stack(steps, dim=1).masked_fill(~within[:, :, None], 0.0)
        return outputs.sum(dim=1) / lasts

    def initialise(self, generator: torch.Generator) -> None:
        """Draw first weights."""
        initialise_linear(self.input, generator)
        initialise_linear(self.state, generator)


class CrossModalityAlignment(Network):
    """A frame encoder, what makes a pseudo sequence of one frame, and what pools any sequence.

    Args:
        backbone: a name in BACKBONES.
        width: of frame and sequence features; RCN has 128.
        steps: frames of the pseudo sequence of a photo.
        neck: whether features pass a batch normalisation.

    Raises:
        ValueError: no such backbone, or a number that cannot be.
        TypeError: `neck` is neither true nor false.
    """

    kind: ClassVar[str] = "cross-modality-alignment"

    def __init__(
        self, backbone: str = "efficientnet-lite0", *, width: int = 128, steps: int = 8, neck: bool = False
    ) -> None:
        super().__init__()
        if backbone not in BACKBONES:
            raise ValueError(f"no backbone {backbone!r}; known: {', '.join(BACKBONES)}")
        if not isinstance(neck, bool):
            raise TypeError(f"neck is true or false, not {neck!r}")
        for name, value, most in (("width", width, MAX_WIDTH), ("steps", steps, MAX_STEPS)):
            if type(value) is not int or not 1 <= value <= most:
                raise ValueError(f"{name} is a whole number from 1 to {most}, not {value!r}")
        self.backbone_name, self.width, self.steps = backbone, width, steps
        self.backbone = BACKBONES[backbone]()
        self.reduction = nn.Linear(self.backbone.dimension, width)
        self.pseudo = PseudoSequence(width)
        self.recurrence = Recurrence(width)
        self.neck: nn.Module = nn.Identity()
        if neck:
            self.add_neck()

    @property
    def architecture(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "backbone": self.backbone_name,
            "width": self.width,
            "steps": self.steps,
            "neck": self.has_neck,
        }

    @property
    def dimension(self) -> int:
        """D of every feature."""
        return self.width

    @property
    def has_neck(self) -> bool:
        """Whether features pass a batch normalisation."""
        return isinstance(self.neck, nn.BatchNorm1d)

    def add_neck(self) -> None:
        """Let features pass a new neck; its bias stays zero, as its place is the centre of the features."""
        self.neck = nn.BatchNorm1d(self.dimension)
        self.neck.bias.requires_grad_(False)

    def encode(self, frames: Tensor, at_once: int | None = None) -> Tensor:
        """Features of single frames: (F, 3, H, W) -> (F, width)."""
        return self.reduction(pool(in_parts([self.backbone], frames, at_once)))  # type: ignore[no-any-return]

    def embed_images(self, images: Tensor) -> Tensor:
        """Features of single pictures, as pseudo sequences, of any length: (B, 3, H, W) -> (B, D)."""
        sequences = self.pseudo(self.encode(images), self.steps)
        return self.neck(self.recurrence(sequences, [self.steps] * len(images)))  # type: ignore[no-any-return]

    def embed_frames(self, frames: Tensor, lengths: Sequence[int], at_once: int | None = None) -> Tensor:
        """Features of clips of any lengths through the sequence branch: (F, 3, H, W) -> (B, D).

        Raises ValueError if the lengths do not add up to the frames, or one is below 1.
        """
        check_lengths(frames, lengths)
        clips = torch.split(self.encode(frames, at_once), list(lengths))
        return self.neck(self.recurrence(pad_sequence(clips, batch_first=True), lengths))  # type: ignore[no-any-return]

    def initialise(self, backbone: Mapping[str, Tensor], generator: torch.Generator) -> None:
        """Start from the weights of a backbone; the rest is drawn from `generator`."""
        self.backbone.load_state_dict(backbone)
        initialise_linear(self.reduction, generator)
        self.pseudo.initialise(generator)
        self.recurrence.initialise(generator)

    def precise(self) -> list[nn.Module]:
        """All that follows the pooling, which gives float32."""
        return [self.reduction, self.pseudo, self.recurrence, self.neck]


def initialise_linear(layer: nn.Linear, generator: torch.Generator) -> None:
    """Draw weights that keep variances (Glorot and Bengio, AISTATS 2010); biases are zero."""
    nn.init.xavier_uniform_(layer.weight, generator=generator)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
