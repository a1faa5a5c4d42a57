"""Recordings decoded in a process of their own: the same frames, and no harm from any file."""

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from indexer.decode import open_recording
from indexer.errors import UnreadableRecording
from indexer.sandbox import Sandboxed, length_us, open_sandboxed
from indexer.settings import IndexSettings
from indexer.wire import SLOTS
from tests.indexer.footage import encode

SETTINGS = IndexSettings()


def children() -> set[str]:
    return set(Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split())


@pytest.fixture(autouse=True)
def nothing_is_left_running() -> Iterator[None]:
    before, descriptors = children(), len(os.listdir("/proc/self/fd"))
    yield
    assert children() == before
    assert len(os.listdir("/proc/self/fd")) == descriptors


@pytest.mark.parametrize("fps", [None, 10])
def test_it_gives_what_the_decoder_gives(tmp_path: Path, fps: float | None) -> None:
    path = encode(tmp_path / "a.mp4", rotation=90, frames=60)
    with open_recording(path, aspect=2.0) as plain, open_sandboxed(path, SETTINGS, aspect=2.0) as sandboxed:
        expected, frames = list(plain.frames(fps=fps)), list(sandboxed.frames(fps=fps))
        assert (sandboxed.track, sandboxed.frame_rate) == (plain.track, plain.frame_rate)
        assert sandboxed.expected_duration_us == plain.expected_duration_us
    assert [(f.index, f.time_us, f.coded) for f in frames] == [
        (f.index, f.time_us, f.coded) for f in expected
    ]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(frames, expected, strict=True))
    assert all(frame.image.flags.writeable for frame in frames)
    assert sandboxed.statistics == plain.statistics


def test_reasons_come_through(tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a video")
    with pytest.raises(UnreadableRecording, match=r"notes.mp4: a text"):
        open_sandboxed(text, SETTINGS)
    one = encode(tmp_path / "one.mp4", frames=1)
    with (
        open_sandboxed(one, SETTINGS) as recorded,
        pytest.raises(UnreadableRecording, match="only one frame"),
    ):
        list(recorded.frames())


def test_a_name_that_is_not_utf_8_can_be_measured(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", frames=50)
    odd = path.rename(tmp_path / os.fsdecode(b"\xfc.mp4"))
    assert length_us(odd, SETTINGS) == 2_000_000


def test_leaving_early_ends_the_decoder(tmp_path: Path) -> None:
    with open_sandboxed(encode(tmp_path / "a.mp4", frames=200), SETTINGS) as recorded:
        next(iter(recorded.frames()))


def test_a_decoder_waits_until_its_pictures_are_taken(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", frames=200, options={"tune": "zerolatency"})
    with open_sandboxed(path, SETTINGS) as recorded:
        frames = recorded.frames()
        for number in range(50):
            frame = next(frames)
            assert frame.index == number
            assert recorded.statistics.frames_decoded <= number + SLOTS + 1


def decoder_of(recorded: Sandboxed) -> int:
    return recorded._process.pid


def test_a_decoder_that_dies_fails_its_recording_alone(tmp_path: Path) -> None:
    with open_sandboxed(encode(tmp_path / "a.mp4", frames=200), SETTINGS) as recorded:
        frames = recorded.frames()
        next(frames)
        os.kill(decoder_of(recorded), signal.SIGSEGV)
        with pytest.raises(UnreadableRecording, match=r"a.mp4: its decoder .*\(signal 11\)"):
            list(frames)


def test_a_decoder_that_gets_nowhere_is_ended(tmp_path: Path) -> None:
    with open_sandboxed(encode(tmp_path / "a.mp4", frames=200), SETTINGS) as recorded:
        recorded._stall_seconds = 1.0  # only now: on a busy machine starting takes longer
        os.kill(decoder_of(recorded), signal.SIGSTOP)
        with pytest.raises(UnreadableRecording, match="nothing was decoded for 1 s"):
            list(recorded.frames())


def test_it_runs_under_limits_and_without_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_DATABASE_URL", "postgresql://user:password@host/name")
    with open_sandboxed(encode(tmp_path / "a.mp4"), SETTINGS) as recorded:
        pid = decoder_of(recorded)
        assert os.getpgid(pid) != os.getpgid(0)  # Ctrl-C in a terminal does not reach it
        soft, hard = resource.prlimit(pid, resource.RLIMIT_AS)
        assert soft == hard == SETTINGS.decode_memory_mib << 20
        assert resource.prlimit(pid, resource.RLIMIT_NOFILE)[1] == 64
        assert b"password" not in Path(f"/proc/{pid}/environ").read_bytes()
        opened = {os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")}
        assert not any(name.startswith("socket:") or name.endswith(".sqlite3") for name in opened)


def test_pictures_that_need_too_much_memory_are_refused(tmp_path: Path) -> None:
    """Black: a small file of very large pictures, as an attacker would send it."""
    black = np.zeros((6144, 8192, 3), np.uint8)
    path = encode(tmp_path / "bomb.mkv", "mjpeg", size=(8192, 6144), pixels="yuvj420p", pictures=[black] * 2)
    with (
        pytest.raises(UnreadableRecording, match="more than 37,748,736 pixels"),
        open_sandboxed(path, SETTINGS) as recorded,
    ):
        list(recorded.frames())


def test_the_largest_pictures_of_cameras_fit_into_the_memory_allowed(tmp_path: Path) -> None:
    black = np.zeros((4320, 7680, 3), np.uint8)
    path = encode(tmp_path / "8k.mp4", "mpeg4", size=(7680, 4320), pictures=[black] * 3)
    with open_sandboxed(path, SETTINGS) as recorded:
        frames = list(recorded.frames())
    assert [frame.image.shape for frame in frames] == [(2304, 4096, 3)] * 3
    assert recorded.statistics.frames_bad == 0
