"""Pictures and networks for the tests of the models; all pixels are drawn or random."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import pytest
import torch
from torch import nn

from models import zoo
from models.networks.network import Network
from models.networks.non_local import NonLocalBlock
from models.networks.tkp import TKP
from models.preprocessing import Crop
from models.zoo import LoadedModel
from tests.models.narrow import narrow_lite0

AnyNetwork = TypeVar("AnyNetwork", bound=Network)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tests run side by side: each keeps to one thread and leaves the process as it was."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def narrow() -> Iterator[None]:
    """A narrow backbone while a module is tested that does not ask what features are worth."""
    with narrow_lite0():
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture
def make_crop(rng: np.random.Generator) -> Callable[..., Crop]:
    """Pictures with structure at every scale, so that no layer sees only noise or only flat colour."""

    def make(height: int = 90, width: int = 40) -> Crop:
        picture = np.zeros((height, width, 3))
        for cells in (2, 5, 11):
            coarse = rng.uniform(0, 85, (cells, cells, 3))
            rows, columns = np.arange(height) * cells // height, np.arange(width) * cells // width
            picture += coarse[rows][:, columns]
        return picture.astype(np.uint8)

    return make


@pytest.fixture(scope="session")
def untrained_model() -> LoadedModel:
    """ImageNet weights in both backbones; to be read, never changed."""
    return zoo.untrained("efficientnet-lite0")


def pair_of(model: LoadedModel) -> TKP:
    """The network of a model that is known to be TKP's."""
    assert isinstance(model.network, TKP)
    return model.network


def trained(network: TKP) -> TKP:
    """Give every non-local block an effect, as training would, so that frames see each other."""
    generator = torch.Generator().manual_seed(1)
    for block in network.non_local_blocks():
        give_gain(block, generator)
    return network


def give_gain(block: NonLocalBlock, generator: torch.Generator) -> None:
    norm = block.norm
    assert norm.running_mean is not None
    assert norm.running_var is not None
    nn.init.normal_(norm.weight, 0.0, 0.5, generator=generator)
    nn.init.normal_(norm.bias, 0.0, 0.1, generator=generator)
    nn.init.normal_(norm.running_mean, 0.0, 0.1, generator=generator)
    nn.init.uniform_(norm.running_var, 0.5, 1.5, generator=generator)
    # Initial affinities are so large that each softmax picks one key: rounding then decides near ties.
    block.theta.weight.data.mul_(0.002)


def settled(network: AnyNetwork, *parts: nn.Module) -> AnyNetwork:
    """Let the norms of the parts (default: all) see data, without which signals die out or explode."""
    for module in (module for part in parts or [network] for module in part.modules()):
        if isinstance(module, nn.BatchNorm2d):
            module.train()
            module.momentum = None  # the plain mean of what is seen
    x = torch.randn(8, 3, 64, 32, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        network.embed_images(x)
        network.embed_frames(x, [4, 4])
    return network.eval()


@pytest.fixture(scope="session")
def attentive_model() -> LoadedModel:
    """The untrained model with non-local blocks that do something; to be read, never changed."""
    return attentive()


def attentive() -> LoadedModel:
    """Make the untrained model with non-local blocks that do something."""
    model = zoo.untrained("efficientnet-lite0")
    settled(trained(pair_of(model)), *pair_of(model).non_local_blocks())
    return model
