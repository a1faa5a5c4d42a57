"""A part of a recording as it was coded: packets copied, nothing decoded or encoded anew."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import av
import av.error
from av.packet import Packet
from av.video.stream import VideoStream

from service.disk import refusal
from service.errors import RecordingUnavailable
from service.footage import Footage, Stretch

# What MP4 takes and players find there; Matroska takes the rest.
_IN_MP4: Final = frozenset({"h264", "hevc", "mpeg4", "mpeg2video", "mjpeg", "av1", "vp9"})
_Packets = Iterator["Packet[VideoStream]"]


@dataclass(frozen=True, slots=True)
class Copied:
    """A part that was copied: from its first to its last picture, µs since the first frame of the recording.

    `suffix` is what the file should be called by: `.mp4` or `.mkv`.
    """

    start_us: int
    end_us: int
    packets: int
    suffix: str


def copy(source: Path, destination: Path, stretch: Stretch, *, steady: bool, track: int | None) -> Copied:
    """Copy a stretch of a recording, which begins at the key frame before it, to a new file.

    Args:
        source: the recording.
        destination: file to write, whatever its suffix.
        stretch: which part.
        steady: its time stamps can be trusted, see `service.footage`; without that no part can be found.
        track: number of its video stream in the file; None for the first.

    Raises:
        RecordingUnavailable: the recording cannot be read, has no such part, or none that can be copied.
        OSError: the disk does not take it.
    """
    with Footage(source, steady=steady, track=track) as footage:
        try:
            return _write(footage, destination, _chosen(footage, stretch))
        except (av.error.FFmpegError, ValueError) as error:
            if refusal(error) is not None:
                raise
            raise RecordingUnavailable("The recording is coded so that no part can be copied.") from error


def _write(footage: Footage, destination: Path, packets: _Packets) -> Copied:
    first = next(packets, None)
    if first is None or first.dts is None:
        raise RecordingUnavailable("The recording holds no pictures at that time.")
    start = end = footage.time_of(first.pts)
    count, origin = 0, first.dts
    mp4 = footage.stream.codec_context.name in _IN_MP4
    options = {"movflags": "+faststart"} if mp4 else {"fflags": "+bitexact"}
    with av.open(str(destination), "w", format="mp4" if mp4 else "matroska", options=options) as target:
        stream = target.add_stream_from_template(footage.stream)
        for packet in chain([first], packets):
            end, count = max(end, footage.time_of(packet.pts)), count + 1
            assert packet.dts is not None
            assert packet.pts is not None
            packet.pts, packet.dts = packet.pts - origin, packet.dts - origin
            packet.stream = stream
            target.mux_one(packet)
    return Copied(start, end, count, ".mp4" if mp4 else ".mkv")


def _chosen(footage: Footage, stretch: Stretch) -> _Packets:
    """The packets from the last key frame that is not after the start of a stretch, to its end."""
    begun: list[Packet[VideoStream]] | None = []  # since the last key frame, while a later one may still come
    for packet in footage.packets(stretch.start_us):
        if packet.size == 0 and packet.dts is None:
            break  # the end of the file
        coded_us = footage.time_of(packet.dts)
        if coded_us > stretch.end_us:
            break
        if begun is None:
            yield packet
            continue
        if packet.is_keyframe and footage.time_of(packet.pts) <= max(0, stretch.start_us):
            begun.clear()
        if begun or packet.is_keyframe:
            begun.append(packet)
        if coded_us > stretch.start_us:
            yield from begun
            begun = None
    yield from begun or ()
