import pytest
import torch

from models.inference import optimise
from models.networks.tkp import ARCHITECTURES, TKP
from models.zoo import LoadedModel
from tests.models.conftest import pair_of, settled, trained
from tests.models.narrow import narrow_and_long


@pytest.mark.parametrize("name", narrow_and_long(ARCHITECTURES))
def test_features_stay_what_they_were(name: str) -> None:
    torch.manual_seed(0)
    network = settled(trained(TKP(name))).double()  # float32 rounding grows on its way through random layers
    before = {key: value.clone() for key, value in network.state_dict().items()}
    fast = optimise(network)
    x = torch.randn(4, 3, 64, 32, generator=torch.Generator().manual_seed(0)).double()
    with torch.inference_mode():
        for ours, theirs in (
            (fast.embed_images(x), network.embed_images(x)),
            (fast.embed_frames(x, [3, 1]), network.embed_frames(x, [3, 1])),
        ):
            assert (ours - theirs).abs().max() < 1e-9 * theirs.abs().max()
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in fast.modules())
    assert len(fast.video.non_local) == 5
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key])


def test_blocks_that_add_nothing_are_dropped(untrained_model: LoadedModel) -> None:
    fast = optimise(pair_of(untrained_model))
    assert len(fast.video.non_local) == 0
    assert len(pair_of(untrained_model).video.non_local) == 5
    x = torch.randn(3, 3, 256, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        difference = fast.embed_frames(x, [3]) - pair_of(untrained_model).embed_frames(x, [3])
    assert difference.abs().max() < 1e-5


def test_a_block_with_any_effect_stays(untrained_model: LoadedModel) -> None:
    from copy import deepcopy

    network = deepcopy(pair_of(untrained_model))
    network.non_local_blocks()[2].norm.bias[0] = 1e-3
    assert list(optimise(network).video.non_local) == ["7"]
