"""What ended tracks become."""

import numpy as np
import pytest
from numpy.typing import NDArray

from gallery import BOX_DTYPE
from indexer.clips import Sample, Stretch, cut
from indexer.counters import Counters
from indexer.settings import IndexSettings
from indexer.settle import quality, refined, thumbnail

SETTINGS = IndexSettings(clip_frames=8, trim_score=0.9)


def person(colour: tuple[int, int, int], shade: int) -> NDArray[np.uint8]:
    crop = np.full((80, 30, 3), colour, dtype=np.uint8)
    crop[::5] = shade
    return crop


def walk(
    colours: list[tuple[int, int, int]], *, step: float = 3.0, height: float = 80.0, score: float = 0.9
) -> Stretch:
    """A box a frame at 10 frames a second; every second frame is sampled."""
    rows = [
        (frame * 100_000, frame, frame * step, 20.0, height * 0.4, height, score)
        for frame in range(len(colours))
    ]
    samples = [
        Sample(frame * 100_000, frame, person(colours[frame], frame % 250), 0.4, 50.0, at_border=False)
        for frame in range(0, len(colours), 2)
    ]
    return Stretch(np.array(rows, dtype=BOX_DTYPE), samples, 100_000.0)


RED, BLUE = (200, 30, 30), (30, 30, 200)


def test_a_walk_stays_whole() -> None:
    counters = Counters()
    (kept,) = refined(walk([RED] * 40), counters, SETTINGS)
    assert len(kept.boxes) == 40
    assert counters.reasons == {}


def test_a_thing_is_no_person() -> None:
    counters = Counters()
    assert refined(walk([RED] * 200, step=0.0), counters, SETTINGS) == []
    assert counters.reasons == {"never_moved": 1}


def test_two_people_in_one_track_are_parted() -> None:
    counters = Counters()
    first, second = refined(walk([RED] * 40 + [BLUE] * 30), counters, SETTINGS)
    assert (len(first.boxes), len(second.boxes)) == (40, 30)
    assert second.boxes["frame"][0] == 40
    assert [sample.time_us for sample in second.samples] == [
        int(second.boxes["time_us"][sample.box]) for sample in second.samples
    ]
    assert counters.reasons == {"splits": 1}


def test_weak_ends_are_trimmed() -> None:
    stretch = walk([RED] * 40)
    stretch.boxes["score"][36:] = 0.3
    counters = Counters()
    (kept,) = refined(stretch, counters, SETTINGS)
    assert len(kept.boxes) == 36
    assert kept.samples[-1].box < 36
    assert counters.reasons == {"boxes_trimmed": 4}


@pytest.mark.parametrize(
    ("stretch", "reason"),
    [
        (walk([RED] * 4), "too_short"),
        (walk([RED] * 40, height=20.0), "too_small"),
    ],
)
def test_what_is_not_worth_keeping_is_counted(stretch: Stretch, reason: str) -> None:
    counters = Counters()
    assert refined(stretch, counters, SETTINGS) == []
    assert counters.reasons == {reason: 1}


def test_quality_and_thumbnail_describe_the_tracklet() -> None:
    stretch = walk([RED] * 41)
    assert quality(stretch) == {"height_px": 80.0, "sharpness": 50.0, "detector_score": 0.9}
    assert thumbnail(stretch).startswith(b"\xff\xd8\xff")


def test_clips_begin_and_end_with_their_samples() -> None:
    clips = cut(walk([RED] * 41).samples, 8)
    assert [len(clip.crops) for clip in clips] == [8, 8, 5]
    assert [clip.start_us for clip in clips] == [0, 1_600_000, 3_200_000]
    assert [clip.end_us for clip in clips] == [1_400_000, 3_000_000, 4_000_000]


@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 64])
def test_clips_take_all_samples_in_order(count: int) -> None:
    samples = walk([RED] * (2 * count)).samples
    clips = cut(samples, 32)
    assert [crop for clip in clips for crop in clip.crops] == [sample.crop for sample in samples]
    assert all(1 <= len(clip.crops) <= 32 for clip in clips)
