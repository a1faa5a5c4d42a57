"""What the clock makes of time stamps, without any file."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from indexer.clock import Clock

RATE = Fraction(25)
TICK = Fraction(1, 1000)


@dataclass
class Stamped:
    """As much of a decoded frame as a clock looks at."""

    pts: int | None
    dts: int | None = None
    duration: int = 0


def times(
    stamps: Sequence[int | None], *, by_dts: bool = False, time_base: Fraction = TICK
) -> tuple[list[int | None], list[str]]:
    warnings: list[str] = []
    clock = Clock(RATE, time_base, by_dts=by_dts, warn=warnings.append)
    frames = [Stamped(None, stamp) if by_dts else Stamped(stamp) for stamp in stamps]
    return [clock.time_us(frame) for frame in frames], warnings


@given(st.lists(st.integers(0, 10**9), min_size=1, unique=True).map(sorted))
def test_ascending_time_stamps_are_kept_exactly(stamps: list[int]) -> None:
    assert times(stamps)[0] == [(stamp - stamps[0]) * 1000 for stamp in stamps]


@given(st.lists(st.none() | st.integers(-(10**7), 10**7), min_size=1))
def test_times_ascend_from_zero_whatever_the_stamps_are(stamps: list[int | None]) -> None:
    given_times = [time_us for time_us in times(stamps)[0] if time_us is not None]
    assert given_times[0] == 0
    assert all(a < b for a, b in pairwise(given_times))


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


def test_gaps_are_kept_and_said() -> None:
    found, warnings = times([0, 40, 100_000, 100_040])
    assert found == [0, 40_000, 100_000_000, 100_040_000]
    assert warnings == ["the recording has gaps of more than a minute"]


def test_decoding_times_serve_where_display_times_are_wrong() -> None:
    found, warnings = times([2, 3, 4, 5, None, None], by_dts=True, time_base=Fraction(1, 25))
    assert found == [40_000 * index for index in range(6)]
    assert len(warnings) == 1


def test_the_last_frame_lasts_as_long_as_it_says_or_a_nominal_frame() -> None:
    clock = Clock(RATE, TICK, by_dts=False, warn=lambda _: None)
    for frame, end_us in ((Stamped(0, duration=100), 100_000), (Stamped(500), 540_000)):
        clock.time_us(frame)
        assert clock.end_us(frame) == end_us
