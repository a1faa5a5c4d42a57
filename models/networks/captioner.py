"""Captioners: from a crop or a clip of a person to a sentence, through a layer that others may reuse.

Xie et al., "Cross-modal embeddings via text" (2020), take the image-to-text layer of an image captioner (MF1)
and the video-to-text layer of a video captioner (MF2) as fixed models. The captioners it points to learn from
Flickr8k and MSVD, on features of different networks and widths (2048 -> 300 and 4096 -> 500), which cannot
stand beside one another.

Interpretation: both captioners are ours, learn from the captions of simulated people instead, stand on the
features of one backbone, and their reused layers have one width, 512 by default. As in the published ones
(S2VT for clips), the words are written by an LSTM that sees the visual feature and the last word.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from models.networks.backbones import Backbone
from models.networks.cross_modal import BACKBONES, SequenceLSTM, check_size, draw_layer
from models.networks.network import Network, check_lengths, named
from models.networks.pooling import in_parts, pool
from models.networks.vocabulary import BEGIN, END, PADDING, Vocabulary

WORD_WIDTH = 128


class Decoder(nn.Module):
    """An LSTM that writes words one after another, looking at a visual feature before each."""

    def __init__(self, words: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, WORD_WIDTH, padding_idx=PADDING)
        self.lstm = nn.LSTM(WORD_WIDTH + width, width, batch_first=True)
        self.output = nn.Linear(width, words)

    def initialise(self, generator: torch.Generator) -> None:
        """Draw all weights."""
        nn.init.normal_(self.embedding.weight, 0.0, 0.1, generator=generator)
        draw_layer(self.lstm, generator)
        draw_layer(self.output, generator)

    def forward(self, visual: Tensor, words: Tensor) -> Tensor:
        """Logits of the next word after each word of the true captions ("teacher forcing").

        Args:
            visual: (N, E) features of crops or clips.
            words: (N, L) numbers of words, the first BEGIN.

        Returns:
            (N, L, V): at l, what follows word l.
        """
        logits, _ = self._step(visual, words, None)
        return logits

    def write(self, visual: Tensor, most: int = 60) -> list[list[int]]:
        """The most probable word at each step, fed back, up to END or `most` words: (N, E) -> N lists."""
        words = torch.full((len(visual), 1), BEGIN, device=visual.device)
        state, written = None, []
        finished = torch.zeros(len(visual), dtype=torch.bool, device=visual.device)
        for _ in range(most):
            logits, state = self._step(visual, words, state)
            words = logits.argmax(dim=2)  # (N, 1)
            written.append(words[:, 0])
            finished |= words[:, 0] == END
            if finished.all():
                break
        lines: list[list[int]] = torch.stack(written, dim=1).tolist()
        return [line[: line.index(END)] if END in line else line for line in lines]

    def _step(
        self, visual: Tensor, words: Tensor, state: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        seen = visual[:, None].expand(-1, words.shape[1], -1)  # (N, E) -> (N, L, E)
        hidden, state = self.lstm(torch.cat([self.embedding(words), seen], dim=2), state)
        return self.output(hidden), state


class Captioner(Network):
    """An image captioner and a video captioner on one backbone.

    As a network of this project it embeds with the two layers that are reused; these are two spaces, one of
    crops and one of clips, each close to text and neither made for telling people apart.

    Args:
        backbone: a name in BACKBONES.
        embedding: E, width of the reused layers.
        vocabulary: the words it writes; without any it embeds only, until `learn_words`.

    Raises:
        ValueError: no such backbone, or no vocabulary.
        TypeError: a width is not a number from 1 to 4096.
    """

    kind: ClassVar[str] = "captioner"

    def __init__(
        self,
        backbone: str = "efficientnet-lite0",
        *,
        embedding: int = 512,
        vocabulary: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.embedding = check_size("embedding", embedding)
        self.cnn: Backbone = named(backbone, BACKBONES)()
        self.image_layer = nn.Linear(self.cnn.dimension, embedding)
        self.frame_layer = nn.Linear(self.cnn.dimension, embedding)
        self.video_layer = SequenceLSTM(embedding, embedding)
        self._take_words(Vocabulary(vocabulary))

    @property
    def architecture(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "backbone": self.backbone,
            "embedding": self.embedding,
            "vocabulary": list(self.vocabulary.words),
        }

    @property
    def dimension(self) -> int:
        """E, width of the reused layers."""
        return self.embedding

    @property
    def image_backbone(self) -> nn.Module:
        """The backbone that photos pass."""
        return self.cnn

    def learn_words(self, vocabulary: Vocabulary, generator: torch.Generator) -> None:
        """Replace the decoders by new ones for another vocabulary."""
        self._take_words(vocabulary)
        self.image_decoder.initialise(generator)
        self.video_decoder.initialise(generator)

    def embed_images(self, images: Tensor) -> Tensor:
        """The image-to-text layer, MF1: (B, 3, H, W) -> (B, E)."""
        return self.image_features(pool(self.cnn(images)))

    def embed_frames(self, frames: Tensor, lengths: Sequence[int], at_once: int | None = None) -> Tensor:
        """The video-to-text layer, MF2, of clips end to end: (F, 3, H, W) -> (len(lengths), E).

        Raises:
            ValueError: the lengths do not add up to the frames, or one is below 1.
        """
        check_lengths(frames, lengths)
        return self.clip_features(pool(in_parts(self.cnn.blocks, frames, at_once)), lengths)

    def image_features(self, pooled: Tensor) -> Tensor:
        """MF1 of features of the backbone: (B, D) -> (B, E)."""
        return self.image_layer(pooled).relu()  # type: ignore[no-any-return]

    def clip_features(self, pooled: Tensor, lengths: Sequence[int]) -> Tensor:
        """MF2 of features of the backbone, the frames of clips end to end: (F, D) -> (len(lengths), E)."""
        return self.video_layer(self.frame_layer(pooled).relu(), lengths)  # type: ignore[no-any-return]

    def describe_images(self, images: Tensor) -> list[str]:
        """A sentence for each crop: (B, 3, H, W) -> B texts."""
        return [self.vocabulary.decode(line) for line in self.image_decoder.write(self.embed_images(images))]

    def describe_frames(self, frames: Tensor, lengths: Sequence[int]) -> list[str]:
        """A sentence for each clip, laid end to end: (F, 3, H, W) -> len(lengths) texts."""
        features = self.embed_frames(frames, lengths)
        return [self.vocabulary.decode(line) for line in self.video_decoder.write(features)]

    def initialise(self, backbone: Mapping[str, Tensor], generator: torch.Generator) -> None:
        """Start from the weights of a backbone; layers and decoders are drawn."""
        self.cnn.load_state_dict(backbone)
        for layer in (self.image_layer, self.frame_layer, self.video_layer.lstm):
            draw_layer(layer, generator)
        self.image_decoder.initialise(generator)
        self.video_decoder.initialise(generator)

    def precise(self) -> list[nn.Module]:
        """All but the backbone: they get float32 from the pooling."""
        layers: list[nn.Module] = [self.image_layer, self.frame_layer, self.video_layer]
        return [*layers, self.image_decoder, self.video_decoder]

    def _take_words(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.image_decoder = Decoder(len(vocabulary), self.embedding)
        self.video_decoder = Decoder(len(vocabulary), self.embedding)
