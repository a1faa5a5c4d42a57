"""Multi-object tracking: an adapter over the library `trackers`.

SORT (Bewley et al., "Simple online and realtime tracking", 2016): a Kalman filter a person, and in each frame
the assignment of detections to persons with the greatest sum of overlaps. docs/decisions/0006 has the
comparison that chose it and the figures behind the numbers below.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from indexer.decode import Statistics
from indexer.trackers_compat import Detections as LibraryDetections
from indexer.trackers_compat import IoU, SORTTracker
from indexer.types import Tracked
from models.detector import Detections

LOST_SECONDS: Final = 1.5  # how long a person may be hidden and still be continued
BRIDGED_SECONDS: Final = 0.4  # frames further apart: who walks no longer overlaps with where they were
MINIMUM_IOU: Final = 0.1  # of a detection with where the track is expected
# The library's noise is per frame. One reference rate for all recordings, with real times, keeps persons as
# fast as they are whatever the recording's rate is, even where it varies or its header is wrong.
REFERENCE_RATE: Final = 10.0
LIBRARY_RATE: Final = 30.0  # the library counts how long a track may be lost in frames of this rate


def warn_of_slow_frames(statistics: Statistics, fps: float | None) -> None:
    """Warn where frames are further apart than a tracker can bridge.

    Args:
        statistics: of a recording that has been read.
        fps: frames a second that were looked at, at most; None for all.
    """
    seconds = sum(end - start for start, end in statistics.intervals) / 1e6
    apart = max(seconds / max(1, statistics.frames_decoded), 0.0 if fps is None else 1 / fps)
    if apart > BRIDGED_SECONDS:
        statistics.warn(
            f"frames are {apart:.1f} s apart: people who walk are lost between them, expect few tracklets"
        )


class Tracker:
    """Continues tracks from frame to frame; only real detections come out, never predicted boxes.

    Args:
        start_score: a detection starts a track with at least this score; weaker ones only continue tracks.
    """

    def __init__(self, *, start_score: float) -> None:
        self._library = SORTTracker(
            lost_track_buffer=round(LOST_SECONDS * LIBRARY_RATE),
            frame_rate=REFERENCE_RATE,
            track_activation_threshold=start_score,
            minimum_consecutive_frames=1,
            minimum_iou_threshold=MINIMUM_IOU,
            iou=IoU(),
        )

    def update(self, detections: Detections, time_us: int) -> Sequence[Tracked]:
        """Match the detections of the next frame.

        Args:
            detections: of one frame.
            time_us: its time; each frame's is greater than the last one's.

        Returns:
            The detections that belong to a track, which begins with its second one.
        """
        found = self._library.update(
            LibraryDetections(
                xyxy=detections.boxes.astype(np.float32).reshape(-1, 4),
                confidence=detections.scores.astype(np.float32).reshape(-1),
            ),
            timestamp=time_us / 1e6,
        )
        if found.tracker_id is None or found.confidence is None:
            return []
        return [
            Tracked(int(track), (float(box[0]), float(box[1]), float(box[2]), float(box[3])), float(score))
            for track, box, score in zip(found.tracker_id, found.xyxy, found.confidence, strict=True)
            if track >= 0
        ]
