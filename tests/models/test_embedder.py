"""The embedder on every device this machine has."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models import zoo
from models.devices import faster_in_bf16, in_bf16, make_exact, resolve_device, resolve_precision
from models.embedder import Embedder, normalise, tracklet_feature
from models.errors import BadClip, BadImage, DeviceUnavailable
from models.preprocessing import Crop, prepare
from models.zoo import LoadedModel
from tests.models.conftest import attentive, pair_of
from tests.models.narrow import HEAD

MakeCrop = Callable[..., Crop]
HAS_CUDA = torch.cuda.is_available()
DEVICES = ["cpu", pytest.param("cuda:0", marks=pytest.mark.skipif(not HAS_CUDA, reason="no CUDA"))]


@pytest.fixture(scope="module")
def untrained_model(narrow: None) -> LoadedModel:
    """To be read, never changed."""
    return zoo.untrained("efficientnet-lite0")


@pytest.fixture(scope="module")
def attentive_model(narrow: None) -> LoadedModel:
    """The same with non-local blocks that do something."""
    return attentive()


@pytest.fixture(scope="module", params=DEVICES)
def embedder(request: pytest.FixtureRequest, attentive_model: LoadedModel) -> Embedder:
    return Embedder(attentive_model, device=request.param)


@pytest.fixture(scope="module", params=DEVICES)
def plain(request: pytest.FixtureRequest, untrained_model: LoadedModel) -> Embedder:
    return Embedder(untrained_model, device=request.param)


@pytest.fixture
def clips(make_crop: MakeCrop) -> list[list[Crop]]:
    return [[make_crop(60 + 7 * i, 30 + i) for i in range(length)] for length in (3, 1, 6, 2)]


def test_it_says_what_it_is(plain: Embedder, untrained_model: LoadedModel) -> None:
    assert plain.id == untrained_model.id
    assert plain.name == "imagenet-efficientnet-lite0"
    assert plain.dimension == HEAD
    assert plain.warning == untrained_model.card["warning"]
    assert plain.precision == "fp32"
    assert plain.preprocessing == untrained_model.preprocessing


def test_photos_give_unit_vectors(plain: Embedder, make_crop: MakeCrop) -> None:
    features = plain.embed_images([make_crop(), make_crop(200, 100)])
    assert features.shape == (2, HEAD)
    assert features.dtype == np.float32
    assert np.allclose(np.linalg.norm(features, axis=1), 1, atol=1e-6)


def test_features_are_those_of_the_network(
    embedder: Embedder, attentive_model: LoadedModel, make_crop: MakeCrop, clips: list[list[Crop]]
) -> None:
    """No step of the embedder (folding, memory format, parts, packing) may move a feature."""
    crops = [make_crop(), make_crop(150, 77)]
    with torch.inference_mode():
        images = attentive_model.network.embed_images(prepare(crops, attentive_model.preprocessing))
        raw = [
            attentive_model.network.embed_clips(prepare(clip, attentive_model.preprocessing)[None])[0]
            for clip in clips
        ]
    assert np.abs(embedder.embed_images(crops) - normalise(images.numpy())).max() < 1e-5
    assert np.abs(normalise(embedder.embed_clips(clips)) - normalise(torch.stack(raw).numpy())).max() < 1e-5


def test_a_mirrored_photo_is_the_same_photo_to_a_model_that_looks_at_both(
    untrained_model: LoadedModel, plain: Embedder, make_crop: MakeCrop
) -> None:
    photos = [make_crop(seed) for seed in range(50, 55)]
    mirrored = [np.ascontiguousarray(photo[:, ::-1]) for photo in photos]
    both = replace(untrained_model, preprocessing=replace(untrained_model.preprocessing, mirror=True))
    embedder = Embedder(both, device=plain.device)
    features = embedder.embed_images(photos)
    assert features.shape == (5, HEAD)
    np.testing.assert_allclose(features, embedder.embed_images(mirrored), atol=1e-5)
    assert not np.allclose(plain.embed_images(photos), plain.embed_images(mirrored), atol=1e-3)
    clips, mirrored_clips = [photos, photos[:1]], [mirrored, mirrored[:1]]
    of_clips = embedder.embed_clips(clips)
    np.testing.assert_allclose(of_clips, embedder.embed_clips(mirrored_clips), atol=1e-5)
    assert not np.allclose(plain.embed_clips(clips), plain.embed_clips(mirrored_clips), atol=1e-3)
    np.testing.assert_allclose(normalise(of_clips[1:]), features[:1], atol=1e-5)  # both networks are alike


@pytest.mark.parametrize("batch_size", [1, 4, 7, 64])
def test_batches_do_not_matter(
    embedder: Embedder, attentive_model: LoadedModel, clips: list[list[Crop]], batch_size: int
) -> None:
    """Neither the batch size nor who else is in the batch moves a feature."""
    other = Embedder(attentive_model, device=embedder.device, batch_size=batch_size)
    together = normalise(embedder.embed_clips(clips))
    assert np.abs(normalise(other.embed_clips(clips)) - together).max() < 1e-5
    for index, clip in enumerate(clips):
        assert np.abs(normalise(embedder.embed_clips([clip]))[0] - together[index]).max() < 1e-5
    order = [2, 0, 3, 1]
    shuffled = normalise(embedder.embed_clips([clips[i] for i in order]))
    assert np.abs(shuffled - together[order]).max() < 1e-5


def test_equal_calls_give_equal_bits(embedder: Embedder, clips: list[list[Crop]]) -> None:
    crops = [frame for clip in clips for frame in clip]
    assert np.array_equal(embedder.embed_clips(clips), embedder.embed_clips(clips))
    assert np.array_equal(embedder.embed_images(crops), embedder.embed_images(crops))


def test_threads_may_share_it(embedder: Embedder, clips: list[list[Crop]]) -> None:
    expected = embedder.embed_clips(clips)
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: embedder.embed_clips(clips), range(4)))
    assert all(np.array_equal(result, expected) for result in results)


def test_clip_features_are_raw_means_over_frames(plain: Embedder, make_crop: MakeCrop) -> None:
    """Before training frames do not see each other: a clip is the mean of its frames as they are."""
    a, b = make_crop(), make_crop()
    one, two, both = plain.embed_clips([[a], [b], [a, b]])
    assert np.allclose(both, (one + two) / 2, atol=1e-5)
    assert np.linalg.norm(one) > 2


def test_longest_clips_fit_and_longer_ones_are_refused(plain: Embedder, make_crop: MakeCrop) -> None:
    crop = make_crop()
    assert plain.embed_clips([[crop] * 32]).shape == (1, HEAD)
    with pytest.raises(BadClip, match="clip 1 has 33 frames; a clip has 1 to 32"):
        plain.embed_clips([[crop], [crop] * 33])
    with pytest.raises(BadClip, match="clip 0 has 0 frames"):
        plain.embed_clips([[]])


def test_nothing_gives_nothing(plain: Embedder) -> None:
    assert plain.embed_images([]).shape == (0, HEAD)
    assert plain.embed_clips([]).shape == (0, HEAD)


def test_what_is_no_picture_is_refused(plain: Embedder, make_crop: MakeCrop) -> None:
    with pytest.raises(BadImage):
        plain.embed_images([make_crop(), np.zeros((4, 4), np.uint8)])
    with pytest.raises(BadImage):
        plain.embed_clips([[np.zeros((0, 4, 3), np.uint8)]])


def test_the_model_is_left_as_it_was(untrained_model: LoadedModel, make_crop: MakeCrop) -> None:
    Embedder(untrained_model, device="cpu", precision="bf16").embed_images([make_crop()])
    assert next(untrained_model.network.parameters()).dtype == torch.float32
    assert len(pair_of(untrained_model).video.non_local) == 5


@pytest.mark.parametrize("device", DEVICES)
def test_bf16_is_close_and_says_so(
    device: str, attentive_model: LoadedModel, clips: list[list[Crop]]
) -> None:
    exact = Embedder(attentive_model, device=device)
    fast = Embedder(attentive_model, device=device, precision="bf16")
    assert fast.precision == "bf16"
    clips = [clips[1], clips[3]]  # a CPU without instructions for it takes its time
    crops = [frame for clip in clips for frame in clip]
    cosines = (exact.embed_images(crops) * fast.embed_images(crops)).sum(axis=1)
    assert cosines.min() > 0.98
    assert fast.embed_clips(clips).dtype == np.float32
    cosines = (normalise(exact.embed_clips(clips)) * normalise(fast.embed_clips(clips))).sum(axis=1)
    assert cosines.min() > 0.95  # where frames see each other, few channels round more


@pytest.mark.skipif(not HAS_CUDA, reason="no CUDA")
def test_a_gpu_computes_the_features_of_the_cpu(
    attentive_model: LoadedModel, clips: list[list[Crop]]
) -> None:
    cpu, gpu = (Embedder(attentive_model, device=device) for device in ("cpu", "cuda:0"))
    assert np.abs(normalise(cpu.embed_clips(clips)) - normalise(gpu.embed_clips(clips))).max() < 1e-4


def test_devices_are_explicit() -> None:
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") == ("cuda:0" if HAS_CUDA else "cpu")
    for device in ("cuda:99", "tpu", "", "CPU", "cuda:-1", "cuda:zero"):
        with pytest.raises(DeviceUnavailable, match="this machine has cpu and "):
            resolve_device(device)


def test_a_missing_gpu_is_an_error_not_a_slow_cpu(untrained_model: LoadedModel) -> None:
    if HAS_CUDA:
        pytest.skip("there is a GPU")
    for device in ("cuda", "cuda:0"):
        with pytest.raises(DeviceUnavailable, match="no GPU that torch can use"):
            Embedder(untrained_model, device=device)


def test_precisions_are_explicit() -> None:
    assert resolve_precision("auto", "cpu") == "fp32"
    assert resolve_precision("bf16", "cpu") == "bf16"
    with pytest.raises(DeviceUnavailable, match="auto, fp32 and bf16"):
        resolve_precision("fp16", "cpu")


def test_learning_in_bf16_is_left_to_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A recipe that asked for it would take ten times as long on a CPU that has no instructions for it."""
    for instructions in (True, False):
        monkeypatch.setattr("torch.cpu.get_capabilities", lambda has=instructions: {"avx512_bf16": has})
        faster_in_bf16.cache_clear()
        assert in_bf16(None, torch.device("cpu")) == instructions
        assert in_bf16(True, "cpu")
        assert not in_bf16(False, "cpu")
    faster_in_bf16.cache_clear()


def test_threads_bound_torch(untrained_model: LoadedModel) -> None:
    Embedder(untrained_model, device="cpu", threads=2)
    assert torch.get_num_threads() == 2


@given(st.lists(st.integers(1, 32), min_size=1, max_size=6), st.integers(0, 1000))
def test_a_tracklet_is_the_mean_over_all_its_frames(counts: Sequence[int], seed: int) -> None:
    frames = np.random.default_rng(seed).normal(1, 1, (sum(counts), 16)).astype(np.float32)
    parts = np.split(frames, np.cumsum(counts)[:-1])
    clips = np.stack([part.mean(axis=0) for part in parts])
    feature = tracklet_feature(clips, counts)
    assert feature.dtype == np.float32
    assert np.allclose(feature, normalise(frames.mean(axis=0)), atol=1e-5)


def test_zero_features_stay_zero() -> None:
    assert not normalise(np.zeros((2, 4), np.float32)).any()


def test_exact_convolutions_are_switched_on_without_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.setattr(torch.backends.cudnn, "deterministic", False)
    make_exact()
    assert not torch.backends.cudnn.allow_tf32
    assert torch.backends.cudnn.deterministic
