"""VKD's network: what its features are made of, and what they do not depend on."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from models import checkpoint, zoo
from models.embedder import Embedder
from models.networks.catalogue import build
from models.networks.vkd import ARCHITECTURES, VKD
from models.zoo import LoadedModel
from tests.models.conftest import settled
from tests.models.narrow import narrow_and_long

EXACT = 1e-9  # of float64


def frames(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def furthest(a: Tensor, b: Tensor) -> float:
    """The largest difference, as a share of the largest value."""
    return float((a - b).abs().max() / b.abs().max())


@pytest.fixture(scope="module", params=narrow_and_long(ARCHITECTURES))
def network(narrow: None, request: pytest.FixtureRequest) -> VKD:
    torch.manual_seed(0)
    return settled(VKD(request.param, neck=True)).double()


def test_a_clip_is_the_mean_of_its_frames_and_of_nothing_else(network: VKD) -> None:
    lengths, x = [2, 1, 3], frames(6)
    with torch.inference_mode():
        packed, each = network.embed_frames(x, lengths), network.embed_images(x)
        parts = network.embed_frames(x, lengths, at_once=4)
        alone = torch.cat([network.embed_clips(clip[None]) for clip in torch.split(x, lengths)])
    means = torch.stack([each[:2].mean(dim=0), each[2], each[3:].mean(dim=0)])
    assert packed.shape == (3, network.dimension)
    assert max(furthest(other, packed) for other in (alone, parts, means)) < EXACT


def test_a_permuted_batch_gives_permuted_features(network: VKD) -> None:
    x, order = frames(6).view(3, 2, 3, 32, 32), torch.tensor([2, 0, 1])
    with torch.inference_mode():
        assert furthest(network.embed_clips(x[order]), network.embed_clips(x)[order]) < EXACT


def test_evaluation_repeats_itself_bit_by_bit(network: VKD) -> None:
    with torch.inference_mode():
        assert network.embed_images(frames(2)).equal(network.embed_images(frames(2)))


def test_the_last_block_does_not_activate(network: VKD) -> None:
    with torch.inference_mode():
        raw = network.raw_frames(frames(4))
    assert (raw < 0).any()


def test_the_last_bottleneck_of_resnet_is_linear() -> None:
    """As in the official code: one module activates thrice, and it is removed."""
    block = VKD("resnet50").double().eval().backbone.blocks[-1]
    a, b = (torch.randn(1, 2048, 2, 2, dtype=torch.float64) for _ in range(2))
    with torch.inference_mode():
        assert furthest(block(a + b), block(a) + block(b) - block(torch.zeros_like(a))) < EXACT


@pytest.mark.parametrize(("name", "stride", "blocks"), [("efficientnet-lite0", 32, 6), ("resnet50", 16, 3)])
def test_the_last_stage_is_that_of_the_last_resolution(name: str, stride: int, blocks: int) -> None:
    network = VKD(name).eval()
    x, count = frames(1).float(), len(network.backbone.blocks)
    assert len(network.last_stage) == blocks
    with torch.inference_mode():
        for block in network.backbone.blocks[: count - blocks]:
            x = block(x)
        assert 32 // x.shape[2] == 16
        assert 32 // network.last_stage[0](x).shape[2] == stride


def test_published_size_of_resnet() -> None:
    with torch.device("meta"):
        assert sum(p.numel() for p in VKD("resnet50").parameters()) == 23_508_032


@pytest.mark.parametrize(
    "architecture",
    [{"backbone": "resnet5"}, {"neck": 1}, {"neck": "bn"}, {"necks": True}, {"backbone": None}],
)
def test_what_cannot_be_built_is_refused(architecture: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"resnet5|neck|None"):
        build("vkd", architecture)


@pytest.mark.parametrize("lengths", [[2], [3, 0], [4, -1], []])
def test_lengths_that_do_not_fit_are_refused(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="do not describe 3 frames"):
        VKD().embed_frames(frames(3).float(), lengths)


@pytest.fixture(scope="module")
def begun(narrow: None) -> LoadedModel:
    return zoo.untrained("efficientnet-lite0", "vkd", neck=True)


def test_training_begins_with_imagenet_weights(begun: LoadedModel) -> None:
    assert zoo.untrained("efficientnet-lite0", "vkd", neck=True).id == begun.id
    theirs = zoo.untrained("efficientnet-lite0").network.state_dict()
    for name, tensor in begun.network.state_dict().items():
        if name.startswith("backbone."):
            assert tensor.equal(theirs[name.replace("backbone.", "image.")]), name


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_checkpoint_embeds_photos_and_clips_into_one_space(
    tmp_path: Path, begun: LoadedModel, rng: np.random.Generator, precision: str
) -> None:
    checkpoint.save(tmp_path, begun.network, begun.card, half=True)
    embedder = Embedder(checkpoint.load(tmp_path), precision=precision, device="cpu")
    crops = [rng.integers(0, 255, (64, 32, 3), dtype=np.uint8) for _ in range(3)]
    photos, clips = embedder.embed_images(crops), embedder.embed_clips([crops])
    assert photos.shape == (3, begun.dimension)
    single = embedder.embed_clips([crops[:1]])[0]
    assert single / np.linalg.norm(single) == pytest.approx(
        photos[0], abs=1e-5 if precision == "fp32" else 0.02
    )
    assert np.isfinite(clips).all()
