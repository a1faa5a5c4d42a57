"""CMIL's closed form against the literal one, by hand, and at its limits."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import gradcheck

from models.networks.cmil import attention_entropy, cross_modal_context

CLIPS, FRAMES, D, H, W = 2, 3, 5, 4, 2


def maps(seed: int) -> Tensor:
    draws = torch.Generator().manual_seed(seed)
    return torch.randn(CLIPS, FRAMES, D, H, W, generator=draws, dtype=torch.float64).relu()


def literal(image: Tensor, video: Tensor, alpha: float) -> Tensor:
    """f_B as the paper says it: a weighted mean at every position of the photo's map, then pooled."""
    rows = []
    for photo, clip in zip(image, video, strict=True):
        memory = clip.permute(0, 2, 3, 1).reshape(-1, D)
        clip_mean = clip.mean(dim=(0, 2, 3))
        for own in photo:
            query = alpha * clip_mean + (1 - alpha) * own.mean(dim=(1, 2))
            scores = torch.stack([(position * query).sum() for position in memory])
            weights = (scores - scores.max()).exp()
            context = sum(w * m for w, m in zip(weights / weights.sum(), memory, strict=True))
            assert isinstance(context, Tensor)
            enriched = own.clone()
            for y in range(H):
                for x in range(W):
                    enriched[:, y, x] += context
            rows.append(enriched.mean(dim=(1, 2)))
    return torch.stack(rows).view(CLIPS, FRAMES, D)


@settings(deadline=None)  # the first call of a kernel takes long
@given(st.integers(0, 999), st.floats(0, 1))
def test_the_closed_form_is_the_literal_one(seed: int, alpha: float) -> None:
    image, video = maps(seed), maps(seed + 1000)
    pooled = image.mean(dim=(3, 4))
    context, attention = cross_modal_context(pooled, video, alpha=alpha)
    torch.testing.assert_close(pooled + context, literal(image, video, alpha))
    assert attention.shape == (CLIPS, FRAMES, FRAMES * H * W)
    torch.testing.assert_close(attention.sum(dim=2), torch.ones(CLIPS, FRAMES, dtype=torch.float64))


def test_by_hand() -> None:
    """Two positions (1, 0) and (0, 1), a photo (2, 0): query (.25 + 1, .25) at alpha .5."""
    video = torch.eye(2).view(1, 1, 2, 1, 2)
    image = torch.tensor([[[2.0, 0.0]]])
    context, attention = cross_modal_context(image, video, alpha=0.5)
    first = 1 / (1 + math.exp(-1))
    assert attention.flatten().tolist() == [pytest.approx(first), pytest.approx(1 - first)]
    assert context.flatten().tolist() == [pytest.approx(first), pytest.approx(1 - first)]
    _, gentle = cross_modal_context(image, video, alpha=0.5, scaled=True)
    assert gentle[0, 0, 0].item() == pytest.approx(1 / (1 + math.exp(-1 / math.sqrt(2))))


def test_with_the_whole_share_for_the_clip_the_photo_does_not_ask() -> None:
    contexts = [cross_modal_context(maps(n).mean(dim=(3, 4)), maps(9), alpha=1.0)[0] for n in (1, 2)]
    torch.testing.assert_close(*contexts)


def test_clips_do_not_see_each_other_and_their_order_is_kept() -> None:
    image, video = maps(1).mean(dim=(3, 4)), maps(2)
    whole, _ = cross_modal_context(image, video)
    alone = torch.cat([cross_modal_context(image[n : n + 1], video[n : n + 1])[0] for n in range(CLIPS)])
    torch.testing.assert_close(whole, alone)
    torch.testing.assert_close(cross_modal_context(image.flip(0), video.flip(0))[0], whole.flip(0))


def test_large_features_stay_finite() -> None:
    context, attention = cross_modal_context(1e4 * maps(1).mean(dim=(3, 4)), 1e4 * maps(2))
    assert context.isfinite().all()
    assert attention_entropy(attention).isfinite()


def test_gradients() -> None:
    image, video = maps(1).mean(dim=(3, 4)).requires_grad_(), maps(2).requires_grad_()
    assert gradcheck(lambda a, b: cross_modal_context(a, b, alpha=0.3), (image, video))


def test_entropy_by_hand() -> None:
    assert attention_entropy(torch.full((3, 8), 1 / 8)).item() == pytest.approx(1)
    assert attention_entropy(torch.eye(4)).item() == 0
    halves = torch.tensor([[0.5, 0.5, 0.0, 0.0]])
    assert attention_entropy(torch.cat([halves, torch.eye(4)[:1]])).item() == pytest.approx(0.25)


def test_unit_features_of_the_published_length_stick_to_one_position_unless_scaled() -> None:
    """Which is why the entropy is logged."""
    draws = torch.Generator().manual_seed(0)
    video = torch.randn(1, 4, 2048, 16, 8, generator=draws).relu()
    image = video.mean(dim=(3, 4))
    plain, scaled = (attention_entropy(cross_modal_context(image, video, scaled=s)[1]) for s in (False, True))
    assert plain < 0.3
    assert scaled > 0.95
