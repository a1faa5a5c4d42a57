"""What a run learns from, and how the network sees it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.adaptation.batches import Batch
from models.adaptation.pieces import Piece
from models.adaptation.rehearsal import Rehearsal
from models.adaptation.settings import AdaptationSettings
from models.adaptation.store import CropStore
from models.evaluation.reranking import Ints
from models.preprocessing import Preprocessing, resize, standardise
from models.training.augment import augment
from models.training.loading import generator


@dataclass(frozen=True, slots=True)
class Material:
    """What is learnt from, and by which settings.

    Attributes:
        pieces: N.
        cameras: (N,) from 0.
        apart: pairs of pieces that are two people.
        together: pairs of pieces that people have marked as one person.
        store: their crops.
        preprocessing: of the network.
        rehearsal: simulated people; None for none.
        settings: of the run.
        device: "cpu" or "cuda:N".
    """

    pieces: Sequence[Piece]
    cameras: Ints
    apart: Sequence[tuple[int, int]]
    together: Sequence[tuple[int, int]]
    store: CropStore
    preprocessing: Preprocessing
    rehearsal: Rehearsal | None
    settings: AdaptationSettings
    device: str

    def see(self, batch: Batch, number: int) -> Tensor:
        """Batch `number` as the network sees it: (B, 3, H, W), augmented and standardised."""
        crops = [self.store.read(self.pieces[draw.piece].tracklet, draw.crop) for draw in batch]
        return self.ready(resize(crops, self.preprocessing), number)

    def ready(self, pixels: Tensor, number: int) -> Tensor:
        """Augment and standardise (B, 3, H, W) uint8."""
        drawn = generator(self.settings.seed, number)
        clips = pixels.to(self.device)[:, None]  # each a clip of one frame
        x = augment(clips, self.settings.augmentation, drawn)[:, 0]
        return standardise(x, self.preprocessing).contiguous(memory_format=torch.channels_last)
