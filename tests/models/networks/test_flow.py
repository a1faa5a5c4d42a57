"""Optical flow of pictures whose motion is known."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from models.networks.flow import clip_flow, lucas_kanade, sample

HEIGHT, WIDTH = 64, 48
INSIDE = (slice(None), slice(10, -10), slice(10, -10))


def texture(right: float = 0.0, down: float = 0.0, height: int = HEIGHT, width: int = WIDTH) -> Tensor:
    """Waves in several directions, moved by any part of a pixel: (H, W) 0..1."""
    y, x = torch.arange(height)[:, None] - down, torch.arange(width) - right
    waves = [  # pixel frequency along x and y, phase
        (0.7, 0.2, 0.4),
        (-0.3, 0.8, 1.1),
        (0.45, -0.5, 2.0),
        (0.15, 0.2, 0.0),
        (0.4, 0.05, 3.0),
    ]
    picture = torch.full((height, width), 0.5)
    for a, b, phase in waves:
        picture += torch.sin(a * x + b * y + phase) / 10
    return picture


@pytest.mark.parametrize(
    ("right", "down"), [(1.0, 0.0), (0.0, 1.0), (-2.0, 1.5), (0.25, -0.5), (3.0, -3.0), (-4.0, 0.0)]
)
def test_a_known_translation_is_found(right: float, down: float) -> None:
    flow = lucas_kanade(texture()[None], texture(right, down)[None])
    assert flow.shape == (1, 2, HEIGHT, WIDTH)
    error = flow[0] - torch.tensor([right, down])[:, None, None]
    assert error[INSIDE].abs().median() < 0.05
    assert error[INSIDE].abs().quantile(0.95) < 0.12


def test_equal_frames_do_not_move_at_all() -> None:
    noise = torch.rand(3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))
    assert not lucas_kanade(noise, noise).any()


def test_nothing_to_see_does_not_move() -> None:
    """A frame without texture that becomes brighter: there is no motion to be found."""
    assert not lucas_kanade(torch.full((1, 32, 32), 0.2), torch.full((1, 32, 32), 0.9)).any()


def test_time_backwards_is_flow_backwards() -> None:
    a, b = texture()[None], texture(2.0, -1.0)[None]
    assert (lucas_kanade(a, b) + lucas_kanade(b, a))[0][INSIDE].abs().max() < 0.1


def test_a_mirror_turns_the_flow_round() -> None:
    a, b = texture()[None], texture(1.5, 0.5)[None]
    straight, mirrored = lucas_kanade(a, b), lucas_kanade(a.flip(-1), b.flip(-1))
    expected = straight.flip(-1) * torch.tensor([-1.0, 1.0])[:, None, None]
    assert torch.allclose(mirrored, expected, atol=1e-4)


def test_brightness_does_not_matter_where_there_is_texture() -> None:
    a, b = texture()[None], texture(1.0, 1.0)[None]
    dark = lucas_kanade(0.5 * a, 0.5 * b)
    assert (dark - lucas_kanade(a, b))[0][INSIDE].abs().max() < 0.05


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([(1, 1), (3, 40), (11, 9), (33, 17), (64, 48)]))
def test_unrelated_frames_of_any_size_give_finite_flow(seed: int, size: tuple[int, int]) -> None:
    draws = torch.Generator().manual_seed(seed)
    flow = lucas_kanade(torch.rand(2, *size, generator=draws), torch.rand(2, *size, generator=draws))
    assert flow.shape == (2, 2, *size)
    assert flow.isfinite().all()


def test_pairs_of_a_batch_are_apart() -> None:
    a, b = torch.stack([texture(), texture(4.0)]), torch.stack([texture(1.0), texture(4.0, 2.0)])
    alone = torch.cat([lucas_kanade(a[i : i + 1], b[i : i + 1]) for i in range(2)])
    assert torch.allclose(lucas_kanade(a, b), alone, atol=1e-6)


def test_sampling_by_hand() -> None:
    picture = torch.tensor([[[0.0, 10.0], [20.0, 30.0]]])
    moves = torch.tensor([[[[0.5, 0.0], [1.0, 7.0]], [[0.25, 0.5], [-1.0, 0.0]]]])
    # (0.5, 0.25): a quarter of the way from 5 to 25; (1, 0.5): half way from 10 to 30; 10 itself; the border.
    assert sample(picture, moves).tolist() == [[[10.0, 20.0], [10.0, 30.0]]]


def test_each_frame_has_the_flow_from_the_one_before_and_the_first_that_of_the_second() -> None:
    """One clip of three frames, a single picture, one clip of two: motion never crosses from clip to clip."""
    clip = [texture(), texture(1.0), texture(1.0, 2.0)]
    grey = torch.stack([*clip, texture(9.0), texture(3.0), texture(2.0)])
    flow = clip_flow(grey, [3, 1, 2])
    expected = [(1.0, 0.0), (1.0, 0.0), (0.0, 2.0), (0.0, 0.0), (-1.0, 0.0), (-1.0, 0.0)]
    for found, motion in zip(flow, expected, strict=True):
        assert found[INSIDE].mean(dim=(1, 2)).tolist() == pytest.approx(motion, abs=0.05)
    assert not flow[3].any()
    assert flow[0].equal(flow[1])


def test_texture_is_within_grey_values() -> None:
    assert 0 <= texture().min() < texture().max() <= 1
    assert math.isclose(texture(1.0)[5, 6], texture()[5, 5], abs_tol=1e-6)
