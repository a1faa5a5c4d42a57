"""Adaptation gains what it is for: people are found on another camera."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models import checkpoint
from models.adaptation.adapt import adapt
from models.checkpoint import LoadedModel
from models.embedder import Embedder
from tests.models.adaptation.world import World, draw, quick, small_model

OTHERS = range(1000, 1060)  # nobody of them is in the gallery


def found_on_another_camera(model: LoadedModel) -> float:
    """How many of 60 people that were never seen are found on camera 1 by a photo of camera 0."""
    embedder = Embedder(model, device="cpu")
    photos, gallery = (
        embedder.embed_images([draw(person, camera, 5, 0) for person in OTHERS]) for camera in (0, 1)
    )
    return float(((photos @ gallery.T).argmax(axis=1) == np.arange(len(OTHERS))).mean())


@pytest.mark.long
@pytest.mark.parametrize("kind", ["vkd", "tkp"])
def test_people_who_were_never_seen_are_found_on_another_camera(kind: str, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    parent = small_model(kind)
    learning = {"clusters": 8, "tracklets": 4, "norm_batches": 8, "simulated": 0}
    settings = quick(rounds=3, steps=40, learning=learning, gate={"least": 20})

    result = adapt(World(people=80), parent, settings, tmp_path, name="ours", device="cpu")

    before = found_on_another_camera(parent)
    assert result.outcome == "adapted", result
    assert result.model is not None
    assert found_on_another_camera(checkpoint.load(result.model)) > before + 0.1
