"""Cross-modality alignment: a photo becomes a pseudo sequence, and passes the branch that sequences pass.

Song et al., "Cross-modality alignment for multi-shot person re-identification", ACM Multimedia 2017.

Interpretation: of the paper only its first page with figure 1 could be read. It says that a sub-network with
modules CGM and MGM maps one image to a pseudo sequence, and that real and pseudo sequences pass CNNs, RNNs
and temporal pooling of shared weights. All else is our choice: pseudo frames are features, not pixels; CGM is
taken for the generation of content, MGM for that of motion; the sequence branch is that of McLaughlin et al.,
"Recurrent Convolutional Network for Video-based Person Re-identification", CVPR 2016, except for its optical
flow, dropout and small CNN; and a photo is searched for as its pseudo sequence.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Final

import torch
from torch import Tensor, nn

from models.networks.backbones import Backbone, efficientnet_lite0, resnet50
from models.networks.network import NeckedNetwork, check_lengths, clip_means, named
from models.networks.pooling import in_parts, pool
from models.networks.recurrence import Recurrence

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
        for zero in (self.start, self.change.weight, self.change.bias):
            nn.init.zeros_(zero)


class CrossModalityAlignment(NeckedNetwork):
    """A frame encoder, what makes a pseudo sequence of one frame, and what pools any sequence.

    Args:
        backbone: a name in BACKBONES.
        width: of frame and sequence features; RCN has 128.
        steps: frames of the pseudo sequence of a photo.
        neck: whether features pass a batch normalisation.
        projection: to how many numbers they are projected last, if they are (`models.whitening`).

    Raises:
        ValueError: no such backbone, or a number that cannot be.
        TypeError: `neck` is neither true nor false, or `projection` no whole number.
    """

    kind: ClassVar[str] = "cross-modality-alignment"

    def __init__(
        self,
        backbone: str = "efficientnet-lite0",
        *,
        width: int = 128,
        steps: int = 8,
        neck: bool = False,
        projection: int | None = None,
    ) -> None:
        super().__init__()
        for name, value, most in (("width", width, MAX_WIDTH), ("steps", steps, MAX_STEPS)):
            if type(value) is not int or not 1 <= value <= most:
                raise ValueError(f"{name} is a whole number from 1 to {most}, not {value!r}")
        self.backbone_name = backbone
        self._width = width
        self.steps = steps
        self.backbone = named(backbone, BACKBONES)()
        self.reduction = nn.Linear(self.backbone.dimension, width)
        self.pseudo = PseudoSequence(width)
        self.recurrence = Recurrence(width, dropout=0.0, input_map=True, memory="tanh")
        self.set_ending(neck=neck, projection=projection)

    @property
    def architecture(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "backbone": self.backbone_name,
            "width": self.width,
            "steps": self.steps,
            **self.ending,
        }

    @property
    def width(self) -> int:
        """Numbers of a feature before the projection: of frame and sequence features."""
        return self._width

    @property
    def image_backbone(self) -> nn.Module:
        """The backbone that photos pass."""
        return self.backbone

    def raw_frames(self, frames: Tensor, at_once: int | None = None) -> Tensor:
        """Backbone features of single frames: (F, 3, H, W) -> (F, channels)."""
        return pool(in_parts([self.backbone], frames, at_once))

    def encode(self, frames: Tensor, at_once: int | None = None) -> Tensor:
        """Features of single frames: (F, 3, H, W) -> (F, width)."""
        return self.reduction(self.raw_frames(frames, at_once))  # type: ignore[no-any-return]

    def pool_sequences(self, frames: Tensor, lengths: Sequence[int]) -> Tensor:
        """Features of sequences, real or pseudo, of frame features end to end: (F, width) -> (B, width)."""
        return clip_means(self.recurrence(frames, lengths), lengths)

    def embed_images(self, images: Tensor) -> Tensor:
        """Features of single crops, as pseudo sequences, of any length: (B, 3, H, W) -> (B, D)."""
        pseudo = self.pseudo(self.encode(images), self.steps)
        frames = pseudo.flatten(0, 1)  # (B, steps, width) -> (B steps, width)
        return self.end(self.pool_sequences(frames, [self.steps] * len(images)))

    def embed_frames(self, frames: Tensor, lengths: Sequence[int], at_once: int | None = None) -> Tensor:
        """Features of clips of any lengths through the sequence branch: (F, 3, H, W) -> (B, D).

        Raises ValueError if the lengths do not add up to the frames, or one is below 1.
        """
        check_lengths(frames, lengths)
        return self.end(self.pool_sequences(self.encode(frames, at_once), lengths))

    def initialise(self, backbone: Mapping[str, Tensor], generator: torch.Generator) -> None:
        """Start from the weights of a backbone; the rest is drawn from `generator`."""
        self.backbone.load_state_dict(backbone)
        self.pseudo.initialise(generator)
        for layer in (self.reduction, *self.recurrence.modules()):
            if isinstance(layer, nn.Linear):
                initialise_linear(layer, generator)

    def precise(self) -> list[nn.Module]:
        """All that follows the pooling, which gives float32."""
        return [self.reduction, self.pseudo, self.recurrence, *super().precise()]


def initialise_linear(layer: nn.Linear, generator: torch.Generator) -> None:
    """Draw weights that keep variances (Glorot and Bengio, AISTATS 2010); biases are zero."""
    nn.init.xavier_uniform_(layer.weight, generator=generator)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
