"""What the clock makes of time stamps, without any file."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery import FrameClock

RATE = Fraction(25)
TICK = Fraction(1, 1000)


@dataclass
class Stamped:
    """As much of a decoded frame as a clock looks at."""

    pts: int | None
    dts: int | None = None
    duration: int = 0


def read(
    stamps: Sequence[int | None], *, by_dts: bool = False, time_base: Fraction = TICK
) -> tuple[list[int | None], list[str], FrameClock]:
    warnings: list[str] = []
    clock = FrameClock(RATE, time_base, by_dts=by_dts, warn=warnings.append)
    frames = [Stamped(None, stamp) if by_dts else Stamped(stamp) for stamp in stamps]
    found = list(clock.times(frames))
    assert [frame for frame, _ in found] == frames
    return [time_us for _, time_us in found], warnings, clock


def times(
    stamps: Sequence[int | None], *, by_dts: bool = False, time_base: Fraction = TICK
) -> tuple[list[int | None], list[str]]:
    return read(stamps, by_dts=by_dts, time_base=time_base)[:2]


@given(st.lists(st.integers(1, 4999), min_size=1))
def test_ascending_time_stamps_are_kept_exactly(gaps: list[int]) -> None:
    stamps = list(accumulate(gaps))
    assert times(stamps)[0] == [(stamp - stamps[0]) * 1000 for stamp in stamps]


@given(st.lists(st.none() | st.integers(-(10**9), 10**9), min_size=1))
def test_times_ascend_from_zero_whatever_the_stamps_are(stamps: list[int | None]) -> None:
    found, _, clock = read(stamps)
    given_times = [time_us for time_us in found if time_us is not None]
    assert given_times[0] == 0
    assert all(a < b for a, b in pairwise(given_times))
    ends = [end for interval in clock.intervals for end in interval]
    assert all(a < b for a, b in pairwise(ends))
    assert (ends[0], ends[-1]) == (0, clock.end_us)
    assert clock.end_us > given_times[-1]


def test_thirds_of_a_second_do_not_drift() -> None:
    assert times([1001 * index for index in range(100_000)], time_base=Fraction(1, 30_000))[0][-1] == (
        1001 * 99_999 * 1_000_000 // 30_000
    )


def test_repeated_stamps_have_no_time() -> None:
    found, warnings = times([0, 40, 40, 20, 80])
    assert found == [0, 40_000, None, None, 80_000]
    assert any("repeated time stamp" in warning for warning in warnings)


def test_after_a_jump_back_time_goes_on() -> None:
    found, warnings = times([5000, 9000, 0, 40, 100])
    assert found == [0, 4_000_000, 4_040_000, 4_080_000, 4_140_000]
    assert any("time stamps jump back" in warning for warning in warnings)


def test_frames_without_stamps_are_counted_between_those_with() -> None:
    found, warnings = times([None, None, 80, None, 160])
    assert found == [0, 40_000, 80_000, 120_000, 160_000]
    assert any("without a time stamp" in warning for warning in warnings)


def evenly(first_ms: int, count: int, step_ms: int = 40) -> list[int]:
    return [first_ms + step_ms * index for index in range(count)]


def test_holes_are_kept_and_are_no_part_of_the_intervals() -> None:
    """Four seconds, ten minutes without pictures, two seconds, fifty seconds without, one second."""
    stamps = [*evenly(0, 100), *evenly(604_000, 50), *evenly(656_000, 25)]
    found, warnings, clock = read(stamps)
    assert found == [stamp * 1000 for stamp in stamps]
    assert clock.intervals == [(0, 4_000_000), (604_000_000, 606_000_000), (656_000_000, 657_000_000)]
    assert warnings == []


@pytest.mark.parametrize("uptime_s", [20, 30_000, 180_678])
def test_a_first_stamp_alone_is_no_clock(uptime_s: int) -> None:
    """The first frame at 0, all others at the camera's uptime."""
    found, warnings, clock = read([0, *evenly(uptime_s * 1000, 49)])
    assert found == [stamp * 1000 for stamp in evenly(0, 50)]
    assert clock.intervals == [(0, 2_000_000)]
    assert any("time stamps jump ahead" in warning for warning in warnings)
    assert not clock.steady


def test_some_first_stamps_before_the_uptime_are_no_clock_either() -> None:
    found, _, clock = read([*evenly(0, 3), *evenly(180_678_000, 47)])
    assert (found[-1], len(clock.intervals)) == (49 * 40_000, 1)


@pytest.mark.parametrize("stray", [[10**8], [0], [10**8, 10**8 + 40, 10**8 + 80], [-(10**8), 3 * 10**8]])
def test_stray_stamps_are_not_believed(stray: list[int]) -> None:
    """Some frames of an even recording have stamps from elsewhere, and then it goes on."""
    stamps = evenly(50_000, 50)
    stamps[20 : 20 + len(stray)] = stray
    found, warnings, clock = read(stamps)
    assert found == [stamp * 1000 for stamp in evenly(0, 50)]
    assert clock.intervals == [(0, 2_000_000)]
    assert any("stray time stamps" in warning for warning in warnings)


@pytest.mark.parametrize("gaps_s", [[10] * 9, [7, 12, 30, 8, 45, 6, 9, 20, 11]])
def test_a_recorder_may_leave_out_frames_of_what_stands_still(gaps_s: list[int]) -> None:
    still = list(accumulate((1000 * gap for gap in gaps_s), initial=4000))
    stamps = [*evenly(0, 100), *still, *evenly(still[-1] + 40, 50)]
    found, warnings, _ = read(stamps)
    assert found == [stamp * 1000 for stamp in stamps]
    assert warnings == []


def test_stamps_without_order_are_no_clock() -> None:
    """Counters of 16 bits that a reader has unwrapped wrongly, as it does where frames are reordered."""
    wraps = [0, 2, 1, 2, 0, 4, 3, 4, 2, 6, 5, 6, 4, 8, 7, 8, 6, 9, 9, 8]
    stamps = [40 * index + 65_536 * wrap for index, wrap in enumerate(wraps)]
    found, warnings, clock = read(stamps)
    times_us = [time_us for time_us in found if time_us is not None]
    assert times_us == [stamp * 1000 for stamp in evenly(0, len(times_us))]
    assert (len(clock.intervals), len(times_us) > 15) == (1, True)
    assert any("stray time stamps" in warning for warning in warnings)


def test_a_last_stamp_alone_is_no_clock() -> None:
    found, _, clock = read([*evenly(0, 50), 10**9])
    assert (found[-1], clock.end_us) == (2_000_000, 2_040_000)


def test_a_jump_of_days_is_a_clock_that_was_set() -> None:
    stamps = [*evenly(0, 50), *evenly(3 * 86_400_000, 50)]
    found, warnings, clock = read(stamps)
    assert found == [stamp * 1000 for stamp in evenly(0, 100)]
    assert any("time stamps jump ahead" in warning for warning in warnings)
    assert len(clock.intervals) == 1


def test_pictures_minutes_apart_are_a_pace_and_no_holes() -> None:
    stamps = evenly(0, 30, 120_000)
    found, warnings, clock = read(stamps)
    assert found == [stamp * 1000 for stamp in stamps]
    assert (len(clock.intervals), warnings) == (1, [])


def test_decoding_times_serve_where_display_times_are_wrong() -> None:
    found, warnings = times([2, 3, 4, 5, None, None], by_dts=True, time_base=Fraction(1, 25))
    assert found == [40_000 * index for index in range(6)]
    assert len(warnings) == 1


def test_the_last_frame_lasts_as_long_as_it_says_or_a_nominal_frame() -> None:
    for frames, end_us in (([Stamped(0, duration=100)], 100_000), ([Stamped(0), Stamped(500)], 540_000)):
        clock = FrameClock(RATE, TICK, by_dts=False, warn=lambda _: None)
        assert len(list(clock.times(frames))) == len(frames)
        assert clock.end_us == end_us
