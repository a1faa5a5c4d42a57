"""Entrances for recordings: decoded, cut into clips, and what the process that decodes says."""

import json
import mmap
import os
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import asdict
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np

from indexer.decode import Statistics, open_recording
from indexer.errors import UnreadableRecording
from indexer.sandbox import Sandboxed, open_sandboxed
from indexer.settings import IndexSettings
from indexer.wire import SLOT_BYTES, Answer, Counted, Opened, Taken
from service import playback, stream_copy
from service.errors import RecordingUnavailable
from service.footage import Stretch
from tests.fuzz.entrances.base import Entrance, must
from tests.fuzz.mutate import Shake

FRAMES = 6
SIZE = (64, 48)
CONTAINERS = (
    ("mp4", "libx264"),
    ("mkv", "libx264"),
    ("ts", "libx264"),
    ("avi", "mpeg4"),
    ("mp4", "mjpeg"),
    ("webm", "libvpx"),
)
MARKS = (
    b"moov",
    b"trak",
    b"mdhd",
    b"stts",
    b"stsz",
    b"stco",
    b"ctts",
    b"elst",
    b"mdat",
    b"avcC",
    b"RIFF",
    b"LIST",
    b"idx1",
    b"strh",
    b"\x1a\x45\xdf\xa3",
    b"\x1f\x43\xb6\x75",
    b"\xa3",
    b"\x47\x40",
    b"\0\0\1\x67",
    b"\0\0\1\x65",
    b"#EXTM3U\n",
    b"concat:/etc/passwd",
)


@cache
def recordings() -> tuple[bytes, ...]:
    """A few frames in each container."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for suffix, codec in CONTAINERS:
            path = Path(folder, f"made.{suffix}")
            with suppress(av.FFmpegError, ValueError):
                _encode(path, codec)
                found.append(path.read_bytes())
    return tuple(found)


def _encode(path: Path, codec: str) -> None:
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=10)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.time_base = Fraction(1, 10)
        stream.thread_count = 1
        for number in range(FRAMES):
            picture = np.full((SIZE[1], SIZE[0], 3), 40 * number, np.uint8)
            picture[10:30, 4 * number : 4 * number + 20] = (200, 30, 30)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


class Recording(Entrance):
    """What both readers of recordings share."""

    name = "recordings"
    tokens = MARKS
    seconds = 20.0
    memory_mib = 1500

    @classmethod
    def prepare(cls) -> None:
        recordings()

    def seeds(self) -> list[bytes]:
        return list(recordings())

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        return shake.havoc(data, other if shake.random.random() < 0.2 else b"")


class Videos(Recording):
    """Recordings, decoded as in the process that does it: frames in order of time, or UnreadableRecording."""

    name = "videos"
    watched = ("indexer.decode", "indexer.frames", "indexer.tracks", "gallery.clock")
    share = 10
    chunk = 1000
    few = 25

    def check(self, data: bytes) -> str:
        path = self.folder / "video.mp4"
        path.write_bytes(data)
        last, shape, count = -1, None, 0
        try:
            with open_recording(path, threads=1) as recorded:
                must(recorded.frame_rate > 0, "no rate")
                for frame in recorded.frames():
                    must(frame.time_us > last, "times go back")
                    must(shape in {None, frame.image.shape}, "frames of several sizes")
                    last, shape, count = frame.time_us, frame.image.shape, count + 1
                found = recorded.statistics
        except UnreadableRecording:
            return "refused"
        except MemoryError:
            return "too costly"
        finally:
            path.unlink()
        must(count == found.frames_decoded and count >= 2, "frames are missing")
        must(last < found.duration_us < 2**62, "a duration that cannot be")
        must(all(0 <= start < end for start, end in found.intervals), "intervals that cannot be")
        return "decoded"


class VideoProcesses(Recording):
    """Recordings with a process for each, as the indexer takes them."""

    name = "video-processes"
    seconds = 30.0
    programs = True
    share = 0.03
    chunk = 10
    few = 1

    def check(self, data: bytes) -> str:
        path = self.folder / "video.mp4"
        path.write_bytes(data)
        try:
            with open_sandboxed(path, IndexSettings()) as recorded:
                count = sum(1 for _ in recorded.frames())
                must(count == recorded.statistics.frames_decoded, "frames are missing")
        except UnreadableRecording as error:
            must("Traceback" not in str(error) and str(self.folder) not in str(error), "it says too much")
            return "refused"
        finally:
            path.unlink()
        return "decoded"


class Clips(Recording):
    """Recordings that are cut into clips, as in the process that does it: a clip, or RecordingUnavailable."""

    name = "clips"
    watched = ("service.footage", "service.playback", "service.stream_copy", "gallery.clock")
    share = 3
    chunk = 300
    few = 8

    def check(self, data: bytes) -> str:
        source, target = self.folder / "video.mp4", self.folder / "clip.mp4"
        source.write_bytes(data)
        stretch = Stretch(100_000, 400_000)
        words = []
        try:
            for steady, copied in ((True, False), (False, False), (True, True)):
                words.append(self._cut(source, target, stretch, steady=steady, copied=copied))
        finally:
            source.unlink()
        return "/".join(words)

    def _cut(self, source: Path, target: Path, stretch: Stretch, *, steady: bool, copied: bool) -> str:
        try:
            if copied:
                stream_copy.copy(source, target, stretch, steady=steady, track=None)
            else:
                playback.cut(
                    source, target, stretch, boxes=None, size=SIZE, steady=steady, track=None, max_side=64
                )
        except RecordingUnavailable:
            return "unavailable"
        except (MemoryError, av.FFmpegError):  # the process ends with it, and there is no clip
            return "ended"
        finally:
            target.unlink(missing_ok=True)
        return "copied" if copied else "cut"


class DecoderAnswers(Entrance):
    """What a decoder that was taken over may say: frames that can be, or UnreadableRecording."""

    name = "decoder-answers"
    watched = ("indexer.sandbox", "indexer.wire")
    tokens = (
        b'"taken"',
        b'"opened"',
        b'"counted"',
        b'"end"',
        b'"refused"',
        b"null",
        b"true",
        b"\n",
        b"1e9",
        b"4097",
    )
    share = 15
    chunk = 2500
    few = 100

    def seeds(self) -> list[bytes]:
        counted = Counted(2, 0, 200_000, 8, 4, [(0, 200_000)], ["a hole"])
        answers = [
            Answer(counted, opened=Opened(0, 25.0, 1_000_000, "2026-03-01T12:00:00")),
            Answer(counted),
            Answer(counted, taken=Taken(0, 0, 8, 4, (8, 4))),
            Answer(counted, taken=Taken(1, 40_000, 8, 4, (8, 4))),
            Answer(counted, end=True),
        ]
        return [b"".join(json.dumps(asdict(one)).encode() + b"\n" for one in answers)]

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        lines = data.split(b"\n")
        at = shake.random.randrange(len(lines))
        lines[at] = shake.json(lines[at])
        return b"\n".join(lines) if shake.random.random() < 0.7 else shake.text(data, other)

    def check(self, data: bytes) -> str:
        recorded = _Told(self.folder / "x.mp4", data)
        found = recorded.statistics
        try:
            opened = recorded._answer().opened
            for frame in recorded.frames():
                must(frame.image.nbytes <= SLOT_BYTES and frame.image.ndim == 3, "a frame that cannot be")
        except UnreadableRecording as error:
            must(str(error).isprintable(), "a reason with control characters")
            return "refused"
        finally:
            recorded.close()
        must(all(one.isprintable() for one in found.warnings), "warnings with control characters")
        return "opened" if opened else "not opened"


class _Told(Sandboxed):
    """A recording whose decoder has said all it will say."""

    def __init__(self, path: Path, said: bytes) -> None:
        self.path, self.statistics, self._unread = path, Statistics(), b""
        self._stall_seconds, self._resources = 1.0, ExitStack()
        memory = os.memfd_create("frames")
        os.ftruncate(memory, 3 * SLOT_BYTES)
        self._slots = self._resources.enter_context(_mapped(memory))
        os.close(memory)
        self._said = os.memfd_create("said")
        self._stdout = os.memfd_create("answers")
        self._stdin = os.open(os.devnull, os.O_WRONLY)
        os.write(self._stdout, said)
        os.lseek(self._stdout, 0, os.SEEK_SET)
        for descriptor in (self._said, self._stdout, self._stdin):
            self._resources.callback(os.close, descriptor)

    def _died(self, reason: str) -> UnreadableRecording:
        self._process: Any = _Ended()
        return super()._died(reason)


class _Ended:
    returncode = 1

    def wait(self, seconds: float) -> int:
        return 1


def _mapped(memory: int) -> Any:
    return mmap.mmap(memory, 3 * SLOT_BYTES, prot=mmap.PROT_READ)
