"""What mixing styles changes and what it leaves."""

import pytest
import torch
from torch import Tensor

from models.errors import BadRecipe
from models.networks.backbones import efficientnet_lite0
from models.training.mix_style import MixStyle, StyleMixer


def mixer(frames: int = 1, probability: float = 1.0) -> StyleMixer:
    made = StyleMixer(MixStyle(after=(0,), probability=probability, alpha=0.5))
    made.frames = frames
    return made


def maps(clips: int, frames: int = 1) -> Tensor:
    """Maps whose style differs from clip to clip."""
    draws = torch.randn(clips, frames, 4, 6, 3, generator=torch.Generator().manual_seed(0))
    styles = torch.arange(1, clips + 1).view(-1, 1, 1, 1, 1)
    return (styles * (draws + styles)).flatten(0, 1)


def normalised(x: Tensor) -> Tensor:
    return (x - x.mean(dim=(2, 3), keepdim=True)) / x.std(dim=(2, 3), keepdim=True)


def test_styles_lie_between_two_and_content_stays() -> None:
    torch.manual_seed(3)
    x = maps(5)
    mixed = mixer()(x)
    torch.testing.assert_close(normalised(mixed), normalised(x), atol=1e-4, rtol=1e-4)
    assert not torch.allclose(mixed, x)
    means, before = mixed.mean(dim=(2, 3)), x.mean(dim=(2, 3))
    assert (means >= before.amin(dim=0) - 1e-3).all()
    assert (means <= before.amax(dim=0) + 1e-3).all()


def test_frames_of_a_clip_borrow_alike() -> None:
    torch.manual_seed(3)
    x = maps(4, 1).repeat_interleave(3, dim=0)
    by_clip = mixer(frames=3)(x).unflatten(0, (4, 3))
    assert (by_clip - by_clip[:, :1]).abs().max() < 1e-4


def test_nothing_is_mixed_but_in_training() -> None:
    x = maps(4)
    assert mixer().eval()(x) is x
    assert mixer(probability=0.0)(x) is x
    with torch.no_grad():  # when norms are estimated, styles are the true ones
        assert mixer()(x) is x


def test_the_same_seed_mixes_alike() -> None:
    drawn = []
    for _ in range(2):
        torch.manual_seed(1)
        drawn.append(mixer()(maps(4)))
    assert drawn[0].equal(drawn[1])


def test_it_is_attached_after_blocks_that_there_are() -> None:
    backbone = efficientnet_lite0()
    mixing = mixer()
    mixing.attach(backbone.blocks)
    x = torch.randn(4, 3, 32, 32)
    torch.manual_seed(0)
    mixing.eval()
    plain = backbone.blocks[0](x)
    mixing.train()
    assert not torch.allclose(backbone.blocks[0](x), plain)
    with pytest.raises(BadRecipe, match="0 to 17"):
        StyleMixer(MixStyle(after=(18,))).attach(backbone.blocks)
