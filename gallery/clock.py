"""The time of each frame of a recording, from its time stamps, whatever the file makes of them.

All times in the gallery are on this clock; reading a recording again must follow the same rule.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final, Literal, Protocol, TypeVar

MICROSECOND: Final = Fraction(1, 1_000_000)
BACK_US: Final = 1_000_000  # a stamp that goes back by less repeats itself, by more it starts anew
HOLE_US: Final = 5_000_000  # pictures further apart leave a hole, unless that is the recording's pace
PACE: Final = 3  # times the interval before: still the recording's pace
STILL_US: Final = 60_000_000  # between frames of a recorder that leaves out what stands still
LONGEST_HOLE_US: Final = 24 * 3600 * 1_000_000  # a recorder begins a file a day; more is a wrong clock
SHORTEST_START_US: Final = 1_000_000  # what comes before the first jump and is shorter was no clock
LOOK_AHEAD: Final = 4  # frames after a jump among which the stamps may return
CONFIRMING: Final = 2  # frames that have to go on from a jump
MOST_HOLES: Final = 10_000

Verdict = Literal["believed", "hole", "stray", "anew"]


class Stamped(Protocol):
    """As much of a decoded frame as a clock looks at; all in ticks, None where the file is silent."""

    @property
    def pts(self) -> int | None:
        """Presentation time."""

    @property
    def dts(self) -> int | None:
        """Decoding time."""

    @property
    def duration(self) -> int | None:
        """Time on display."""


F = TypeVar("F", bound=Stamped)


class FrameClock:
    """Microseconds since the first frame, ascending.

    A frame without a time stamp comes one nominal frame after the last. A frame whose time stamp was there
    already has no time of its own. A jump, back by a second or forward by more than a hole's length, is
    judged by the frames that follow, for one stamp alone is no clock:

    - where they return, or lead elsewhere, the stamp was a stray, and its frame comes one nominal frame after
      the last;
    - where they go on from a jump back, from one of more than a day, or from one that follows less than a
      second, the clock started anew: time goes on by one nominal frame and follows the stamps from there;
    - else the recording has a hole.

    Args:
        rate: nominal frames a second.
        time_base: seconds a tick of the time stamps.
        by_dts: go by decoding times: AVI knows no others, and what FFmpeg derives from them for streams with
            B-frames is out of order.
        warn: told once of everything unusual; what makes times other than the file's says "time stamp".
    """

    def __init__(
        self, rate: Fraction, time_base: Fraction, *, by_dts: bool, warn: Callable[[str], None]
    ) -> None:
        self._step = round(1 / rate / MICROSECOND)
        self._unit = time_base / MICROSECOND
        self._by_dts = by_dts
        self._warn = warn
        self._origin: Fraction | None = None
        self._last_us = -1
        self._pace_us = self._step  # between the last two frames
        self._steady = True
        self._starts_us = [0]  # of the stretches with pictures
        self._ends_us: list[int] = []  # of all but the last
        self._end_us = 0
        if by_dts:
            warn("the order of the time stamps is wrong: times follow the order of decoding")

    @property
    def end_us(self) -> int:
        """When the frame that came last gives way to the next."""
        return self._end_us

    @property
    def steady(self) -> bool:
        """True if every time stamp was accepted."""
        return self._steady

    @property
    def intervals(self) -> Sequence[tuple[int, int]]:
        """The stretches that have pictures: (start, end) in µs, ascending and apart."""
        return list(zip(self._starts_us, [*self._ends_us, self._end_us], strict=True))

    def times(self, frames: Iterable[F]) -> Iterator[tuple[F, int | None]]:
        """Frames in order of display with their times; None for one that repeats a time.

        Holds no more than a few frames, and those only at a jump.
        """
        source = iter(frames)
        ahead: deque[F] = deque()
        while (frame := ahead.popleft() if ahead else next(source, None)) is not None:
            if self._leads_away(frame):
                while len(ahead) < LOOK_AHEAD and (following := next(source, None)) is not None:
                    ahead.append(following)
            time_us = self._time_us(frame, ahead)
            if time_us is not None:
                self._pass(time_us, frame)
            yield frame, time_us

    def _stamp_us(self, frame: Stamped) -> Fraction | None:
        stamp = frame.dts if self._by_dts else frame.pts
        return None if stamp is None else stamp * self._unit

    def _leads_away(self, frame: Stamped) -> bool:
        at = self._stamp_us(frame)
        return at is not None and self._last_us >= 0 and self._is_far(int(at - (self._origin or 0)))

    def _is_far(self, time_us: int) -> bool:
        gap_us = time_us - self._last_us
        return gap_us <= -BACK_US or gap_us > max(HOLE_US, PACE * self._pace_us)

    def _time_us(self, frame: Stamped, ahead: Sequence[Stamped]) -> int | None:
        at = self._stamp_us(frame)
        counted = self._last_us + self._step if self._last_us >= 0 else 0
        if at is None:
            # The decoder's last frames never have a decoding time.
            if not self._by_dts:
                self._warn("frames without a time stamp: their time is counted from the frame rate")
            return counted
        if self._origin is None:
            self._origin = at - counted
        time_us = int(at - self._origin)
        if self._last_us >= 0 and self._is_far(time_us):
            return self._after_jump(at, counted, ahead)
        if time_us <= self._last_us:
            self._warn("frames with a repeated time stamp were left out")
            return None
        return time_us

    def _after_jump(self, at: Fraction, counted: int, ahead: Sequence[Stamped]) -> int:
        assert self._origin is not None
        verdict = self._judge(at, [stamp for f in ahead if (stamp := self._stamp_us(f)) is not None])
        time_us = int(at - self._origin)
        self._steady = self._steady and verdict in {"believed", "hole"}
        if verdict == "stray":
            self._warn("stray time stamps were not believed: their time is counted from the frame rate")
            return counted
        if verdict == "anew":
            way = "back" if time_us < self._last_us else "ahead"
            self._warn(f"the time stamps jump {way}: times after the jump follow the frame rate")
            self._origin = at - counted
            return counted
        if verdict == "hole" and len(self._ends_us) < MOST_HOLES:
            self._ends_us.append(self._end_us)
            self._starts_us.append(time_us)
        return time_us

    def _judge(self, at: Fraction, ahead: Sequence[Fraction]) -> Verdict:
        """What to make of a stamp that leads away, by those that follow."""
        assert self._origin is not None
        gap_us = int(at - self._origin) - self._last_us
        if any(not self._is_far(int(stamp - self._origin)) for stamp in ahead):
            return "stray"
        steps = [int(later - earlier) for earlier, later in pairwise([at, *ahead])]
        if not steps or not self._goes_on(gap_us, steps):
            return "stray"
        if all(gap_us <= 2 * step <= 4 * gap_us for step in steps):
            return "believed"  # this is how far apart its pictures are
        if gap_us < 0 or gap_us > LONGEST_HOLE_US:
            return "anew"
        return "anew" if self._end_us < SHORTEST_START_US else "hole"

    def _goes_on(self, gap_us: int, steps: Sequence[int]) -> bool:
        """Whether frames follow a jump as frames of a recording do: at its pace, at that of the jump, or in
        any case within a minute."""
        near_us = max(HOLE_US, PACE * self._pace_us)
        if all(0 < step <= near_us for step in steps[:CONFIRMING]):
            return True
        return all(0 < step <= max(STILL_US, 2 * gap_us) for step in steps) and (
            0 < gap_us <= STILL_US or all(gap_us <= 2 * step for step in steps)
        )

    def _pass(self, time_us: int, frame: Stamped) -> None:
        """Time goes on to a frame."""
        if self._last_us >= 0:
            self._pace_us = max(self._step, time_us - self._last_us)
        lasts = int(frame.duration * self._unit) if frame.duration else 0
        self._end_us = time_us + (lasts if 0 < lasts < BACK_US else self._step)
        self._last_us = time_us
