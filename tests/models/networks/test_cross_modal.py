"""Cross-modal embeddings: features, the LSTM and the square layer by hand, and what is refused."""

import math

import pytest
import torch
from torch import Tensor, nn

from models.networks.catalogue import build
from models.networks.cross_modal import BACKBONES, CrossModal, SequenceLSTM
from tests.models.narrow import narrow_and_long

# Equalities hold to rounding, and random deep networks amplify that of float32: float64 shows that they hold.
EXACT = 1e-9
SIZES = {"efficientnet-lite0": (32, 32), "inception-v3": (80, 75)}


def pictures(network: CrossModal, count: int, seed: int = 0) -> Tensor:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(count, 3, *SIZES[network.backbone], generator=draw, dtype=torch.float64)


@pytest.fixture(scope="module", params=narrow_and_long(BACKBONES))
def network(narrow: None, request: pytest.FixtureRequest) -> CrossModal:
    torch.manual_seed(0)
    network = CrossModal(request.param, embedding=6, hidden=5).double().train()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the plain mean of what is seen
    with torch.no_grad():
        network.cnn(pictures(network, 6, seed=2))
    return network.eval()


def test_packed_clips_equal_clips_one_by_one_in_any_order(network: CrossModal) -> None:
    x, lengths = pictures(network, 6), [2, 1, 3]
    with torch.inference_mode():
        packed, parts = network.embed_frames(x, lengths), network.embed_frames(x, lengths, at_once=4)
        clips = torch.split(x, lengths)
        alone = torch.cat([network.embed_clips(clip[None]) for clip in clips])
        turned = network.embed_frames(torch.cat(clips[::-1]), lengths[::-1])
    assert packed.shape == (3, 6)
    for other in (parts, alone, turned.flip(0)):
        assert (packed - other).abs().max() < EXACT


def test_pictures_do_not_depend_on_their_neighbours(network: CrossModal) -> None:
    x = pictures(network, 3)
    with torch.inference_mode():
        features, again = network.embed_images(x), network.embed_images(x)
        turned = network.embed_images(x.flip(0)).flip(0)
    assert features.shape == (3, network.dimension)
    assert again.equal(features)
    assert (features - turned).abs().max() < EXACT


def test_the_order_of_frames_matters(network: CrossModal) -> None:
    x = pictures(network, 3)
    with torch.inference_mode():
        forward, backward = network.embed_clips(x[None]), network.embed_clips(x.flip(0)[None])
    assert (forward - backward).abs().max() > 1e-6


def test_the_lstm_by_hand() -> None:
    """Gates i, f, g, o of one cell, two frames: c = f c + i g, h = o tanh(c), and the mean of h."""
    sequence = SequenceLSTM(1, 1)
    inputs, recurrent, bias = (0.5, -1.0, 2.0, 0.3), (0.2, 0.7, -0.4, 1.1), (0.1, 0.0, -0.2, 0.4)
    columns = {"weight_ih_l0": inputs, "weight_hh_l0": recurrent}
    with torch.no_grad():
        for name, parameter in sequence.lstm.named_parameters():
            values = torch.tensor(columns[name])[:, None] if name in columns else torch.tensor(bias) / 2
            parameter.copy_(values)  # the bias is the sum of two
    h = c = 0.0
    outputs = []
    for x in (1.5, -0.5):
        i, f, g, o = (w * x + r * h + b for w, r, b in zip(inputs, recurrent, bias, strict=True))
        c = sigmoid(f) * c + sigmoid(i) * math.tanh(g)
        h = sigmoid(o) * math.tanh(c)
        outputs.append(h)
    with torch.no_grad():
        mean = sequence(torch.tensor([[1.5], [-0.5]]), [2]).item()
    assert mean == pytest.approx(sum(outputs) / 2, abs=1e-6)
    assert sequence(torch.zeros(0, 1), []).shape == (0, 1)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_the_square_layer_by_hand() -> None:
    network = CrossModal(embedding=2, hidden=2)
    with torch.no_grad():
        network.verification.weight.copy_(torch.tensor([[1.0, 0.5], [0.0, 0.25]]))
        network.verification.bias.copy_(torch.tensor([0.0, 1.0]))
    # Of length sqrt(2) they are (sqrt 2, 0) and (0, sqrt 2): squares 2 and 2, logits 3 and 1.5.
    image, clip = torch.tensor([3.0, 0.0]), torch.tensor([0.0, 0.2])
    with torch.no_grad():
        assert network.verification_logits(image, clip).tolist() == pytest.approx([3.0, 1.5], abs=1e-5)
        assert network.verify(image, clip).item() == pytest.approx(sigmoid(1.5), abs=1e-6)
        assert network.verify(image, image).item() == pytest.approx(sigmoid(-1.0), abs=1e-6)
        pairs = network.verify(torch.randn(3, 1, 2), torch.randn(1, 4, 2))
    assert pairs.shape == (3, 4)
    assert ((pairs > 0) & (pairs < 1)).all()


def test_gradients_of_the_square_layer() -> None:
    network = CrossModal(embedding=3, hidden=2).double()
    draw = torch.Generator().manual_seed(0)
    image, clip = (torch.randn(4, 3, generator=draw, dtype=torch.float64) for _ in range(2))
    inputs = image.requires_grad_(), clip.requires_grad_()
    assert torch.autograd.gradcheck(network.verification_logits, inputs)


def test_a_new_square_layer_is_a_distance() -> None:
    network = CrossModal(embedding=8, hidden=8)
    network.initialise(network.cnn.state_dict(), torch.Generator().manual_seed(0))
    image, clips = torch.randn(8), torch.randn(5, 8)
    cosines = torch.nn.functional.cosine_similarity(image[None], clips)
    with torch.no_grad():
        assert network.verify(image, clips) == pytest.approx((4 * cosines - 2).sigmoid(), abs=1e-5)


def test_what_is_drawn_is_a_function_of_the_generator() -> None:
    networks = [CrossModal(embedding=4, hidden=4) for _ in range(2)]
    for network in networks:
        network.initialise(networks[0].cnn.state_dict(), torch.Generator().manual_seed(5))
    first, second = (network.state_dict() for network in networks)
    assert all(first[name].equal(second[name]) for name in first)


def test_published_sizes() -> None:
    with torch.device("meta"):
        network = CrossModal("inception-v3")
    assert network.image_projection.weight.shape == (512, 2048)
    assert network.sequence.lstm.weight_ih_l0.shape == (4 * 512, 2048)
    assert network.architecture == {"backbone": "inception-v3", "embedding": 512, "hidden": 512}
    assert not network.has_neck


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backbone": "resnet50"}, "no backbone 'resnet50'; known: efficientnet-lite0, inception-v3"),
        ({"embedding": 0}, "embedding is a number from 1 to 4096, not 0"),
        ({"hidden": 10**9}, "hidden is a number"),
        ({"hidden": "512"}, "hidden is a number"),
        ({"embedding": True}, "embedding is a number"),
        ({"depth": 3}, "depth"),
    ],
)
def test_what_cannot_be_built_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build("cross-modal", arguments)


@pytest.mark.parametrize("lengths", [[3], [5, 0], [6, -1], [2, 4]])
def test_lengths_that_do_not_fit_are_refused(lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="do not describe 5 frames"):
        CrossModal(embedding=2, hidden=2).embed_frames(torch.zeros(5, 3, 32, 32), lengths)
