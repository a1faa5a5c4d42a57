"""The converter that docs/models.md shows for torchreid's checkpoints, run as it stands there."""

import os
import re
import sys
import warnings
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from models import zoo
from models.embedder import Embedder, normalise
from models.exported.exporting import missing_packages
from models.imported.importing import Usage, import_network
from models.preprocessing import Crop, prepare
from tests.models.imported.torchreid import build_model, trained
from tests.simulation.drawing import give_up

GUIDE = Path(__file__).parents[3] / "docs" / "models.md"


def converter(network: str) -> str:
    """The block of the guide, for one of the two networks that it names."""
    block = re.search(r"```\n(import torch\nfrom torchreid.*?)```", GUIDE.read_text("utf-8"), flags=re.S)
    assert block is not None
    assert '"resnet50"' in block[1]
    return block[1].replace('build_model("osnet_x1_0"', f'build_model("{network}"')


@pytest.fixture
def torchreid(monkeypatch: pytest.MonkeyPatch) -> None:
    if missing_packages():
        give_up("the extra [onnx] is not installed", os.environ)
    package, models = ModuleType("torchreid"), ModuleType("torchreid.models")
    models.build_model = build_model  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchreid", package)
    monkeypatch.setitem(sys.modules, "torchreid.models", models)


@pytest.mark.usefixtures("torchreid")
@pytest.mark.parametrize("network", ["osnet_x1_0", pytest.param("resnet50", marks=pytest.mark.long)])
def test_a_checkpoint_becomes_a_model_with_the_same_features(
    network: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = trained(network)
    state = {f"module.{name}": tensor for name, tensor in theirs.state_dict().items()}
    torch.save({"state_dict": state, "epoch": 60, "rank1": 0.9}, tmp_path / "osnet.pth.tar")
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch's, of its older exporter
        exec(compile(converter(network), "docs/models.md", "exec"), {})

    import_network(tmp_path / "osnet.onnx", "theirs", Usage(256, 128), tmp_path / "model")

    model = zoo.load(str(tmp_path / "model"))
    random = np.random.default_rng(0)
    crops: list[Crop] = [random.integers(0, 255, (200, 90, 3), dtype=np.uint8) for _ in range(3)]
    with torch.inference_mode():
        right = normalise(theirs(prepare(crops, model.preprocessing)).numpy())
    np.testing.assert_allclose(Embedder(model).embed_images(crops), right, atol=1e-5)


@pytest.mark.usefixtures("torchreid")
def test_another_network_s_checkpoint_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = {"classifier.weight": torch.zeros(1), "backbone.conv1.weight": torch.zeros(1)}
    torch.save(state, tmp_path / "osnet.pth.tar")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AssertionError, match=r"backbone\.conv1\.weight"):
        exec(compile(converter("osnet_x1_0"), "docs/models.md", "exec"), {})
    assert not (tmp_path / "osnet.onnx").exists()
