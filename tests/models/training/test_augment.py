from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from models.datasets.truth import mirror
from models.training.augment import LUMA, augment, augment_truth
from models.training.plan import Augmentation

CHANGES = ("flip", "shift", "colour", "grey", "blur", "degrade", "erase")
ALL = dict.fromkeys(CHANGES, 1.0)


def only(**values: object) -> Augmentation:
    return Augmentation.model_validate({"flip": 0.0, **values})


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def clips(count: int = 3, frames: int = 2, height: int = 40, width: int = 20, seed: int = 0) -> Tensor:
    return torch.randint(0, 256, (count, frames, 3, height, width), dtype=torch.uint8, generator=seeded(seed))


def test_nothing_is_changed_when_nothing_is_asked() -> None:
    x = clips()
    before = x.clone()
    assert augment(x, only(), seeded()).equal(x.float())
    assert x.equal(before)


@pytest.mark.parametrize("change", CHANGES)
def test_the_input_is_never_written_to(change: str) -> None:
    x = clips()
    before = x.clone()
    changed = augment(x, only(**{change: 1.0}), seeded())
    assert x.equal(before)
    assert not changed.equal(x.float())


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 33), st.integers(1, 17), st.integers(0, 999))
def test_frames_of_a_clip_are_changed_alike(
    count: int, frames: int, height: int, width: int, seed: int
) -> None:
    """Of equal frames equal ones come, whatever is done to them, and pixels stay pixels."""
    x = clips(count, 1, height, width, seed).expand(-1, frames, -1, -1, -1)
    recipe = Augmentation.model_validate(dict.fromkeys(CHANGES, 0.7))
    changed = augment(x, recipe, seeded(seed))
    assert changed.shape == x.shape
    assert changed.dtype == torch.float32
    assert (changed - changed[:, :1]).abs().max() < 1e-3
    assert changed.min() >= 0
    assert changed.max() <= 255


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    recipe = Augmentation.model_validate(ALL)
    first = augment(clips(), recipe, seeded(3))
    assert first.equal(augment(clips(), recipe, seeded(3)))
    assert not first.equal(augment(clips(), recipe, seeded(4)))


def test_clips_are_changed_each_on_its_own() -> None:
    x = clips(1).expand(8, -1, -1, -1, -1)
    changed = augment(x, Augmentation.model_validate({"flip": 0.5}), seeded())
    flipped = [bool(c.equal(x[0].float().flip(-1))) for c in changed]
    assert 0 < sum(flipped) < 8
    assert all(f or c.equal(x[0].float()) for f, c in zip(flipped, changed, strict=True))


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_comes_as_often_as_asked(change: str) -> None:
    x = clips(1, 1, 16, 8).expand(400, -1, -1, -1, -1)
    changed = augment(x, only(**{change: 0.25}), seeded())
    share = (changed != x).flatten(1).any(dim=1).float().mean().item()
    assert share == pytest.approx(0.25, abs=0.07)


def test_a_shift_moves_the_picture_as_a_whole_and_not_too_far() -> None:
    """Each pixel holds its own row and column, so the window can be read off its middle."""
    rows, columns = torch.meshgrid(torch.arange(40), torch.arange(20), indexing="ij")
    x = torch.stack([rows, columns, rows]).to(torch.uint8)[None, None].expand(200, 1, -1, -1, -1)
    changed = augment(x, only(shift=1.0, shift_share=0.1), seeded())[:, 0]
    down, right = changed[:, 0, 20, 10] - 20, changed[:, 1, 20, 10] - 10
    assert set(down.int().tolist()) == set(range(-4, 5))
    assert set(right.int().tolist()) == set(range(-4, 5))
    assert (changed[:, 0, 10:30, 10] == down[:, None] + torch.arange(10, 30)).all()


def one_colour(red: int, green: int, blue: int, count: int = 50) -> Tensor:
    pixel = torch.tensor([red, green, blue], dtype=torch.uint8)
    return pixel.view(1, 1, 3, 1, 1).expand(count, 1, 3, 2, 2)


NO_JITTER = {"colour": 1.0, "brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}


def test_brightness_scales_all_channels() -> None:
    changed = augment(one_colour(50, 100, 20), only(**NO_JITTER | {"brightness": 0.5}), seeded())[..., 0, 0]
    factors = changed[:, 0, 0] / 50
    assert factors.min() < 0.7
    assert 1.3 < factors.max() <= 1.5
    assert torch.allclose(changed[:, 0], factors[:, None] * torch.tensor([50.0, 100, 20]), atol=1e-2)


def test_contrast_keeps_the_mean_of_grey_and_scales_what_differs_from_it() -> None:
    x = torch.full((30, 1, 3, 2, 2), 100, dtype=torch.uint8)
    x[..., 0] = 140
    changed = augment(x, only(**NO_JITTER | {"contrast": 0.5}), seeded())
    assert torch.allclose(changed.mean(dim=(1, 2, 3, 4)), torch.tensor(120.0), atol=1e-2)
    spread = changed[..., 0] - changed[..., 1]
    assert spread.min() < 28
    assert spread.max() > 52


@pytest.mark.parametrize("change", [{"saturation": 0.8}, {"hue": 0.1}])
def test_saturation_and_hue_keep_the_luma(change: dict[str, float]) -> None:
    changed = augment(one_colour(120, 100, 90), only(**NO_JITTER | change), seeded())[:, 0, :, 0, 0]
    luma = torch.tensor([120.0, 100, 90]) @ LUMA
    assert torch.allclose(changed @ LUMA, luma, atol=1e-2)
    assert changed.std(dim=0).min() > 0.5


def test_a_third_of_the_circle_turns_red_towards_green() -> None:
    """The largest draw near +-1/3 of a circle takes red to green or to blue."""
    changed = augment(one_colour(150, 90, 90, 400), only(**NO_JITTER | {"hue": 1 / 3}), seeded())[
        :, 0, :, 0, 0
    ]
    assert (changed[:, 1] > changed[:, 0] + 20).any()
    assert (changed[:, 2] > changed[:, 0] + 20).any()


def test_grey_is_the_luma_in_all_channels() -> None:
    x = clips()
    changed = augment(x, only(grey=1.0), seeded())
    luma = torch.einsum("ntchw,c->nthw", x.float(), LUMA)
    assert torch.allclose(changed, luma[:, :, None].expand_as(changed), atol=1e-2)


@pytest.mark.parametrize("change", ["blur", "degrade"])
def test_blur_and_coarse_sampling_take_away_detail_but_no_light(change: str) -> None:
    x = clips(20, 1, 64, 32)
    changed = augment(x, only(**{change: 1.0}), seeded())
    assert (changed.std(dim=(2, 3, 4)) < x.float().std(dim=(2, 3, 4))).all()
    assert changed.std(dim=(2, 3, 4)).min() < 20
    assert (changed.mean(dim=(2, 3, 4)) - x.float().mean(dim=(2, 3, 4))).abs().max() < 8
    flat = augment(one_colour(10, 20, 30), only(**{change: 1.0}), seeded())
    assert torch.allclose(flat, one_colour(10, 20, 30).float(), atol=1e-3)


def test_erasing_covers_one_rectangle_of_the_asked_size_in_all_frames(
    find_rectangle: Callable[[Tensor], tuple[int, int]],
) -> None:
    x = torch.zeros(100, 2, 3, 64, 32, dtype=torch.uint8)
    changed = augment(x, only(erase=1.0, erase_area=[0.1, 0.2]), seeded())
    for clip in changed:
        assert clip[0].equal(clip[1])
        covered = clip[0].sum(dim=0) > 0
        height, width = find_rectangle(covered)
        assert covered.sum() == height * width
        assert len(clip[0].flatten(1)[:, covered.flatten()].unique(dim=1).T) == 1
        assert 0.08 * 64 * 32 <= height * width <= 0.22 * 64 * 32 or width == 32 or height == 64


def test_pixels_and_truth_stay_together() -> None:
    """Colours say where a pixel is from, and its truth must be from there."""
    height, width = 40, 20
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    marks = torch.stack([rows + 1, columns + 1, rows]).to(torch.uint8)
    truth = torch.stack([(rows + columns) % 24 + 1, 5 * rows, 7 * columns]).to(torch.uint8)
    mirrored = mirror(truth).flip(-1)  # what each place says when it is seen in a mirror
    recipe = only(flip=0.5, shift=0.7, erase=0.5, shift_share=0.2)
    x = augment(marks.expand(60, 2, -1, -1, -1), recipe, seeded(5)).long()
    y = augment_truth(truth.expand(60, 2, -1, -1, -1), recipe, seeded(5))
    kinds = set()
    for clip, found in zip(x, y, strict=True):
        flipped = bool(clip[0, 1].diff(dim=1).sign().sum() < 0)
        own = (mirrored if flipped else truth)[:, (clip[0, 0] - 1) % height, (clip[0, 1] - 1) % width]
        # A covered place has its colour from nowhere: row and blue disagree there.
        covered = (found[0] == 0).all(dim=0)
        kinds.add((flipped, bool(covered.any())))
        assert found[0].equal(found[1])
        assert (found[0] == own)[:, ~covered].all()
        assert (clip[0, 2] == clip[0, 0] - 1)[~covered].all()
        assert len(clip[0][:, covered].unique(dim=1).T) <= 1
    assert len(kinds) == 4


def test_truth_is_copied_and_knows_no_colours() -> None:
    truth = clips() % 25
    before = truth.clone()
    changed = augment_truth(truth, only(colour=1.0, grey=1.0, blur=1.0, degrade=1.0), seeded())
    assert changed.equal(truth)
    augment_truth(truth, Augmentation.model_validate(ALL), seeded()).fill_(9)
    assert truth.equal(before)


@pytest.fixture
def find_rectangle() -> Callable[[Tensor], tuple[int, int]]:
    """Height and width of the box around what is set."""

    def find(mask: Tensor) -> tuple[int, int]:
        rows, columns = mask.any(dim=1).nonzero()[:, 0], mask.any(dim=0).nonzero()[:, 0]
        return int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1

    return find


def test_a_camera_changes_channels_by_themselves_then_bends_all() -> None:
    """Grey clips: what comes is one colour each, with gains and exponents within their limits."""
    x = torch.full((50, 2, 3, 2, 2), 64, dtype=torch.uint8)
    gains = augment(x, only(camera=1.0, camera_gain=0.25, camera_gamma=0.0), seeded())[:, 0, :, 0, 0] / 64
    assert (gains >= 1 / 1.25 - 1e-4).all()
    assert (gains <= 1.25 + 1e-4).all()
    assert (gains.amax(dim=1) - gains.amin(dim=1)).median() > 0.1
    bent = augment(x, only(camera=1.0, camera_gain=0.0, camera_gamma=1.0), seeded())[:, 0, :, 0, 0] / 255
    exponents = bent.log() / torch.tensor(64 / 255).log()
    assert (exponents[:, 0] - exponents[:, 2]).abs().max() < 1e-4
    assert 0.5 - 1e-3 <= exponents.min() < 0.7
    assert 1.5 < exponents.max() <= 2 + 1e-3


def test_factors_of_brightness_go_from_half_to_double() -> None:
    x = torch.full((200, 1, 3, 2, 2), 100, dtype=torch.uint8)
    one = {"contrast": 0.0, "saturation": 0.0, "hue": 0.0, "brightness": 1.0, "colour": 1.0}
    factors = augment(x, only(**one, colour_ratio=True), seeded())[:, 0, 0, 0, 0] / 100
    assert 0.5 <= factors.min() < 0.55
    assert 1.8 < factors.max() <= 2.0 + 1e-4
    assert factors.log2().mean().abs() < 0.1


@pytest.mark.parametrize("change", ["shift", "degrade", "erase"])
def test_frames_are_changed_by_themselves_where_asked(change: str) -> None:
    x = clips(4, 1).expand(-1, 3, -1, -1, -1)
    recipe = only(**{change: 1.0}, colour=1.0, per_frame=[change])
    changed = augment(x, recipe, seeded())
    assert (changed[:, 1:] - changed[:, :1]).abs().amax(dim=(2, 3, 4)).median() > 1
    colour = augment(x, only(colour=1.0), seeded())
    assert (colour - colour[:, :1]).abs().max() < 1e-3


def test_truth_of_frames_moves_and_is_covered_with_them() -> None:
    """A picture that is its own truth: where it was moved and covered, its truth was, too."""
    truth = torch.randint(1, 25, (3, 4, 3, 40, 20), dtype=torch.uint8, generator=seeded())
    recipe = only(shift=1.0, erase=1.0, per_frame=["shift", "erase"])
    moved, seen = augment_truth(truth, recipe, seeded(5)), augment(truth, recipe, seeded(5))
    covered = moved.eq(0)
    assert covered.any()
    assert not covered.all()
    assert seen[~covered].equal(moved[~covered].float())
