"""What cross-modal embeddings are trained for: who it is, whether two are the same, and reused captioners.

Xie et al., "Cross-modal embeddings via text" (2020): L = L_v + 1/2 L_ii + 1/2 L_iv, the cross entropies of
verification (square layer) and of identification of crops and of clips; and fixed model reuse (Yang et
al., AAAI 2017; see models.networks.fixed_model_reuse) of a captioner's two layers, one beside each branch.
All that is here is gone after training.

Interpretations: the outputs that FMR speaks of are the features, so that W is the network's last layer; a
batch has all its positive pairs at once and as many negative ones, where the paper alternates strictly
between the two; the crop of a pair is never from the clip of the pair, as query and gallery are never of
one tracklet; crops and clips are identified by one classifier, since two would let their features lie
anywhere to each other, and an index ranks by distance.
"""

from collections.abc import Iterable, Mapping
from typing import Literal, Self

import torch
import torch.nn.functional as F
from pydantic import model_validator
from torch import Tensor, nn

from models.datasets.clips import Clips
from models.devices import autocast
from models.errors import BadRecipe
from models.networks.cross_modal import CrossModal
from models.networks.network import Network
from models.networks.pooling import pool
from models.training.objectives.base import Objective, People
from models.training.objectives.captioner_reuse import CaptionerReuse, ReuseSettings, load_captioner
from models.training.objectives.head import IdentityHead
from models.training.plan import Plan, Weight


class CrossModalSettings(ReuseSettings):
    """Weights of the terms of cross-modal embeddings, and how which captioner is reused."""

    network: Literal["cross-modal"] = "cross-modal"
    verification: Weight = 1.0
    image_identity: Weight = 0.5
    video_identity: Weight = 0.5

    @model_validator(mode="after")
    def _learns(self) -> Self:
        if not self.verification and not (self.image_identity and self.video_identity):
            raise ValueError("with verification 0, a branch whose identity is 0 would learn nothing")
        return self


class CrossModalObjective(Objective):
    """The head that tells people apart, the verification of pairs, and the captioner that is reused.

    Args:
        network: what is trained.
        people: to tell apart, each from those of its own world only if the settings say so.
        plan: the run.
        settings: weights, captioner and mode of reuse.
        generator: for first weights and the order of knockdown.

    Raises:
        BadRecipe: the captioner does not fit the network, or batches have one clip a person.
        BadCheckpoint, UnknownModel: the captioner is not available.
    """

    network: CrossModal
    settings_type = CrossModalSettings

    def __init__(
        self,
        network: Network,
        people: People,
        plan: Plan,
        settings: CrossModalSettings,
        generator: torch.Generator,
    ) -> None:
        super().__init__(network, people, plan, settings, generator)
        assert isinstance(network, CrossModal)
        if plan.batches.clips < 2:
            raise BadRecipe("batches.clips: pairs of a crop and another clip need 2 clips a person")
        self.network, self.plan, self.settings = network, plan, settings
        self.head = IdentityHead(network.dimension, people, settings, generator)
        self.steps_done: Tensor
        self.register_buffer("steps_done", torch.zeros((), dtype=torch.int64))
        self.reuse: CaptionerReuse | None = None
        if settings.reuse != "none":
            assert settings.captioner is not None
            captioner, source = load_captioner(settings.captioner, plan)
            self.learns_from["system.captioner"] = source
            self.reuse = CaptionerReuse(network, captioner, self.settings, generator)
        # What takes no part must not be waited for by DistributedDataParallel.
        identifies = self.settings.image_identity + self.settings.video_identity > 0
        self.head.let_learn(norm=identifies, classifier=identifies)
        network.verification.requires_grad_(self.settings.verification > 0)
        for block in self._frozen():
            block.requires_grad_(False)

    def forward(self, clips: Tensor, batch: Clips) -> dict[str, Tensor]:
        """The weighted terms of the loss."""
        count, length = clips.shape[:2]
        network, bf16 = self.network, self.plan.run.bf16
        x = clips.flatten(0, 1).contiguous(memory_format=torch.channels_last)  # (N, T, ...) -> (NT, ...)
        with autocast(bf16, x.device):
            pooled = pool(network.cnn(x))  # (NT, D), float32 as all that follows
        sequences = network.sequence(pooled, [length] * count)  # (N, H)
        image, video = network.image_projection(pooled), network.video_projection(sequences)
        terms: dict[str, Tensor] = {}
        if self.reuse is not None:
            of_frames, of_clips = self.reuse.fixed(x, [length] * count, bf16=bf16)
            image, video = self.reuse.image(image, of_frames), self.reuse.video(video, of_clips)
            terms |= self.reuse.terms(network, pooled, sequences, of_frames, of_clips)
        if weight := self.settings.image_identity:
            terms["image_identity"] = weight * self._identity(image, batch.labels.repeat_interleave(length))
        if weight := self.settings.video_identity:
            terms["video_identity"] = weight * self._identity(video, batch.labels)
        return terms | self._verification(image, video, batch.labels)

    def _identity(self, features: Tensor, labels: Tensor) -> Tensor:
        """L_ii or L_iv."""
        return self.head(self.head.norm(features), labels)  # type: ignore[no-any-return]

    def _verification(self, image: Tensor, video: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """L_v."""
        if not self.settings.verification:
            return {}
        generator = torch.Generator().manual_seed(self.plan.run.seed + int(self.steps_done))
        of_image, of_clip, different = draw_pairs(labels, len(image) // len(video), generator)
        logits = self.network.verification_logits(image[of_image], video[of_clip])
        return {"verification": self.settings.verification * F.cross_entropy(logits, different)}

    def parts(self) -> Mapping[str, Iterable[nn.Parameter]]:
        """CNN and image projection; LSTM and video projection; and all heads, with V and U of the reuse."""
        network = self.network
        reuse = [] if self.reuse is None else [*self.reuse.image.parameters(), *self.reuse.video.parameters()]
        return {
            "image": [*network.cnn.parameters(), *network.image_projection.parameters()],
            "video": [*network.sequence.parameters(), *network.video_projection.parameters()],
            "classifier": [*self.head.parameters(), *network.verification.parameters(), *reuse],
        }

    def after_step(self, step: int, steps: int) -> None:
        """Knock down what is due."""
        self.steps_done.fill_(step)
        if self.reuse is not None:
            self.reuse.knock_down(step / steps)

    def train(self, mode: bool = True) -> "CrossModalObjective":
        """Switch all but what is frozen: its batch normalisation keeps its statistics."""
        super().train(mode)
        for block in self._frozen():
            block.eval()
        return self

    def _frozen(self) -> list[nn.Module]:
        return list(self.network.cnn.blocks[: self.plan.optimiser.frozen_blocks])


def draw_pairs(labels: Tensor, length: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """All pairs of a crop and another clip of its person, and as many random ones of two people.

    Args:
        labels: (N,) of clips of `length` frames; each frame is a crop.
        length: T.
        generator: on the CPU.

    Returns:
        Numbers of crops, 0..NT-1, numbers of clips, 0..N-1, and classes of pairs, 0 for "same" and 1 for
        "different" (the paper's targets (1, 0) and (0, 1)), each (P,).
    """
    own = torch.arange(len(labels)).repeat_interleave(length)  # (NT,) the clip of each crop
    people = labels.cpu()
    same = people[own][:, None] == people  # (NT, N)
    positive = (same & (own[:, None] != torch.arange(len(labels)))).nonzero()  # (P / 2, 2)
    negative = (~same).nonzero()
    chosen = torch.randperm(len(negative), generator=generator)[: len(positive)]
    pairs = torch.cat([positive, negative[chosen]]).to(labels.device)
    different = torch.arange(len(pairs), device=labels.device) >= len(positive)
    return pairs[:, 0], pairs[:, 1], different.long()
