"""A gallery that can be adapted to in seconds, and a process that does it.

python -m tests.indexer.adapting DATA_DIR DATABASE_URL PARENT RUN
"""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import torch
from PIL import Image

from gallery import AdaptOptions, Gallery, GallerySettings
from indexer.adaptation import Adapted, adapt_gallery
from indexer.importers.mars import CropFolder, import_crops
from indexer.settings import IndexSettings
from models import checkpoint
from models.adaptation.settings import AdaptationSettings
from tests.indexer.fakes import TinyEmbedder
from tests.models.adaptation.world import FORGIVING, draw, quick, small_model

SETTINGS = IndexSettings(device="cpu")
PEOPLE, CROPS = 20, 4


def fill(gallery: Gallery, folder: Path, cameras: int = 2) -> None:
    """Import drawn people, each seen by every camera."""
    folder.mkdir(parents=True)
    for person in range(PEOPLE):
        for camera in range(cameras):
            for number in range(CROPS):
                crop = Image.fromarray(draw(person, camera, 0, number))
                crop.save(folder / f"{person + 1:04}C{camera + 1}T0001F{number + 1:03}.png")
    start = datetime(2026, 3, 1, 8, tzinfo=UTC)
    import_crops(gallery, TinyEmbedder(), CropFolder(folder, "cam", start), SETTINGS)


def save_parent(folder: Path, *, wrong: bool) -> Path:
    """A small untrained model as a checkpoint: good at drawn people, unless its norms are `wrong`.

    Seconds of learning make a wrong one better, and the good one worse.
    """
    model = small_model()
    random = torch.Generator().manual_seed(0)
    for module in model.network.modules():
        if wrong and isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.normal_(0, 2, generator=random)
            module.running_var.uniform_(0.1, 10, generator=random)
    card = checkpoint.describe(model.network, "parent", model.preprocessing, {})
    checkpoint.save(folder, model.network, card)
    return folder


class Calm:
    """Takes notice of stages, and asks for nothing."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.fractions: list[float] = []

    def update(self, stage: str, fraction: float, counters: Mapping[str, int]) -> None:
        """See Progress."""
        self.stages.append(stage)
        self.fractions.append(fraction)


def adapt(
    gallery: Gallery,
    parent: Path,
    *,
    run: str = "1",
    progress: Calm | None = None,
    seed: int = 2,
    **options: object,
) -> Adapted:
    """Adapt the small model, with settings that take seconds."""
    torch.set_num_threads(1)
    asked = AdaptOptions("ours", str(parent), rounds=2, seed=seed, **options)  # type: ignore[arg-type]
    how: AdaptationSettings = quick(gate=FORGIVING)
    return adapt_gallery(gallery, asked, SETTINGS, run=run, progress=progress or Calm(), how=how)


if __name__ == "__main__":
    data_dir, url, parent, run = sys.argv[1:]
    with Gallery.open(GallerySettings(data_dir=Path(data_dir), database_url=url)) as opened:
        sys.stdout.write(f"{adapt(opened, Path(parent), run=run).model_id}\n")
