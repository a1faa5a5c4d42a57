"""The library `trackers` without OpenCV.

`trackers` and its base `supervision` import cv2 to draw and to follow moving cameras; neither is used here.
The wheel they ask for, opencv-python, cannot be loaded without the system's OpenGL library, which servers and
containers do not have, and brings a second FFmpeg into the process beside PyAV's. So cv2 is hidden while the
two are imported, on every machine alike; later imports of cv2 get the real one.
"""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType


@contextmanager
def _cv2_replaced_by(module: ModuleType | None) -> Iterator[None]:
    """Let `import cv2` yield `module`; None makes it fail, as where OpenCV is not installed."""
    real = sys.modules.get("cv2")
    sys.modules["cv2"] = module  # type: ignore[assignment]  # None is Python's own mark of a missing module
    try:
        yield
    finally:
        del sys.modules["cv2"]
        if real is not None:
            sys.modules["cv2"] = real


with _cv2_replaced_by(None), warnings.catch_warnings():
    # supervision can do without, and says so.
    warnings.filterwarnings("ignore", message="OpenCV .* is not installed", category=UserWarning)
    from supervision import Detections

with _cv2_replaced_by(ModuleType("cv2")):
    # trackers names cv2 at the top of its files but touches it only inside functions.
    from trackers import IoU, SORTTracker

__all__ = ["Detections", "IoU", "SORTTracker"]
