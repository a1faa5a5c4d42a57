"""The five channels of a frame, by hand where they can be."""

import pytest
import torch
from torch import Tensor

from models.networks.clip_channels import LEAST_COLOUR, five_channels, motion_beside_colour
from models.networks.flow import clip_flow
from tests.models.networks.test_flow import texture


def moving(*rights: float) -> Tensor:
    """A grey texture that moves to the right: (F, 3, 64, 48)."""
    return torch.stack([texture(right) for right in rights])[:, None].repeat(1, 3, 1, 1)


@pytest.mark.parametrize(
    ("rgb", "yuv"),
    [
        ((1.0, 0.0, 0.0), (0.299, -0.147, 0.615)),
        ((0.0, 1.0, 0.0), (0.587, -0.289, -0.515)),
        ((0.0, 0.0, 1.0), (0.114, 0.436, -0.100)),
    ],
)
def test_colours_become_yuv(rgb: tuple[float, ...], yuv: tuple[float, ...]) -> None:
    """Half black, half of one colour: each channel has two values, as far apart as the colour's yuv."""
    picture = torch.zeros(1, 3, 8, 8, dtype=torch.float64)
    picture[:, :, :4] = torch.tensor(rgb, dtype=torch.float64)[:, None, None]
    x = five_channels(picture, [1], "standard")
    # 64 values at plus and minus one half of the distance: the deviation is that times sqrt(64 / 63).
    expected = torch.tensor(yuv).sign() * (63 / 64) ** 0.5
    assert torch.allclose(x[0, :3, 0, 0].float(), expected)
    published = five_channels(picture, [1], "published")[0, :3, 0, 0]
    half = torch.tensor(yuv).abs() / 2
    deviation = half * (64 / 63) ** 0.5
    assert torch.allclose(published.float(), torch.tensor(yuv).sign() * half / deviation.sqrt(), atol=1e-3)


def test_channels_have_mean_zero_and_deviation_one() -> None:
    rgb = torch.rand(1, 3, 64, 48, generator=torch.Generator().manual_seed(0))
    x = five_channels(torch.cat([moving(0.0, 2.0), rgb, rgb.flip(-1)]), [2, 2], "standard")
    assert x.mean(dim=(2, 3)).abs().max() < 1e-5
    assert torch.allclose(x[2:].std(dim=(2, 3)), torch.ones(2, 5), atol=1e-4)


def test_noise_below_a_grey_level_is_not_blown_up() -> None:
    noise = 0.5 + 1e-3 * torch.randn(1, 1, 64, 48, generator=torch.Generator().manual_seed(0))
    x = five_channels(noise.repeat(1, 3, 1, 1), [1], "standard")
    assert x[0, 0].std().item() == pytest.approx(1e-3 / LEAST_COLOUR, rel=0.1)


@pytest.mark.parametrize("normalisation", ["standard", "published"])
def test_a_photo_has_no_motion_and_a_blank_one_nothing_at_all(normalisation: str) -> None:
    photo = five_channels(moving(0.0), [1], normalisation)
    assert photo[:, 0].abs().max() > 0.1
    assert photo[:, 3:].abs().max() < 1e-3
    blank = five_channels(torch.full((1, 3, 64, 48), 0.3), [1], normalisation)
    assert blank.abs().max() < 1e-3


def test_published_motion_is_whole_pixels_as_grey_levels() -> None:
    rgb = moving(0.0, 0.1, 2.1)
    x = five_channels(rgb, [3], "published")
    assert x[1, 3:].abs().max() < 1e-3  # a tenth of a pixel is stored as none
    stored = clip_flow(rgb[:, 0], [3])[2, 0].round() / 255
    expected = (stored - stored.mean()) / stored.std().sqrt()
    assert torch.allclose(x[2, 3], expected, atol=1e-3)


def test_colour_stays_as_it_was_beside_motion() -> None:
    rgb = moving(0.0, 1.0)
    x = motion_beside_colour(rgb * 2 - 1, rgb, [2])
    assert x[:, :3].equal(rgb * 2 - 1)
    assert torch.allclose(x[:, 3:], five_channels(rgb, [2], "standard")[:, 3:], atol=1e-5)
