"""A captioner's checkpoint that knows nothing, in no time."""

from dataclasses import replace
from pathlib import Path

import torch

from models import checkpoint, zoo
from models.networks.captioner import Captioner
from models.networks.vocabulary import Vocabulary


def save_captioner(folder: Path, size: int = 32) -> Path:
    """ImageNet weights, layers of width 8 as they are drawn, three words."""
    loaded = zoo.untrained("efficientnet-lite0", "captioner", embedding=8)
    assert isinstance(loaded.network, Captioner)
    loaded.network.learn_words(Vocabulary(["a", "person", "."]), torch.Generator().manual_seed(0))
    preprocessing = replace(loaded.preprocessing, height=size, width=size)
    card = checkpoint.describe(loaded.network, "captioner", preprocessing, {})
    checkpoint.save(folder, loaded.network, card)
    return folder
