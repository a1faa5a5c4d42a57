"""Choose the video track of a file that is the recording, where there are several."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

import av.error

SCANNED: Final = 2000  # packets that are counted where the header does not say how many there are
AS_MANY: Final = 0.9  # of the most frames: such tracks show the same, the larger one better


def choose_track(container: Any, streams: Sequence[Any], warn: Callable[[str], None]) -> int:
    """Choose the track with most frames; of about as many the largest, of equals that of most bytes.

    An input without a camera is black: it has as many frames as others, and next to no bytes.

    Args:
        container: PyAV's, open for reading; it is left wherever counting ended.
        streams: its video streams, two or more.
        warn: told which was chosen and which were left out.

    Returns:
        The stream's index in the file.
    """
    counted, weights = _counted(container, streams)
    frames = {stream.index: stream.frames for stream in streams}
    if not all(frames.values()):
        frames = counted
    most = max(frames.values())
    moving = [stream for stream in streams if frames[stream.index] >= AS_MANY * most]
    chosen = max(moving, key=lambda stream: (_pixels(stream), weights[stream.index], -stream.index))
    others = ", ".join(_described(s, frames[s.index]) for s in streams if s is not chosen)
    warn(f"{len(streams)} video tracks: read {_described(chosen, frames[chosen.index])}, left out {others}")
    return int(chosen.index)


def _counted(container: Any, streams: Sequence[Any]) -> tuple[Counter[int], Counter[int]]:
    """Packets a stream near the beginning, and their bytes."""
    counted = Counter({stream.index: 0 for stream in streams})
    weights = counted.copy()
    try:
        for number, packet in enumerate(container.demux(*streams)):
            if packet.size:
                counted[packet.stream.index] += 1
                weights[packet.stream.index] += packet.size
            if number == SCANNED:
                break
    except av.error.FFmpegError:
        pass  # what was counted before the damage has to do
    return counted, weights


def _pixels(stream: Any) -> int:
    return int(stream.codec_context.width * stream.codec_context.height)


def _described(stream: Any, frames: int) -> str:
    size = f"{stream.codec_context.width} x {stream.codec_context.height}"
    return f"track {stream.index} ({size}, {frames} frame{'s' if frames != 1 else ''} counted)"
