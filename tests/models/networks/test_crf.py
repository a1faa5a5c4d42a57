"""The CRF network: published sizes, its parts by hand, and what must hold for every network."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models import checkpoint, zoo
from models.embedder import Embedder, normalise, tracklet_feature
from models.errors import BadCheckpoint
from models.inference import optimise
from models.networks.backbones import BACKBONES
from models.networks.catalogue import build
from models.networks.clip_channels import five_channels
from models.networks.crf import CRF, KNOWN, OFFSETS
from models.networks.crf_subnetwork import Layer, Subnetwork, small
from models.preprocessing import Crop
from tests.models.conftest import pair_of
from tests.models.narrow import narrow_lite0
from tests.models.networks.test_tkp import EXACT, furthest

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "crf": {},
    "cnn": {"features": "cnn"},
    "rcn": {"features": "rnn", "rcn": True, "normalisation": "published"},
    "relu": {"memory": "relu"},
    "local-global": {"parts": ["full", "upper", "lower"], "euclidean": 3.0},
    "augmented": {"test_augmentation": True},
    "lite0": {"backbone": "efficientnet-lite0"},
}


def crf(**architecture: Any) -> CRF:
    network = zoo.untrained(architecture.pop("backbone", "small"), "crf", **architecture).network
    assert isinstance(network, CRF)
    return network


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(name, marks=[pytest.mark.long] if name == "augmented" else [])
        for name in sorted(ARCHITECTURES)
    ],
)
def network(request: pytest.FixtureRequest) -> CRF:
    with narrow_lite0():
        return crf(**ARCHITECTURES[request.param]).double()


def frames(count: int, seed: int = 0) -> Tensor:
    """Coarse random patterns, so that flow is not of noise alone."""
    draws = torch.Generator().manual_seed(seed)
    coarse = torch.rand(count, 3, 16, 12, generator=draws, dtype=torch.float64)
    return nn.functional.interpolate(coarse, (64, 48), mode="bilinear")


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_published_size_of_rcn_and_what_crf_adds() -> None:
    rcn = crf(features="rnn", rcn=True)
    assert parameters(rcn) == 384_800  # published: 0.385 M
    assert parameters(crf()) == 384_800 + 128 * 129  # the map before the memory
    assert parameters(crf(parts=["full", "upper", "lower"])) == 3 * parameters(crf()) + 3


def test_published_sizes_of_the_maps() -> None:
    x, sizes = torch.zeros(1, 5, 56, 40), []
    for block in small(rcn=False).blocks:
        x = block(x)
        sizes.append(tuple(x.shape[1:]))
    assert sizes == [(16, 30, 22), (32, 17, 13), (32, 10, 8)]


def test_tanh_before_pooling_or_relu_after() -> None:
    crf_layer, rcn_layer = Layer(1, 1, rcn=False), Layer(1, 1, rcn=True)
    x = torch.randn(1, 1, 4, 4)
    assert crf_layer(x).equal(nn.functional.max_pool2d(crf_layer.conv(x), 2).relu())
    assert rcn_layer(x).equal(nn.functional.max_pool2d(rcn_layer.conv(x).tanh(), 2))


def test_packed_clips_equal_clips_one_by_one(network: CRF) -> None:
    lengths = [3, 1, 2] if network.test_augmentation else [3, 1, 17, 2]
    x = frames(sum(lengths))
    with torch.inference_mode():
        packed = network.embed_frames(x, lengths)
        alone = torch.cat([network.embed_clips(clip[None]) for clip in torch.split(x, lengths)])
    assert packed.shape == (len(lengths), network.dimension)
    assert furthest(packed, alone) < EXACT


def test_a_batch_in_another_order_gives_the_same_features(network: CRF) -> None:
    clips = frames(6).view(3, 2, 3, 64, 48)
    with torch.inference_mode():
        straight, turned = network.embed_clips(clips), network.embed_clips(clips[[2, 0, 1]])
        assert furthest(turned, straight[[2, 0, 1]]) < EXACT
        assert network.embed_clips(clips).equal(straight)  # nothing is drawn at random


def test_a_few_frames_at_a_time_give_the_same(network: CRF) -> None:
    x = frames(7)
    with torch.inference_mode():
        whole, parts = network.embed_frames(x, [5, 2]), network.embed_frames(x, [5, 2], at_once=3)
    assert furthest(parts, whole) < EXACT


def test_a_photo_is_a_clip_of_one_frame(network: CRF) -> None:
    x = frames(3)
    with torch.inference_mode():
        assert network.embed_images(x).equal(network.embed_frames(x, [1, 1, 1]))


def test_time_matters() -> None:
    """Unlike a mean over frames: the memory, and motion, know what comes first."""
    x = frames(4)
    with torch.inference_mode():
        for kind in ("cnn+rnn", "cnn"):
            network = crf(features=kind).double()
            forward, backward = network.embed_clips(x[None]), network.embed_clips(x.flip(0)[None])
            assert furthest(backward, forward) > 1e-4


@pytest.mark.parametrize("features", ["cnn+rnn", "cnn", "rnn"])
def test_the_feature_is_the_sum_of_two_means(features: str) -> None:
    """20 frames: outputs of the memory come from frames 1 to 16 and, anew, from frames 17 to 20."""
    network, x = crf(features=features).double(), frames(20)
    subnetwork = network.subnetworks["full"]
    assert isinstance(subnetwork, Subnetwork)
    with torch.inference_mode():
        channels = five_channels(x, [20], "standard")[:, :, 4:-4, 4:-4]
        maps = subnetwork.backbone(channels - channels.mean(dim=(1, 2, 3), keepdim=True))
        f = subnetwork.embed(maps.flatten(1))
        expected = f.mean(dim=0) if "cnn" in features else torch.zeros_like(f[0])
        if subnetwork.recurrence is not None:
            o = [subnetwork.recurrence(group, [len(group)]) for group in (f[:16], f[16:])]
            expected = expected + torch.cat(o).mean(dim=0)
        assert furthest(network.embed_frames(x, [20])[0], expected) < EXACT


@pytest.mark.parametrize("memory", ["tanh", "relu"])
def test_taps_of_one_network_add_up_to_its_feature(memory: str) -> None:
    network, x = crf(memory=memory, parts=["full", "lower"]), frames(20).float()
    with torch.inference_mode():
        cnn, rnn, both = (
            one.embed_frames(x, [20]) for one in (network.tap("cnn"), network.tap("rnn"), network)
        )
    assert furthest(cnn + rnn, both) < 1e-5
    assert network.tap("cnn").architecture == {**network.architecture, "features": "cnn"}
    with pytest.raises(ValueError, match="a network of cnn features has no rnn features"):
        network.tap("cnn").tap("rnn")


def test_the_parts_of_a_tracklet_make_its_feature() -> None:
    """Frame-weighted means over clips, as the gallery takes them, are the published mean over all frames."""
    network, x = crf(parts=["full", "lower"], features="cnn", euclidean=2.0), frames(1).float()
    clips = x.repeat(5, 1, 1, 1)
    with torch.inference_mode():
        whole = network.embed_frames(clips, [5])
        parts = network.embed_frames(clips, [3, 2])
    assert np.allclose(tracklet_feature(parts.numpy(), [3, 2]), normalise(whole.numpy())[0], atol=1e-6)


def test_a_half_sees_its_half_only() -> None:
    network = crf(parts=["upper", "lower"])
    x, lengths = frames(2).float(), [2]
    changed = x.clone()
    changed[:, :, :32] = frames(2, seed=5).float()[:, :, :32]
    with torch.inference_mode():
        moved = network.part_features(changed, lengths) - network.part_features(x, lengths)
    assert moved[0].abs().max() > 1e-4
    assert not moved[1].any()


def test_fusion_by_hand() -> None:
    network = crf(parts=["upper", "lower", "full"])
    assert network.fusion is not None
    with torch.no_grad():
        network.fusion.logits.copy_(torch.tensor([1.0, 2.0, 5.0]).log())
        x = frames(4).float()
        upper, lower, full = network.part_features(x, [2, 2])
        expected = (1 * upper + 2 * lower + 5 * full) / 8
        assert torch.allclose(network.embed_frames(x, [2, 2]), expected, atol=1e-6)


def test_the_augmented_feature_is_the_mean_of_sixteen() -> None:
    network, x = crf(test_augmentation=True).double(), frames(3)
    subnetwork = network.subnetworks["full"]
    versions = []
    with torch.inference_mode():
        for version in (x, x.flip(-1)):
            channels = five_channels(version, [3], "standard")
            for at in OFFSETS:
                crop = channels[:, :, at : at + 56, at : at + 40]
                versions.append(subnetwork(crop - crop.mean(dim=(1, 2, 3), keepdim=True), [3]))
        assert len(versions) == 16
        assert furthest(network.embed_frames(x, [3]), torch.stack(versions).mean(dim=0)) < EXACT
        # A mirror image has the same sixteen versions.
        assert furthest(network.embed_frames(x.flip(-1), [3]), network.embed_frames(x, [3])) < EXACT


def test_with_the_constant_cosines_rank_as_euclidean_distances() -> None:
    x, radius = frames(12), 100.0
    with torch.inference_mode():
        raw = crf().double().embed_images(x)
        lifted = nn.functional.normalize(crf(euclidean=radius).double().embed_images(x))
    assert lifted.shape == (12, 129)
    distances, cosines = torch.cdist(raw, raw), lifted @ lifted.T
    assert torch.allclose(2 * radius**2 * (1 - cosines), distances.square(), rtol=0.01, atol=1e-6)
    for own in range(12):
        assert distances[own].argsort().equal(cosines[own].argsort(descending=True))
    directions = nn.functional.normalize(raw)
    assert not distances[0].argsort().equal((directions @ directions.T)[0].argsort(descending=True))


def test_lite0_begins_as_what_it_was_on_imagenet() -> None:
    network = crf(backbone="efficientnet-lite0")
    subnetwork = network.subnetworks["full"]
    assert isinstance(subnetwork, Subnetwork)
    image = pair_of(zoo.untrained("efficientnet-lite0")).image
    x = 2 * frames(2).float() - 1
    with torch.inference_mode():
        channels = torch.cat([x, torch.randn(2, 2, 64, 48)], dim=1)
        assert torch.allclose(subnetwork.backbone(channels), image(x), atol=1e-5)


def test_lite0_takes_frames_of_other_sizes_and_the_small_one_does_not() -> None:
    x = torch.zeros(1, 3, 128, 64)
    assert crf(backbone="efficientnet-lite0").embed_images(x).shape == (1, 128)
    with pytest.raises(ValueError, match="takes frames of 64 x 48, not \\(128, 64\\)"):
        crf().embed_images(x)


def test_scales_undo_what_preprocessing_did() -> None:
    for backbone in KNOWN:
        preprocessing, spec = zoo.untrained(backbone, "crf").preprocessing, BACKBONES[backbone]
        assert (preprocessing.mean, preprocessing.std) == (spec.mean, spec.std)


def test_the_same_seed_begins_alike() -> None:
    first, second = crf(parts=["full", "lower"]), crf(parts=["full", "lower"])
    for (name, a), b in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        assert a.equal(b), name
    one, other = (s.embed.weight for s in first.subnetworks.values() if isinstance(s, Subnetwork))
    assert not one.equal(other)


def test_gradients_reach_every_weight() -> None:
    network = crf(parts=["full", "upper", "lower"]).train().requires_grad_(True)
    torch.autograd.backward(network.embed_frames(frames(4).float(), [4]).square().sum())
    missing = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert not missing


@pytest.mark.parametrize("lengths", [[3], [5, 0], [6, -1], [2, 4]])
def test_lengths_that_do_not_fit_are_refused(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="do not describe 5 frames"):
        crf().embed_frames(frames(5).float(), lengths)


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        ({"backbone": "resnet18"}, "no backbone 'resnet18'; known: small, efficientnet-lite0"),
        ({"features": "lstm"}, "no features 'lstm'; known"),
        ({"features": ["cnn"]}, "no features"),
        ({"memory": "gelu"}, "no memory 'gelu'; known: tanh, relu"),
        ({"normalisation": None}, "no normalisation None"),
        ({"parts": []}, "parts is a list of different regions"),
        ({"parts": "full"}, "parts is a list"),
        ({"parts": ["full", "full"]}, "parts is a list"),
        ({"parts": ["feet"]}, "no part 'feet'; known: full, upper, lower"),
        ({"parts": [1]}, "no part 1"),
        ({"parts": [["full"], ["full"]]}, "parts is a list"),
        ({"rcn": 1}, "true or false"),
        ({"test_augmentation": "yes"}, "true or false"),
        ({"euclidean": True}, "euclidean is zero or a positive"),
        ({"euclidean": "1"}, "euclidean is zero or a positive"),
        ({"euclidean": -1.0}, "euclidean is zero or a positive"),
        ({"euclidean": float("inf")}, "euclidean is zero or a positive"),
        ({"euclidean": float("nan")}, "euclidean is zero or a positive"),
        ({"backbone": "efficientnet-lite0", "rcn": True}, "of the small backbone"),
        ({"backbone": "efficientnet-lite0", "normalisation": "published"}, "of the small backbone"),
        ({"wheels": 4}, "wheels"),
    ],
)
def test_an_impossible_architecture_is_refused(architecture: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build("crf", architecture)


@pytest.mark.parametrize("name", ["crf", "local-global", "lite0"])
def test_a_checkpoint_brings_the_same_network_back(name: str, tmp_path: Any) -> None:
    model = zoo.untrained(
        ARCHITECTURES[name].get("backbone", "small"),
        "crf",
        **{k: v for k, v in ARCHITECTURES[name].items() if k != "backbone"},
    )
    checkpoint.save(
        tmp_path, model.network, checkpoint.describe(model.network, "one", model.preprocessing, {})
    )
    loaded = checkpoint.load(tmp_path)
    x = frames(3).float()
    with torch.inference_mode():
        assert loaded.network.embed_frames(x, [2, 1]).equal(model.network.embed_frames(x, [2, 1]))
    assert loaded.network.architecture == model.network.architecture
    card = (tmp_path / "card.json").read_text()
    older = card.replace('    "memory": "tanh",\n', "")  # written before there was a choice
    (tmp_path / "card.json").write_text(older)
    assert checkpoint.load(tmp_path).network.architecture == model.network.architecture
    (tmp_path / "card.json").write_text(card.replace('"cnn+rnn"', '"all"'))
    with pytest.raises(BadCheckpoint, match="no features 'all'"):
        checkpoint.load(tmp_path)


@pytest.mark.parametrize("name", ["local-global", "lite0"])
def test_the_embedder_takes_it_in_both_precisions(name: str, make_crop: Callable[..., Crop]) -> None:
    architecture = dict(ARCHITECTURES[name])
    with narrow_lite0():
        model = zoo.untrained(architecture.pop("backbone", "small"), "crf", **architecture)
    crops = [make_crop() for _ in range(2)]  # a CPU without instructions for bf16 takes its time
    exact, rough = (Embedder(model, device="cpu", precision=precision) for precision in ("fp32", "bf16"))
    assert np.allclose(np.linalg.norm(exact.embed_images(crops), axis=1), 1, atol=1e-6)
    for a, b in (
        (exact.embed_images(crops), rough.embed_images(crops)),
        (normalise(exact.embed_clips([crops, crops[:1]])), normalise(rough.embed_clips([crops, crops[:1]]))),
    ):
        assert (a * b).sum(axis=1).min() > 0.98


def test_less_work_gives_the_same_features() -> None:
    network, x = crf(backbone="efficientnet-lite0"), frames(3).float()
    with torch.inference_mode():
        assert furthest(optimise(network).embed_frames(x, [3]), network.embed_frames(x, [3])) < 1e-4
