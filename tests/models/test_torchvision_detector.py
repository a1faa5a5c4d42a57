"""torchvision's detectors, with random weights in the place of downloaded ones."""

from pathlib import Path

import numpy as np
import pytest
import torch

from models import torchvision_compat
from models.detector import create_detector
from models.errors import BadCheckpoint, BadImage, MissingWeights, UnknownModel

NAME = "ssdlite320_mobilenet_v3_large"
FILE = "ssdlite320_mobilenet_v3_large_coco-a79551df.pth"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty download cache."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


def test_persons_are_found_with_cached_weights(cache: Path) -> None:
    torchvision_compat.ensure()
    from torchvision.models import get_model

    torch.manual_seed(0)
    network = get_model(NAME, weights=None, weights_backbone=None)
    for head in network.head.classification_head.module_list:
        head[1].bias.data[1::91] += 4  # the person class: a random network then answers something
    torch.save(network.state_dict(), cache / FILE)
    detector = create_detector(f"torchvision:{NAME}", threshold=0.1)
    assert detector.name == f"torchvision:{NAME}"
    assert detector.device in {"cpu", "cuda:0"}
    frame = np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)
    first, second = detector.detect([frame, frame[:, :60]])
    assert len(first.boxes) > 0
    assert (np.diff(first.scores) <= 0).all()
    assert (first.scores > 0.1).all()
    for found, width in ((first, 120), (second, 60)):
        assert (found.boxes >= 0).all()
        assert (found.boxes[:, 2] <= width).all()
        assert (found.boxes[:, 3] <= 90).all()
    with pytest.raises(BadImage):
        detector.detect([frame[..., 0]])


def test_missing_weights_are_named_not_downloaded(cache: Path) -> None:
    with pytest.raises(MissingWeights, match=f"no {cache}/{FILE}; get it from https://download"):
        create_detector(f"torchvision:{NAME}")


@pytest.mark.parametrize("damage", ["text", "other"])
def test_damaged_weights_are_refused(cache: Path, damage: str) -> None:
    if damage == "text":
        (cache / FILE).write_text("not weights")
    else:
        torch.save({"a": torch.zeros(1)}, cache / FILE)
    with pytest.raises(BadCheckpoint, match="does not hold the weights of"):
        create_detector(f"torchvision:{NAME}")


def test_unknown_names_list_the_known() -> None:
    with pytest.raises(UnknownModel, match="fasterrcnn_resnet50_fpn_v2"):
        create_detector("torchvision:resnet50")
