"""Cross-modality alignment's network: photos as pseudo sequences, and sequences."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from models import checkpoint, zoo
from models.embedder import Embedder
from models.networks.alignment import BACKBONES, CrossModalityAlignment, PseudoSequence
from models.networks.catalogue import build
from models.zoo import LoadedModel
from tests.models.conftest import settled
from tests.models.narrow import narrow_and_long

EXACT = 1e-9  # of float64


def frames(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 3, 32, 32, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def furthest(a: Tensor, b: Tensor) -> float:
    """The largest difference, as a share of the largest value."""
    return float((a - b).abs().max() / b.abs().max())


@pytest.fixture(scope="module", params=narrow_and_long(BACKBONES))
def network(narrow: None, request: pytest.FixtureRequest) -> CrossModalityAlignment:
    """One in which things move: as built, no layer is zero."""
    torch.manual_seed(0)
    return settled(CrossModalityAlignment(request.param, width=16, steps=3, neck=True)).double()


def test_packed_clips_equal_clips_one_by_one(network: CrossModalityAlignment) -> None:
    lengths, x = [2, 1, 4], frames(7)
    with torch.inference_mode():
        packed = network.embed_frames(x, lengths)
        parts = network.embed_frames(x, lengths, at_once=3)
        alone = torch.cat([network.embed_clips(clip[None]) for clip in torch.split(x, lengths)])
    assert packed.shape == (3, 16)
    assert max(furthest(other, packed) for other in (alone, parts)) < EXACT


def test_a_permuted_batch_gives_permuted_features(network: CrossModalityAlignment) -> None:
    x, order = frames(6), torch.tensor([4, 0, 5, 1, 3, 2])
    with torch.inference_mode():
        assert furthest(network.embed_images(x[order]), network.embed_images(x)[order]) < EXACT
        assert network.embed_images(x).equal(network.embed_images(x))


def test_the_order_of_frames_matters(network: CrossModalityAlignment) -> None:
    x = frames(4)
    with torch.inference_mode():
        forward, backward = network.embed_clips(x[None]), network.embed_clips(x.flip(0)[None])
    assert furthest(backward, forward) > 1e-3


def test_a_photo_is_the_sequence_of_its_pseudo_frames(network: CrossModalityAlignment) -> None:
    x = frames(2)
    with torch.inference_mode():
        pseudo = network.pseudo(network.encode(x), 3)
        expected = network.neck(network.pool_sequences(pseudo.flatten(0, 1), [3, 3]))
        assert furthest(network.embed_images(x), expected) < EXACT
    assert furthest(pseudo[:, 1], pseudo[:, 0]) > 1e-3  # something moves


def test_pseudo_frames_by_hand() -> None:
    """One channel, all weights of the GRU one half and its biases zero: the gates can be worked out."""
    module = PseudoSequence(1).double()
    with torch.no_grad():
        for name, parameter in module.motion.named_parameters():
            nn.init.constant_(parameter, 0.5 if name.startswith("weight") else 0.0)
        module.start.fill_(0.2)
        module.hidden.weight.copy_(torch.tensor([[1.0, -2.0]]))
        module.hidden.bias.fill_(0.1)
        module.change.weight.fill_(3.0)
        module.change.bias.fill_(-0.4)
        made = module(torch.tensor([[0.8]], dtype=torch.float64), 2)[0, :, 0].tolist()
    code, expected = 0.2, []
    for _ in range(2):
        gate = 1 / (1 + math.exp(-(0.5 * 0.8 + 0.5 * code)))  # both gates have the same weights
        candidate = math.tanh(0.5 * 0.8 + gate * 0.5 * code)
        code = (1 - gate) * candidate + gate * code
        expected.append(0.8 + 3 * max(0.0, 0.8 - 2 * code + 0.1) - 0.4)
    assert made == pytest.approx(expected)


def test_a_longer_pseudo_sequence_begins_like_a_shorter_one(network: CrossModalityAlignment) -> None:
    content = torch.randn(3, 16, dtype=torch.float64)
    with torch.inference_mode():
        assert furthest(network.pseudo(content, 5)[:, :2], network.pseudo(content, 2)) < EXACT


@pytest.fixture(scope="module")
def begun(narrow: None) -> LoadedModel:
    return zoo.untrained("efficientnet-lite0", "cross-modality-alignment", width=16, steps=3)


def test_a_new_network_takes_a_photo_for_a_clip_in_which_nothing_moves(begun: LoadedModel) -> None:
    x = frames(2).float()
    with torch.inference_mode():
        photos = begun.network.embed_images(x)
        clips = begun.network.embed_clips(x[:, None].expand(-1, 3, -1, -1, -1))
    assert furthest(photos, clips) < 1e-5


def test_all_weights_come_from_imagenet_or_the_generator(begun: LoadedModel) -> None:
    torch.manual_seed(5)
    again = zoo.untrained("efficientnet-lite0", "cross-modality-alignment", width=16, steps=3)
    assert again.id == begun.id
    with torch.random.fork_rng():
        torch.manual_seed(6)
        other = CrossModalityAlignment(width=16, steps=3)
    backbone = {
        name.removeprefix("backbone."): tensor
        for name, tensor in begun.network.state_dict().items()
        if name.startswith("backbone.")
    }
    other.initialise(backbone, torch.Generator().manual_seed(0))
    assert all(t.equal(other.state_dict()[name]) for name, t in begun.network.state_dict().items())


@pytest.mark.parametrize(
    "architecture",
    [
        {"backbone": "osnet"},
        {"width": 0},
        {"width": 5000},
        {"width": 2.0},
        {"steps": True},
        {"steps": 33},
        {"steps": "3"},
        {"neck": 1},
        {"noise": 1},
    ],
)
def test_what_cannot_be_built_is_refused(architecture: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(architecture))):
        build("cross-modality-alignment", architecture)


@pytest.mark.parametrize("lengths", [[2], [3, 0], [4, -1], []])
def test_lengths_that_do_not_fit_are_refused(lengths: list[int], begun: LoadedModel) -> None:
    with pytest.raises(ValueError, match="do not describe 3 frames"):
        begun.network.embed_frames(frames(3).float(), lengths)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_checkpoint_embeds_photos_and_clips(
    tmp_path: Path, begun: LoadedModel, rng: np.random.Generator, precision: str
) -> None:
    checkpoint.save(tmp_path, begun.network, begun.card, half=True)
    embedder = Embedder(checkpoint.load(tmp_path), precision=precision, device="cpu")
    crops = [rng.integers(0, 255, (64, 32, 3), dtype=np.uint8) for _ in range(3)]
    photos, clips = embedder.embed_images(crops), embedder.embed_clips([crops, crops[:1]])
    assert photos.shape == (3, 16)
    assert clips.shape == (2, 16)
    assert np.linalg.norm(photos, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.isfinite(clips).all()
