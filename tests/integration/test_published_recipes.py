"""The published recipes, from their backbones' weights to a model that answers: all but their size and time.

Who has a GPU and one of the published sets gives the data; what is run here is the rest, on tiny crops.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from models import checkpoint
from models.training.recipe import read_recipe
from tests.integration.test_training_path import run, simulated
from tests.models.networks.test_backbones import cache_weights

__all__ = ["simulated"]  # a fixture

FILES = {"resnet50": "RESNET50_FILE", "inception-v3": "INCEPTION_V3_FILE"}
SIZES = {"resnet50": (64, 32), "inception-v3": (80, 80), "small": (64, 48)}
ONLY_TORCH = {"crf-prid-2011"}  # its memory starts anew every 16 frames: no graph for clips of any length
TOY = {
    "batches.workers": 0,
    "batches.identities": 2,
    "batches.clips": 2,
    "batches.frames": 3,
    "batches.stride": 1,
    "optimiser.norm_batches": 1,
    "schedule": "{kind: cosine, steps: 2}",
    "run.log_every": 1,
}


def published(backbone: str) -> nn.Module:
    """A network whose weights are named as the published file's, and mean nothing."""
    from torchvision.models import inception_v3, resnet50  # once models has made it fit torch

    torch.manual_seed(0)
    network: nn.Module = resnet50() if backbone == "resnet50" else inception_v3(init_weights=False)
    return network


@pytest.fixture
def weights(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that the recipe's backbone begins with."""
    backbone = read_recipe(request.getfixturevalue("steps")[0]).backbone
    if backbone in FILES:
        cache_weights(published(backbone).state_dict(), tmp_path / "torch", monkeypatch, FILES[backbone])


def train(recipe: str, data: Path, out: Path, **more: object) -> Path:
    """Train the recipe as published but for what is in TOY; the checkpoint's folder."""
    height, width = SIZES[read_recipe(recipe).backbone]
    values = {**TOY, "input.height": height, "input.width": width, **more}
    settings = [part for key, value in values.items() for part in ("--set", f"{key}={value}")]
    trained = run(
        "train", recipe, "--dataset", "simulated", "--root", data, "--out", out, "--device", "cpu", *settings
    )
    assert trained.exit_code == 0, trained.output
    return out / "model"


@pytest.mark.long
@pytest.mark.usefixtures("weights")
@pytest.mark.parametrize(
    "steps",
    [
        ["tkp-resnet50-mars"],
        ["3d-saa-cmil-resnet50-mars"],
        ["vkd-resnet50-mars-teacher", "vkd-resnet50-mars-student"],
        ["crf-prid-2011", "crf-prid-2011 fusion"],
        ["captioner-inception-v3", "cross-modal-inception-v3-prid"],
    ],
    ids=" and ".join,
)
def test_a_published_recipe_runs_to_a_model_that_answers(
    steps: list[str], simulated: Path, tmp_path: Path
) -> None:
    before: Path | None = None
    for step in steps:
        recipe, _, stage = step.partition(" ")
        more: dict[str, object] = {}
        if stage:
            more = {"system.stage": stage, "initialise": before}
        elif before and recipe.startswith("vkd"):
            more = {"system.teacher": before.parent, "initialise": before}
        elif before:
            more = {"system.captioner": before}
        before = train(recipe, simulated, tmp_path / step.replace(" ", "-"), **more)
    assert before is not None
    figures, onnx = tmp_path / "figures.json", tmp_path / "onnx"
    judged = run(
        *("evaluate", "--dataset", "simulated", "--root", simulated, "--model", before),
        *("--device", "cpu", "--protocol", "all", "--json", figures),
    )
    assert judged.exit_code == 0, judged.output
    evaluations: list[dict[str, Any]] = json.loads(figures.read_text())["evaluations"]
    assert {one["protocol"] for one in evaluations} >= {"i2v", "v2v", "i2i"}
    assert {one["model_id"] for one in evaluations} == {checkpoint.load(before).id}
    exported = run("models", "export", before, "--onnx", onnx)
    if steps[0] in ONLY_TORCH:
        assert exported.exit_code == 2
        assert "torch cannot write this network as" in exported.output
    else:
        assert exported.exit_code == 0, exported.output
        assert (onnx / "image.onnx").is_file()
        assert (onnx / "video.onnx").is_file()
