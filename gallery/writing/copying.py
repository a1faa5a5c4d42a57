"""Copies the rows of a video from one segment into another."""

from collections.abc import Collection

import numpy as np

from gallery.vectors.block import FIRST_CLIP, Rows
from gallery.vectors.builder import SegmentBuilder, SegmentContent

_COPIED_ROWS = 1024  # at a time


def copy_video(
    builder: SegmentBuilder,
    rows: Rows,
    ordinal: int,
    *,
    shift_us: int = 0,
    camera_id: int | None = None,
    without: Collection[int] = (),
) -> SegmentContent:
    """Append the rows of a video, number `ordinal` of an opened segment, to a segment that is being built.

    Args:
        builder: the new segment.
        rows: the opened segment.
        ordinal: position of the video in it.
        shift_us: how much later everything on it begins and ends.
        camera_id: its camera, if it is another one than before.
        without: numbers of tracklets that are not copied, for they were erased.

    Raises:
        SegmentVanished, CorruptSegment: the clips cannot be read.
    """
    video = rows.videos[ordinal]
    first, end = int(video["first"]), int(video["first"] + video["count"])
    part, left_out = rows.parts[0], np.array(sorted(without), np.int64)
    copied = 0
    for start in range(first, end, _COPIED_ROWS):
        stop = min(start + _COPIED_ROWS, end)
        clips_start, clips_end = rows.clips_of(start, part)[0], rows.clips_of(stop - 1, part)[1]
        clip_counts = np.diff(np.append(rows.columns[FIRST_CLIP, start:stop], clips_end))
        clips = part.read(part.directory, rows.vectors.dimension, [(clips_start, clips_end)])
        numbers = rows.numbers(np.arange(start, stop))
        kept = ~np.isin(numbers, left_out)
        builder.add(
            rows.vectors.take(np.arange(start, stop)[kept]),
            rows.columns[:FIRST_CLIP, start:stop][:, kept],
            clip_counts[kept],
            clips[np.repeat(kept, clip_counts)],
            numbers[kept],
        )
        copied += int(kept.sum())
    seen_by = int(video["camera_id"]) if camera_id is None else camera_id
    return SegmentContent(video["id"].decode(), seen_by, copied, shift_us)
