"""Models as ONNX files: they agree with torch, and can be imported again."""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from models import zoo
from models.embedder import Embedder, normalise
from models.errors import CannotExport
from models.exported.exporting import export_onnx
from models.exported.writing import AGREEMENT, IMAGE, INPUT, OUTPUT, VIDEO
from models.imported.importing import Usage, import_network
from models.names import SHIPPED
from models.onnx_runtime import open_on_cpu
from models.preprocessing import prepare
from tests.models.imported.networks import write_reid
from tests.simulation.drawing import give_up


def test_an_imported_network_is_not_exported(tmp_path: Path) -> None:
    import_network(write_reid(tmp_path / "net.onnx"), "theirs", Usage(64, 32), tmp_path / "model")
    with pytest.raises(CannotExport, match="theirs was imported"):
        export_onnx(zoo.load(str(tmp_path / "model")), tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_agrees_with_torch(name: str, tmp_path: Path) -> None:
    if find_spec("onnx") is None or find_spec("onnxscript") is None:
        give_up("the extra [onnx] is not installed", os.environ)
    model = zoo.load(name)
    assert export_onnx(model, tmp_path) <= AGREEMENT
    p = model.preprocessing
    usage = Usage(p.height, p.width, mean=p.mean, std=p.std)
    import_network(tmp_path / IMAGE, "again", usage, tmp_path / "again")
    again, ours = Embedder(zoo.load(str(tmp_path / "again"))), Embedder(model)
    random = np.random.default_rng(0)
    frames = [random.integers(0, 255, (200, 90, 3), dtype=np.uint8) for _ in range(6)]
    photos = again.embed_images(frames)
    mirrored = again.embed_images([frame[:, ::-1] for frame in frames])
    assert np.isfinite(photos + mirrored).all()
    session = open_on_cpu(tmp_path / VIDEO, None)
    clip = session.run([OUTPUT], {INPUT: prepare(frames, p).numpy()})[0]
    np.testing.assert_allclose(normalise(clip), normalise(ours.embed_clips([frames])), atol=AGREEMENT)
