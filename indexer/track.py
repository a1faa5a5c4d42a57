"""Multi-object tracking: an adapter over the library `trackers`.

Its BoT-SORT (Aharon et al., 2022, arXiv:2206.14651) runs without camera motion compensation: surveillance
cameras are fixed.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from supervision import Detections as Supervised
from trackers import BoTSORTTracker

from indexer.types import Tracked
from models.detector import Detections

LOST_SECONDS: Final = 1.5  # how long a person may be hidden and still be continued
FIRST_IOU: Final = 0.3
LIBRARY_RATE: Final = 30.0  # the library counts its buffer in frames of this rate


class Tracker:
    """Continues tracks from frame to frame; only real detections come out, never predicted boxes.

    Args:
        fps: frames a second that `update` will see.
        threshold: detector score above which a detection may start a track.
    """

    def __init__(self, *, fps: float, threshold: float) -> None:
        self._library = BoTSORTTracker(
            lost_track_buffer=round(LOST_SECONDS * LIBRARY_RATE),
            frame_rate=fps,
            track_activation_threshold=threshold,
            minimum_consecutive_frames=1,
            minimum_iou_threshold_first_assoc=FIRST_IOU,
            high_conf_det_threshold=threshold,
            enable_cmc=False,
        )

    def update(self, detections: Detections) -> Sequence[Tracked]:
        """Match the detections of the next frame; those that belong to no track yet are left out."""
        found = self._library.update(
            Supervised(
                xyxy=detections.boxes.astype(np.float32).reshape(-1, 4),
                confidence=detections.scores.astype(np.float32),
                class_id=np.zeros(len(detections.scores), dtype=np.int64),
            )
        )
        if found.tracker_id is None or found.confidence is None:
            return []
        return [
            Tracked(int(track), (float(box[0]), float(box[1]), float(box[2]), float(box[3])), float(score))
            for track, box, score in zip(found.tracker_id, found.xyxy, found.confidence, strict=True)
            if track >= 0
        ]
