"""What cross-modality alignment is trained for: real sequences, pseudo ones, and likeness of the two.

Song et al., ACM Multimedia 2017. The paper says that losses of video sequences and of pseudo sequences are
computed independently. Interpretation (see models/networks/alignment.py): L = L_video + w L_pseudo +
w_a L_align, where L_video and L_pseudo are a siamese loss and softmax each, as RCN's (McLaughlin et al., CVPR
2016), with one classifier for both, and L_align compares the pseudo sequence of a clip's first frame with the
clip's own frame features.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from models.datasets.clips import Clips
from models.devices import autocast
from models.losses import sequence_alignment
from models.networks.alignment import CrossModalityAlignment
from models.networks.network import Network
from models.siamese import siamese
from models.training.objectives.base import People
from models.training.objectives.head import NeckedSettings, PersonTerms
from models.training.objectives.identification import Identification
from models.training.plan import Plan, Share, Weight


def known_from_photos(people: int, share: float) -> Tensor:
    """Of whom only photos are known: (C,) bool, `share` of the people, spread evenly over the labels."""
    counts = (torch.arange(people + 1, dtype=torch.float64) * share + 1e-9).floor()
    return counts.diff() > 0


class AlignmentSettings(NeckedSettings):
    """Weights of the terms of real ("video") and pseudo ("image") sequences, and who is known from photos."""

    network: Literal["cross-modality-alignment"] = "cross-modality-alignment"
    image: PersonTerms = PersonTerms()
    video: PersonTerms = PersonTerms()
    siamese: Weight = 1.0
    margin: float = Field(2.0, gt=0)
    pseudo: Weight = Field(1.0, description="of all terms of pseudo sequences")
    align: Weight = Field(1.0, description="of pseudo sequences that resemble the real ones")
    image_people: Share = Field(0.0, description="share of the people of whom only photos are known")
    use_images: bool = Field(True, description="or leave these people out")


class AlignmentObjective(Identification):
    """The losses of real sequences, of pseudo sequences, and of their alignment.

    Of a person known from photos only, the first frame of each clip is a photo and the rest does not exist:
    they learn through pseudo sequences alone. Without `use_images` nothing is learnt from or about them.

    Args:
        network: what is trained.
        people: to tell apart.
        plan: the run.
        settings: the losses.
        generator: for the classifier's first weights.
    """

    network: CrossModalityAlignment
    settings_type = AlignmentSettings

    def __init__(
        self,
        network: Network,
        people: People,
        plan: Plan,
        settings: AlignmentSettings,
        generator: torch.Generator,
    ) -> None:
        assert isinstance(network, CrossModalityAlignment)
        super().__init__(network, people, plan, settings, generator, backbone=network.backbone)
        self.settings = settings
        self.photos_only: Tensor
        photos_only = known_from_photos(len(people), settings.image_people)
        self.register_buffer("photos_only", photos_only, persistent=False)
        used = [settings.video, settings.image] if settings.pseudo else [settings.video]
        classifies = any(terms.cross_entropy > 0 for terms in used)
        contrasts = any(terms.contrastive > 0 for terms in used)
        self.let_learn(normalisation=classifies or contrasts, classifier=classifies)
        network.pseudo.requires_grad_(settings.pseudo > 0 or settings.align > 0)

    def forward(self, clips: Tensor, batch: Clips) -> dict[str, Tensor]:
        """The weighted terms of the loss: "video_..." of real sequences, "image_..." of pseudo ones."""
        photos = self.photos_only[batch.labels]  # (N,)
        order = photos.int().argsort(stable=True)  # real sequences first
        real = int((~photos).sum())
        if not self.settings.use_images:
            order = order[:real]
        terms: dict[str, Tensor] = {}
        if len(order) > 1:  # normalisation needs two
            terms = self._terms(clips[order], batch.labels[order], batch.cameras[order], real)
        if missing := self.names() - terms.keys():
            learnt = [p.sum() for p in self.parameters() if p.requires_grad]
            terms |= dict.fromkeys(missing, 0 * torch.stack(learnt).sum())
        return {name: terms[name] for name in sorted(terms)}

    def _terms(self, clips: Tensor, labels: Tensor, cameras: Tensor, real: int) -> dict[str, Tensor]:
        """Those of N clips, of which the first `real` are known whole and the others by their first frame."""
        count, length = clips.shape[:2]
        frames = self._encode(torch.cat([clips[:real].flatten(0, 1), clips[real:, 0]]))  # (real T + rest, D)
        whole, rest = frames[: real * length], frames[real * length :]
        sequences = whole.view(real, length, whole.shape[1])  # (real T, D) -> (real, T, D)
        steps, network, settings = self.network.steps, self.network, self.settings
        pseudo = network.pseudo(torch.cat([sequences[:, 0], rest]), max(steps, length))
        features = network.pool_sequences(
            torch.cat([whole, pseudo[:, :steps].flatten(0, 1)]), [length] * real + [steps] * count
        )
        seen = self.normalise(features)  # (real + N, D)
        terms = {}
        if real:
            terms = self._sequence_terms("video", features[:real], seen[:real], labels[:real], cameras[:real])
        if settings.pseudo:
            found = self._sequence_terms("image", features[real:], seen[real:], labels, cameras)
            terms |= {name: settings.pseudo * term for name, term in found.items()}
        if real and settings.align:
            terms["align"] = settings.align * sequence_alignment(pseudo[:real, :length], sequences)
        return terms

    def _encode(self, frames: Tensor) -> Tensor:
        """(F, 3, H, W) -> (F, D) in float32."""
        x = frames.contiguous(memory_format=torch.channels_last)
        with autocast(self.plan.run.bf16, x.device):
            raw = self.network.raw_frames(x)
        return self.network.reduction(raw)  # type: ignore[no-any-return]

    def _sequence_terms(
        self, branch: str, features: Tensor, seen: Tensor, labels: Tensor, cameras: Tensor
    ) -> dict[str, Tensor]:
        """Siamese loss and softmax of sequences of one kind."""
        settings = self.settings
        known = None if settings.use_images else ~self.photos_only
        weights = settings.video if branch == "video" else settings.image
        terms = self.person_terms(branch, weights, seen, labels, known)
        if settings.siamese:
            loss = siamese(features, features, labels, cameras, margin=settings.margin, form="rcn-paper")
            terms[f"{branch}_siamese"] = settings.siamese * loss
        return terms

    def names(self) -> set[str]:
        """Of all terms that the recipe weighs; a batch may lack what one is of, which then is zero."""
        settings = self.settings
        branches = {"video": settings.video} | ({"image": settings.image} if settings.pseudo else {})
        weights = {"align": settings.align}
        for branch, terms in branches.items():
            weights[f"{branch}_contrastive"] = terms.contrastive
            weights[f"{branch}_cross_entropy"] = terms.cross_entropy
            weights[f"{branch}_siamese"] = settings.siamese
        return {name for name, weight in weights.items() if weight}

    def parts(self) -> Mapping[str, Iterable[nn.Parameter]]:
        """The backbone is "video"; all that begins at random is "classifier"."""
        network = self.network
        new = (network.reduction, network.pseudo, network.recurrence)
        own = [parameter for module in new for parameter in module.parameters()]
        return {"video": network.backbone.parameters(), "classifier": [*own, *self.head_parameters()]}
