import pytest
import torch
from torch import Tensor

from models.networks.tkp import ARCHITECTURES, TKP, Architecture
from models.zoo import LoadedModel
from tests.models.conftest import settled, trained
from tests.models.narrow import narrow_and_long

# Equalities hold to rounding, and random deep networks amplify that of float32: float64 shows that they hold.
EXACT = 1e-9


def frames(count: int, seed: int = 0) -> Tensor:
    return torch.randn(count, 3, 64, 32, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def furthest(a: Tensor, b: Tensor) -> float:
    """The largest difference, as a share of the largest value."""
    return float((a - b).abs().max() / b.abs().max())


@pytest.fixture(scope="module", params=narrow_and_long(ARCHITECTURES))
def network(narrow: None, request: pytest.FixtureRequest) -> TKP:
    torch.manual_seed(0)
    return settled(trained(TKP(request.param))).double()


def test_packed_clips_equal_clips_one_by_one(network: TKP) -> None:
    lengths = [3, 1, 4, 2]
    x = frames(10)
    with torch.inference_mode():
        packed = network.embed_frames(x, lengths)
        alone = torch.cat([network.embed_clips(clip[None]) for clip in torch.split(x, lengths)])
    assert packed.shape == (4, network.dimension)
    assert furthest(packed, alone) < EXACT


def test_a_few_frames_at_a_time_give_the_same(network: TKP) -> None:
    x = frames(7)
    with torch.inference_mode():
        whole, parts = network.embed_frames(x, [5, 2]), network.embed_frames(x, [5, 2], at_once=3)
    assert furthest(parts, whole) < EXACT


def test_the_video_network_looks_across_the_frames_of_a_clip_only(network: TKP) -> None:
    x = frames(5)
    with torch.inference_mode():
        before = network.raw_frames(x, [2, 3])
        changed = x.clone()
        changed[0] = frames(1, seed=9)[0]
        after = network.raw_frames(changed, [2, 3])
    assert furthest(after[1], before[1]) > 1e-4  # the other frame of the clip that changed
    assert furthest(after[2:], before[2:]) < EXACT


def test_the_order_of_frames_does_not_matter(network: TKP) -> None:
    """Nothing in the published network knows time: affinities and means are over sets of frames."""
    x = frames(4)
    with torch.inference_mode():
        forward, backward = network.embed_clips(x[None]), network.embed_clips(x.flip(0)[None])
    assert furthest(backward, forward) < EXACT


def test_the_networks_share_no_weights(network: TKP) -> None:
    image = {parameter.data_ptr() for parameter in network.image.parameters()}
    assert not image & {parameter.data_ptr() for parameter in network.video.parameters()}


def test_published_size_of_the_resnet_pair() -> None:
    with torch.device("meta"):
        network = TKP("resnet50")
    assert sum(p.numel() for p in network.image.parameters()) == 23_508_032
    blocks = sum(p.numel() for block in network.non_local_blocks() for p in block.parameters())
    assert blocks == pytest.approx(7.36e6, rel=0.01)
    assert [block.theta.in_channels for block in network.non_local_blocks()] == [512, 512, 1024, 1024, 1024]


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_non_local_blocks_stand_at_strides_8_and_16(name: str) -> None:
    network = TKP(name).eval().double()
    x, strides = frames(1), []
    with torch.inference_mode():
        for index, block in enumerate(network.video.backbone.blocks):
            x = block(x)
            if str(index) in network.video.non_local:
                strides.append(64 // x.shape[2])
    assert strides == [8, 8, 16, 16, 16]


def test_before_training_both_networks_give_one_feature(untrained_model: LoadedModel) -> None:
    x = frames(3).float()
    with torch.inference_mode():
        image, clip = untrained_model.network.embed_images(x), untrained_model.network.embed_clips(x[None])
    assert (image.mean(dim=0) - clip[0]).abs().max() < 1e-5


@pytest.mark.parametrize("lengths", [[3], [5, 0], [6, -1], [2, 4]])
def test_lengths_that_do_not_fit_are_refused(lengths: list[int], untrained_model: LoadedModel) -> None:
    with pytest.raises(ValueError, match="do not describe 5 frames"):
        untrained_model.network.embed_frames(frames(5), lengths)


def test_gradients_flow_through_both_networks() -> None:
    network = trained(TKP()).train().double()
    loss = network.embed_images(frames(2)).sum() + network.embed_clips(frames(4)[None]).sum()
    torch.autograd.backward(loss)
    missing = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    assert not missing


def test_architecture_names_blocks_that_exist() -> None:
    for architecture in ARCHITECTURES.values():
        assert isinstance(architecture, Architecture)
        with torch.device("meta"):
            assert max(architecture.non_local_after) < len(architecture.backbone().blocks)


def test_a_fine_map_has_twice_the_height_and_width_and_the_same_weights() -> None:
    plain, fine = TKP(), TKP(fine_map=True)
    assert fine.architecture == {**plain.architecture, "fine_map": True}
    fine.load_state_dict(plain.state_dict())
    x = torch.zeros(1, 3, 192, 96)
    with torch.inference_mode():
        assert plain.eval().image(x).shape == (1, plain.dimension, 6, 3)
        assert fine.eval().image(x).shape == fine.video(x, [1]).shape == (1, plain.dimension, 12, 6)


def test_resnet_has_the_fine_map_always() -> None:
    with torch.device("meta"):
        plain, fine = TKP("resnet50").image, TKP("resnet50", fine_map=True).image
    convolutions = ([m for m in b.modules() if isinstance(m, torch.nn.Conv2d)] for b in (plain, fine))
    assert all(a.stride == b.stride for a, b in zip(*convolutions, strict=True))


def test_gem_pools_both_networks() -> None:
    network = TKP(pooling="gem", neck=True).eval()
    assert network.architecture["pooling"] == "gem"
    x = frames(2).float()
    with torch.inference_mode():
        before = network.embed_images(x), network.embed_frames(x, [2])
        network.pooling.get_parameter("p").fill_(1.0)
        after = network.embed_images(x), network.embed_frames(x, [2])
    assert all(not a.equal(b) for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize(
    ("arguments", "error"), [({"pooling": "max"}, ValueError), ({"fine_map": 1}, TypeError)]
)
def test_settings_that_cannot_be_are_refused(arguments: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error):
        TKP(**arguments)  # type: ignore[arg-type]
