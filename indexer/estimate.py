"""An estimate of how much of the work on a recording is done, from the times of its stages so far."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from indexer.counters import Counters

CROP_COST: Final = 0.3  # of a detected frame's, until crops have been measured
UNFINISHED: Final = 0.99  # the most before all is committed


@dataclass(slots=True)
class Estimate:
    """The share of the work that is done; it never falls.

    Frames are counted when their people have been followed, not when they were decoded, and crops still wait
    for the network when the last frame has been seen: both are weighed by the seconds that they take.

    Args:
        expected_us: how long the recording is; 0 where its header does not say.
    """

    expected_us: int
    _fraction: float = 0.0

    def fraction(self, counters: Counters, seconds: Mapping[str, float]) -> float:
        """Estimate, from 0 to UNFINISHED.

        Args:
            counters: of the recording.
            seconds: that each stage has worked.
        """
        if self.expected_us > 0 and counters.tracked_frames > 0:
            read = min(1.0, counters.tracked_us / self.expected_us)
            frame = max(seconds.get("detect", 0.0), 1e-9) / counters.tracked_frames
            crop = CROP_COST * frame
            if counters.crops_embedded:
                crop = seconds.get("embed", 0.0) / counters.crops_embedded
            spent = frame * counters.tracked_frames + crop * counters.crops_embedded
            all_frames = frame * counters.tracked_frames / max(read, 1e-6)
            all_crops = crop * (counters.crops_due + counters.crops_active) / max(read, 1e-6)
            self._fraction = max(self._fraction, min(UNFINISHED, spent / (all_frames + all_crops)))
        return self._fraction
