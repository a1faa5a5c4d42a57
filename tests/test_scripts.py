"""Scripts that researchers run on models."""

from pathlib import Path

import pytest
import torch

from models import checkpoint, zoo
from models.errors import BadCheckpoint
from models.networks.crf import CRF
from scripts.taps import write_taps


def saved(folder: Path, **architecture: object) -> Path:
    model = zoo.untrained("small", "crf", **architecture)
    checkpoint.save(folder, model.network, checkpoint.describe(model.network, "one", model.preprocessing, {}))
    return folder


def test_taps_of_a_crf_network_are_models_of_their_own(tmp_path: Path) -> None:
    whole = checkpoint.load(saved(tmp_path / "whole", memory="relu"))
    folders = write_taps(tmp_path / "whole", tmp_path / "taps")
    cnn, rnn = (checkpoint.load(folder) for folder in folders)
    frames = torch.rand(5, 3, 64, 48)
    with torch.inference_mode():
        parts = [one.network.embed_frames(frames, [5]) for one in (cnn, rnn)]
        assert torch.allclose(sum(parts, torch.zeros(())), whole.network.embed_frames(frames, [5]), atol=1e-6)
    assert cnn.card["taps"] == {"features": "cnn", "parts": ["full"], "of": whole.id}
    assert cnn.name == "one-cnn"
    with pytest.raises(BadCheckpoint, match="no CRF network with the features"):
        write_taps(folders[0], tmp_path / "again")


def test_one_region_is_read_before_the_fusion(tmp_path: Path) -> None:
    parts = ["full", "upper", "lower"]
    network = checkpoint.load(saved(tmp_path / "whole", memory="relu", parts=parts)).network
    folders = write_taps(tmp_path / "whole", tmp_path / "taps", "upper")
    assert [folder.name for folder in folders] == ["cnn", "rnn", "sum"]
    frames = torch.rand(5, 3, 64, 48)
    with torch.inference_mode():
        read = checkpoint.load(folders[2]).network.embed_frames(frames, [5])
        assert isinstance(network, CRF)
        assert torch.allclose(read, network.part_features(frames, [5])[1], atol=1e-6)
    with pytest.raises(BadCheckpoint, match="no sub-network of the lower body"):
        write_taps(folders[2], tmp_path / "again", "lower")
