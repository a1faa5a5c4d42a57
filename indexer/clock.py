"""The time of each frame, from its PTS and time base, whatever the file makes of them."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, Final

MICROSECOND: Final = Fraction(1, 1_000_000)
JUMP_US: Final = 1_000_000  # a clock that goes back by less repeats itself, by more it starts anew
GAP_US: Final = 60_000_000


class Clock:
    """Microseconds since the first frame, ascending.

    A frame without a time stamp comes one nominal frame after the last. Where time stamps go back by a second
    or more, as in files that were joined, time goes on by one nominal frame and follows them from there. A
    frame whose time stamp was there already has no time of its own.

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
        if by_dts:
            warn("the order of the time stamps is wrong: times follow the order of decoding")

    def time_us(self, frame: Any) -> int | None:
        """The time of the next frame in order of display; None if it repeats one."""
        stamp = frame.dts if self._by_dts else frame.pts
        counted = self._last_us + self._step if self._last_us >= 0 else 0
        if stamp is None:
            # The decoder's last frames never have a decoding time.
            if not self._by_dts:
                self._warn("frames without a time stamp: their time is counted from the frame rate")
            self._last_us = counted
            return counted
        at = stamp * self._unit
        if self._origin is None:
            self._origin = at - counted
        time_us = int(at - self._origin)
        if self._last_us - JUMP_US < time_us <= self._last_us:
            self._warn("frames with a repeated time stamp were left out")
            return None
        if time_us <= self._last_us:
            self._warn("the time stamps jump back: times after the jump follow the frame rate")
            time_us, self._origin = counted, at - counted
        elif self._last_us >= 0 and time_us - self._last_us > GAP_US:
            self._warn("the recording has gaps of more than a minute")
        self._last_us = time_us
        return time_us

    def end_us(self, frame: Any) -> int:
        """When the frame that came last gives way to the next."""
        lasts = int(frame.duration * self._unit) if frame.duration else 0
        return self._last_us + (lasts if 0 < lasts < JUMP_US else self._step)
