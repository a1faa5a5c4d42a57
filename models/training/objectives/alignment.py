"""What cross-modality alignment is trained for: real sequences, pseudo ones, and likeness of the two.

Song et al., ACM Multimedia 2017. The paper says that losses of video sequences and of pseudo sequences are
computed independently. Interpretation (see models/networks/alignment.py): L = L_video + w L_pseudo +
w_a L_align, where L_video and L_pseudo are a siamese loss and softmax each, as RCN's (McLaughlin et al., CVPR
2016), with one classifier for both, and L_align compares the pseudo sequence of a clip's first frame with the
clip's own frame features.
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from models.datasets.clips import Clips
from models.losses import sequence_alignment
from models.networks.alignment import CrossModalityAlignment
from models.networks.network import Network
from models.siamese import siamese
from models.training.objectives.base import People
from models.training.objectives.identification import SETTINGS, Identification
from models.training.recipe import Recipe
from models.training.sections import Alignment


def known_from_photos(people: int, share: float) -> Tensor:
    """Of whom only photos are known: (C,) bool, `share` of the people, spread evenly over the labels."""
    counts = (torch.arange(people + 1, dtype=torch.float64) * share + 1e-9).floor()
    return counts.diff() > 0


class AlignmentObjective(Identification):
    """The losses of real sequences, of pseudo sequences, and of their alignment.

    Of a person known from photos only, the first frame of each clip is a photo and the rest does not exist:
    they learn through pseudo sequences alone. Without `use_images` nothing is learnt from or about them.

    Args:
        network: what is trained.
        people: to tell apart.
        recipe: the losses; image weights are those of pseudo sequences.
        generator: for the classifier's first weights.

    Raises:
        BadRecipe: the recipe asks for a loss that there is not.
    """

    network: CrossModalityAlignment
    losses = SETTINGS | {
        f"{branch}_{term}" for branch in ("image", "video") for term in ("cross_entropy", "contrastive")
    }

    def __init__(self, network: Network, people: People, recipe: Recipe, generator: torch.Generator) -> None:
        assert isinstance(network, CrossModalityAlignment)
        super().__init__(network, network.backbone, people, recipe, generator)
        self.settings = recipe.alignment or Alignment()
        self.photos_only: Tensor
        photos_only = known_from_photos(len(people), self.settings.image_people)
        self.register_buffer("photos_only", photos_only, persistent=False)
        losses, pseudo = recipe.losses, self.settings.pseudo > 0
        classifies = losses.video_cross_entropy > 0 or (pseudo and losses.image_cross_entropy > 0)
        contrasts = losses.video_contrastive > 0 or (pseudo and losses.image_contrastive > 0)
        self.let_learn(normalisation=classifies or contrasts, classifier=classifies)
        network.pseudo.requires_grad_(pseudo or self.settings.align > 0)

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
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.recipe.run.bf16):
            raw = self.network.raw_frames(x)
        return self.network.reduction(raw)  # type: ignore[no-any-return]

    def _sequence_terms(
        self, branch: str, features: Tensor, seen: Tensor, labels: Tensor, cameras: Tensor
    ) -> dict[str, Tensor]:
        """Siamese loss and softmax of sequences of one kind."""
        settings = self.settings
        known = None if settings.use_images else ~self.photos_only
        terms = self.person_terms(branch, seen, labels, known)
        if settings.siamese:
            loss = siamese(features, features, labels, cameras, margin=settings.margin, form="rcn-paper")
            terms[f"{branch}_siamese"] = settings.siamese * loss
        return terms

    def names(self) -> set[str]:
        """Of all terms that the recipe weighs; a batch may lack what one is of, which then is zero."""
        branches = ["video", *(["image"] if self.settings.pseudo else [])]
        kinds = ("contrastive", "cross_entropy")
        weights = {f"{b}_{k}": getattr(self.recipe.losses, f"{b}_{k}") for b in branches for k in kinds}
        weights |= {f"{b}_siamese": self.settings.siamese for b in branches}
        weights["align"] = self.settings.align
        return {name for name, weight in weights.items() if weight}

    def parts(self) -> Mapping[str, Iterable[nn.Parameter]]:
        """The backbone is "video"; all that begins at random is "classifier"."""
        network = self.network
        new = (network.reduction, network.pseudo, network.recurrence)
        own = [parameter for module in new for parameter in module.parameters()]
        return {"video": network.backbone.parameters(), "classifier": [*own, *self.head_parameters()]}
