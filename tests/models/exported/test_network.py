"""ONNX Runtime gives the features that torch gives: for photos and clips, from threads and after a fork."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from models import zoo
from models.embedder import Embedder, normalise
from models.errors import BadClip, CannotExport, DeviceUnavailable
from models.exported.cache import find
from models.exported.network import ExportedNetwork
from models.exported.writing import _is_mean
from models.imported.importing import Usage, import_network
from models.inference import optimise, ready
from models.preprocessing import Crop
from models.zoo import LoadedModel
from tests.models.imported.networks import write_reid

MakeCrop = Callable[..., Crop]
LENGTHS = (1, 4, 9, 32, 2, 5)
CLOSE = 1e-5  # features have length 1; a standard score is rounded to a hundredth


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return zoo.load()


@pytest.fixture(scope="module")
def by_torch(model: LoadedModel) -> Embedder:
    return Embedder(model, device="cpu")


@pytest.fixture(scope="module")
def by_onnx(model: LoadedModel, exported_networks: Path) -> Embedder:
    return Embedder(model, device="cpu", runtime="auto", exported=exported_networks)


def test_it_says_what_embeds(by_torch: Embedder, by_onnx: Embedder) -> None:
    assert (by_torch.runtime, by_onnx.runtime) == ("torch", "onnx")
    assert by_torch.id == by_onnx.id


@pytest.mark.parametrize("mirror", [True, False])
def test_photos_are_those_of_torch(
    model: LoadedModel, exported_networks: Path, make_crop: MakeCrop, mirror: bool
) -> None:
    asked = replace(model, preprocessing=replace(model.preprocessing, mirror=mirror))
    torchs = Embedder(asked, device="cpu")
    ours = Embedder(asked, device="cpu", runtime="onnx", exported=exported_networks)
    photos = [make_crop(60 + 5 * i, 20 + 3 * i) for i in range(9)]
    right = torchs.embed_images(photos)
    for count in (0, 1, 2, 5, 9):
        found = ours.embed_images(photos[:count])
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, right[:count], atol=CLOSE)
    other = Embedder(asked, device="cpu", runtime="onnx", exported=exported_networks, batch_size=1)
    assert np.array_equal(ours.embed_images(photos), ours.embed_images(photos))
    np.testing.assert_allclose(other.embed_images(photos), right, atol=CLOSE)


def test_clips_of_all_lengths_are_those_of_torch(
    by_torch: Embedder, by_onnx: Embedder, make_crop: MakeCrop
) -> None:
    frames = [make_crop(100 + i, 40) for i in range(32)]
    clips = [frames[-length:] for length in LENGTHS]
    right, found = by_torch.embed_clips(clips), by_onnx.embed_clips(clips)
    np.testing.assert_allclose(normalise(found), normalise(right), atol=CLOSE)
    np.testing.assert_allclose(found, right, rtol=0, atol=CLOSE * np.linalg.norm(right, axis=1).max())
    # Alone and beside others to the bit: what is beside a clip is chance when several threads index.
    assert all(
        np.array_equal(by_onnx.embed_clips([clip])[0], one) for clip, one in zip(clips, found, strict=True)
    )
    assert by_onnx.embed_clips([]).shape == (0, by_onnx.dimension)
    with pytest.raises(BadClip, match="clip 1 has 0 frames"):
        by_onnx.embed_clips([frames[:1], []])


def test_clips_whose_frames_see_each_other_stay_with_torch(
    attentive_model: LoadedModel, model: LoadedModel, exported_networks: Path
) -> None:
    assert _is_mean(optimise(model.network), (64, 32))
    assert not _is_mean(optimise(attentive_model.network), (64, 32))
    exported = find(exported_networks, model.id)
    assert exported is not None
    network = ready(model.network, "cpu", torch.float32)
    half = ExportedNetwork(replace(exported, video=None), 1, lambda: network)
    frames = torch.randn(5, 3, 192, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        found, right = half.embed_frames(frames, [2, 3]), network.embed_frames(frames, [2, 3])
    assert torch.equal(found, right)
    with pytest.raises(ValueError, match="do not describe"):
        ExportedNetwork(exported, 1, lambda: network).embed_frames(frames, [2, 2])


def test_threads_that_embed_at_once_get_their_own(
    model: LoadedModel, exported_networks: Path, make_crop: MakeCrop
) -> None:
    embedder = Embedder(model, device="cpu", runtime="auto", exported=exported_networks)
    photos = [make_crop() for _ in range(6)]
    with ThreadPoolExecutor(6) as threads:  # the first of them open the files
        found = list(threads.map(lambda one: embedder.embed_images([one])[0], photos))
        clips = list(threads.map(lambda one: embedder.embed_clips([[one]])[0], photos))
    assert all(np.array_equal(embedder.embed_images([p])[0], f) for p, f in zip(photos, found, strict=True))
    assert all(np.array_equal(embedder.embed_clips([[p]])[0], c) for p, c in zip(photos, clips, strict=True))


FORKING = """
import os, sys
from pathlib import Path
import numpy as np
from models.imported.runners import OnnxRunner
runner = OnnxRunner(Path(sys.argv[1]), "pictures", "features", 2)
pictures = np.random.default_rng(0).normal(size=(8, 3, 192, 96)).astype(np.float32)
before = runner.run(pictures)
if not (child := os.fork()):
    os._exit(0 if np.array_equal(runner.run(pictures), before) else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert np.array_equal(runner.run(pictures), before)
"""


def test_a_forked_child_and_its_parent_both_go_on(model: LoadedModel, exported_networks: Path) -> None:
    exported = find(exported_networks, model.id)
    assert exported is not None
    subprocess.run([sys.executable, "-c", FORKING, str(exported.image)], check=True, timeout=120)


def test_what_onnx_runtime_cannot_do_is_refused(model: LoadedModel, tmp_path: Path) -> None:
    with pytest.raises(DeviceUnavailable, match="no runtime 'tensorrt'; there are auto, torch, onnx"):
        Embedder(model, device="cpu", runtime="tensorrt")
    with pytest.raises(DeviceUnavailable, match="on the CPU in fp32 only"):
        Embedder(model, device="cpu", precision="bf16", runtime="onnx", exported=tmp_path)
    with pytest.raises(CannotExport, match="no folder"):
        Embedder(model, device="cpu", runtime="onnx")
    assert (
        Embedder(model, device="cpu", precision="bf16", runtime="auto", exported=tmp_path).runtime == "torch"
    )
    assert Embedder(model, device="cpu", runtime="auto").runtime == "torch"
    assert not list(tmp_path.iterdir())


def test_an_imported_network_keeps_its_own_runtime(tmp_path: Path) -> None:
    import_network(write_reid(tmp_path / "net.onnx"), "theirs", Usage(64, 32), tmp_path / "model")
    theirs = zoo.load(str(tmp_path / "model"))
    for runtime in ("auto", "torch", "onnx"):
        assert Embedder(theirs, runtime=runtime, exported=tmp_path / "exported").runtime == "onnx"
    assert not (tmp_path / "exported").exists()
