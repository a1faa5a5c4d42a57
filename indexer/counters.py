"""Counters of what happened to a recording."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from indexer.decode import Statistics

_WORDS: Final = {
    "too_short": "seen too shortly",
    "too_small": "too small",
    "too_blurred": "too blurred",
    "never_moved": "that never moved",
    "never_in_the_picture": "outside the frame",
}


def left_out_line(reasons: Mapping[str, int]) -> str:
    """Return how many tracks were left out, and why: "left out 3 tracks (2 too small, 1 too blurred)"."""
    left_out = {_WORDS[reason]: number for reason, number in reasons.items() if reason in _WORDS}
    if not left_out:
        return ""
    total = sum(left_out.values())
    why = ", ".join(f"{number} {word}" for word, number in left_out.items())
    return f"left out {total} track{'s' if total > 1 else ''} ({why})"


@dataclass(slots=True)
class Counters:
    """Running counts. A number is written by one stage only, the reasons by any, and all are read
    at will.

    `tracked_us` is how far into the recording people have been followed, and on how many frames. Crops are
    active in tracks that may go on, due once these are tracklets, and embedded in the end.
    """

    frames_detected: int = 0
    detections: int = 0
    tracks: int = 0
    tracklets: int = 0
    clips: int = 0
    tracked_us: int = 0
    tracked_frames: int = 0
    crops_active: int = 0
    crops_due: int = 0
    crops_embedded: int = 0
    _reasons: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, reason: str, number: int = 1) -> None:
        """Add to what was dropped, trimmed or split for a reason."""
        if number:
            with self._lock:
                self._reasons[reason] = self._reasons.get(reason, 0) + number

    @property
    def reasons(self) -> dict[str, int]:
        """Numbers by reason, in order of their names: the same whichever stage was first."""
        with self._lock:
            return dict(sorted(self._reasons.items()))

    def numbers(self, statistics: Statistics) -> dict[str, int]:
        """Everything by name, with what the decoder counted."""
        return {
            "frames_decoded": statistics.frames_decoded,
            "frames_bad": statistics.frames_bad,
            "frames_detected": self.frames_detected,
            "detections": self.detections,
            "tracks": self.tracks,
            "tracklets": self.tracklets,
            "clips": self.clips,
            **self.reasons,
        }
