"""Cross-modal embeddings: crops and clips into one space, and a verdict on each pair.

Xie et al., "Cross-modal embeddings via text" (2020). A crop is the CNN's feature; a clip is the same CNN
on every frame, then an LSTM. In training a fixed captioner stands beside each of the two
(models.networks.fixed_model_reuse); what is here is what is left of it: f = W x.

Interpretations, where the paper is silent: the CNN is one, shared by both branches; the LSTM has no
peepholes; a clip's vector is the mean of the LSTM's outputs over its frames, which allows for clips of other
lengths than those of training; both vectors pass a linear layer (W) into a space of 512 dimensions, because
the square layer wants equal widths; the square layer sees features scaled to length sqrt(D), because a
gallery keeps directions only, and begins as a distance.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_sequence, unpack_sequence

from models.networks.backbones import Backbone, efficientnet_lite0, inception_v3
from models.networks.network import Network, check_lengths, named
from models.networks.pooling import in_parts, pool

# Inception-v3 at 299 x 299 as published; the light one is ours.
BACKBONES: Final[Mapping[str, Callable[[], Backbone]]] = MappingProxyType(
    {"efficientnet-lite0": efficientnet_lite0, "inception-v3": inception_v3}
)
MAX_SIZE: Final = 4096


class SequenceLSTM(nn.Module):
    """An LSTM over the frames of each clip; the mean of its outputs is the clip's vector."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.lstm = nn.LSTM(inputs, outputs, batch_first=True)

    def forward(self, frames: Tensor, lengths: Sequence[int]) -> Tensor:
        """(F, inputs), frames of clips end to end, each at least 1 long -> (len(lengths), outputs)."""
        if not len(lengths):
            return frames.new_zeros(0, self.lstm.hidden_size)
        if len(lengths) == 1:  # what ONNX can say
            outputs, _ = self.lstm(frames[None])
            return Tensor(outputs.mean(dim=1))
        packed = pack_sequence(list(torch.split(frames, list(lengths))), enforce_sorted=False)
        outputs, _ = self.lstm(packed)
        return torch.stack([clip.mean(dim=0) for clip in unpack_sequence(outputs)])


class CrossModal(Network):
    """A CNN for crops; the same CNN and an LSTM for clips; a square layer that compares the two.

    Args:
        backbone: a name in BACKBONES.
        embedding: D of the common space.
        hidden: outputs of the LSTM.

    Raises:
        ValueError: no such backbone.
        TypeError: a width is not a number from 1 to 4096.
    """

    kind: ClassVar[str] = "cross-modal"

    def __init__(
        self, backbone: str = "efficientnet-lite0", *, embedding: int = 512, hidden: int = 512
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.embedding = check_size("embedding", embedding)
        self.hidden = check_size("hidden", hidden)
        self.cnn: Backbone = named(backbone, BACKBONES)()
        self.sequence = SequenceLSTM(self.cnn.dimension, hidden)
        self.image_projection = nn.Linear(self.cnn.dimension, embedding)
        self.video_projection = nn.Linear(hidden, embedding)
        self.verification = nn.Linear(embedding, 2)

    @property
    def architecture(self) -> dict[str, Any]:
        """The three arguments of the constructor."""
        return {"backbone": self.backbone, "embedding": self.embedding, "hidden": self.hidden}

    @property
    def dimension(self) -> int:
        """D of every feature."""
        return self.embedding

    @property
    def image_backbone(self) -> nn.Module:
        """The backbone that photos pass."""
        return self.cnn

    def embed_images(self, images: Tensor) -> Tensor:
        """Features of single crops, of any length: (B, 3, H, W) -> (B, D)."""
        return self.image_projection(pool(self.cnn(images)))  # type: ignore[no-any-return]

    def embed_frames(self, frames: Tensor, lengths: Sequence[int], at_once: int | None = None) -> Tensor:
        """Features of clips end to end, of any length: (F, 3, H, W) -> (len(lengths), D).

        Raises:
            ValueError: the lengths do not add up to the frames, or one is below 1.
        """
        check_lengths(frames, lengths)
        pooled = pool(in_parts(self.cnn.blocks, frames, at_once))
        return self.video_projection(self.sequence(pooled, lengths))  # type: ignore[no-any-return]

    def verification_logits(self, images: Tensor, clips: Tensor) -> Tensor:
        """The square layer, (f_i - f_v)^2, and the layer after it.

        Args:
            images: (..., D) features of any length.
            clips: (..., D), broadcast against them.

        Returns:
            (..., 2): "same" and "different".
        """
        scale = math.sqrt(self.dimension)
        difference = F.normalize(images, dim=-1) - F.normalize(clips, dim=-1)
        return self.verification((scale * difference).square())  # type: ignore[no-any-return]

    def verify(self, images: Tensor, clips: Tensor) -> Tensor:
        """The probability that crop and clip show one person, the published score of a pair.

        It costs little beside the features, but no index can sort by it: it is for the head of a list. Every
        pair of two sets: `verify(images[:, None], clips[None])`.

        Args:
            images: (..., D) features, raw or of unit length.
            clips: (..., D), broadcast against them.

        Returns:
            (...), from 0 to 1.
        """
        return self.verification_logits(images, clips).softmax(dim=-1)[..., 0]

    def initialise(self, backbone: Mapping[str, Tensor], generator: torch.Generator) -> None:
        """Start from the weights of a backbone; the square layer begins as a distance, the rest is drawn."""
        self.cnn.load_state_dict(backbone)
        for layer in (self.sequence.lstm, self.image_projection, self.video_projection):
            draw_layer(layer, generator)
        # From here every difference speaks for "different": sigmoid(4 cos - 2). Drawn at random, half of them
        # would speak for "same", and training would spread the features of one person along these.
        signs = torch.tensor([1.0, -1.0])
        with torch.no_grad():
            self.verification.weight.copy_((-signs / self.dimension)[:, None].expand(2, self.dimension))
            self.verification.bias.copy_(signs)

    def precise(self) -> list[nn.Module]:
        """All but the CNN: they get float32 from the pooling."""
        return [self.sequence, self.image_projection, self.video_projection, self.verification]


def check_size(name: str, size: int) -> int:
    """The size. Raises TypeError unless it is a number from 1 to MAX_SIZE."""
    if not isinstance(size, int) or isinstance(size, bool) or not 1 <= size <= MAX_SIZE:
        raise TypeError(f"{name} is a number from 1 to {MAX_SIZE}, not {size!r}")
    return size


def draw_layer(layer: nn.Linear | nn.LSTM, generator: torch.Generator) -> None:
    """Draw what torch would, but from a generator of ours.

    Evenly from -1/sqrt(n) to 1/sqrt(n), with n the outputs of an LSTM or the inputs of a linear layer.
    """
    bound = 1 / math.sqrt(layer.hidden_size if isinstance(layer, nn.LSTM) else layer.in_features)
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -bound, bound, generator=generator)
