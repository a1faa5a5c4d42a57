"""Clips are embedded both ways; long ones at no more cost."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from models.mirroring import SHORT, both_ways, joined

lengths_of_clips = st.lists(st.integers(1, 20), min_size=1, max_size=5)


def frames_of(lengths: list[int]) -> torch.Tensor:
    """Frames whose left half says which frame of which clip they are, and whose right half is empty."""
    frames = torch.zeros(sum(lengths), 3, 2, 4)
    frames[..., :2] = 1 + torch.arange(len(frames)).view(-1, 1, 1, 1)
    return frames


@given(lengths_of_clips)
def test_every_frame_is_seen_once_and_those_of_short_clips_both_ways(lengths: list[int]) -> None:
    frames = frames_of(lengths)
    parts, parted = both_ways(frames, lengths)
    assert len(parts) == sum(parted)
    assert len(parted) == 2 * len(lengths)
    first = 0
    apart = torch.split(parts, parted)
    for length, plain, mirrored in zip(lengths, apart[::2], apart[1::2], strict=True):
        assert (plain[..., 3] == 0).all()
        assert (mirrored[..., 0] == 0).all()
        numbers = [*range(first + 1, first + length + 1)]
        of_plain, of_mirrored = (sorted(x[:, 0].amax((1, 2)).int().tolist()) for x in (plain, mirrored))
        if length < SHORT:
            assert of_plain == of_mirrored == numbers
        else:
            assert sorted(of_plain + of_mirrored) == numbers
            assert len(of_plain) - len(of_mirrored) in {0, 1}
        first += length


@given(lengths_of_clips)
def test_the_mean_is_that_over_frames(lengths: list[int]) -> None:
    parts, parted = both_ways(frames_of(lengths), lengths)
    apart = torch.split(parts, parted)
    means = torch.stack([part.mean(dim=(0, 1, 2)) for part in apart])  # (2 N, 4)
    pairs = zip(apart[::2], apart[1::2], strict=True)
    expected = torch.stack([torch.cat(pair).mean(dim=(0, 1, 2)) for pair in pairs])
    torch.testing.assert_close(joined(means, parted), expected)
