"""What captioners are trained for: the words of the caption, each from those before it."""

from collections.abc import Iterable, Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from models.datasets.clips import Clips
from models.devices import autocast
from models.errors import BadDataset
from models.networks.captioner import Captioner
from models.networks.network import Network
from models.networks.pooling import pool
from models.networks.vocabulary import BEGIN, PADDING, Vocabulary
from models.training.objectives.base import Objective, People
from models.training.plan import Plan, Settings


class CaptionerSettings(Settings):
    """Nothing can be told to a captioner but what all runs have."""

    network: Literal["captioner"] = "captioner"


class CaptionerObjective(Objective):
    """Cross entropy of the image captioner on every frame and of the video captioner on every clip.

    Vinyals et al., "Show and Tell", CVPR 2015, equation 1: the mean negative log probability of the words of
    the true caption, each given the true words before it.

    Args:
        network: what is trained; without a vocabulary it gets that of the captions.
        people: with captions.
        plan: which blocks of the backbone stay as they are.
        settings: none.
        generator: for the decoders' first weights.

    Raises:
        BadDataset: the people have no captions.
    """

    network: Captioner
    settings_type = CaptionerSettings
    needs_captions = True

    def __init__(
        self,
        network: Network,
        people: People,
        plan: Plan,
        settings: CaptionerSettings,
        generator: torch.Generator,
    ) -> None:
        super().__init__(network, people, plan, settings, generator)
        assert isinstance(network, Captioner)
        if people.captions is None:
            raise BadDataset("a captioner learns from captions, and this data has none")
        self.network, self.plan = network, plan
        if not network.vocabulary.words:
            network.learn_words(Vocabulary.of(people.captions), generator)
        lines = [torch.tensor([BEGIN, *network.vocabulary.encode(text)]) for text in people.captions]
        self.words: Tensor  # (C, L + 1), a caption a label
        self.register_buffer(
            "words", pad_sequence(lines, batch_first=True, padding_value=PADDING), persistent=False
        )
        for module in self._frozen():
            module.requires_grad_(False)

    def forward(self, clips: Tensor, batch: Clips) -> dict[str, Tensor]:
        """The terms "image_caption" and "video_caption"."""
        count, length = clips.shape[:2]
        network, labels = self.network, batch.labels
        x = clips.flatten(0, 1).contiguous(memory_format=torch.channels_last)  # (N, T, ...) -> (NT, ...)
        with autocast(self.plan.run.bf16, x.device):
            pooled = pool(network.cnn(x))  # (NT, D), float32
        image, video = network.image_features(pooled), network.clip_features(pooled, [length] * count)
        return {
            "image_caption": caption_loss(
                network.image_decoder, image, self.words[labels.repeat_interleave(length)]
            ),
            "video_caption": caption_loss(network.video_decoder, video, self.words[labels]),
        }

    def parts(self) -> Mapping[str, Iterable[nn.Parameter]]:
        """Backbone and image layer, video layers, and the decoders as "classifier"."""
        network = self.network
        return {
            "image": [*network.cnn.parameters(), *network.image_layer.parameters()],
            "video": [*network.frame_layer.parameters(), *network.video_layer.parameters()],
            "classifier": [*network.image_decoder.parameters(), *network.video_decoder.parameters()],
        }

    def train(self, mode: bool = True) -> "CaptionerObjective":
        """Switch all but what is frozen: its batch normalisation keeps its statistics."""
        super().train(mode)
        for module in self._frozen():
            module.eval()
        return self

    def _frozen(self) -> list[nn.Module]:
        return list(self.network.cnn.blocks[: self.plan.optimiser.frozen_blocks])


def caption_loss(decoder: nn.Module, visual: Tensor, words: Tensor) -> Tensor:
    """Mean cross entropy over all words of the captions.

    Args:
        decoder: (N, E) and (N, L) -> logits (N, L, V).
        visual: (N, E).
        words: (N, L + 1), BEGIN, the caption, END, PADDING.
    """
    logits = decoder(visual, words[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1), words[:, 1:].flatten(), ignore_index=PADDING)
