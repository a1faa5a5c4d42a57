"""Parts of recordings as they were coded, judged by decoding them again."""

from pathlib import Path

import numpy as np
import pytest

from service import stream_copy
from service.errors import RecordingUnavailable
from service.footage import Stretch
from tests.service.videos import number_of, numbered, read_video, write_video

SECOND = 1_000_000


def copied(source: Path, target: Path, start: float, end: float) -> tuple[stream_copy.Copied, list[int]]:
    stretch = Stretch(round(start * SECOND), round(end * SECOND))
    found = stream_copy.copy(source, target, stretch, steady=True, track=None)
    return found, [number_of(picture) for _, picture in read_video(target)]


@pytest.mark.parametrize(
    ("name", "codec", "b_frames", "suffix"),
    [
        ("a.mp4", "libx264", 2, ".mp4"),
        ("a.mkv", "libx264", 0, ".mp4"),
        ("a.ts", "libx264", 0, ".mp4"),
        ("a.avi", "mpeg4", 0, ".mp4"),
        ("a.webm", "libvpx", 0, ".mkv"),
    ],
)
def test_the_pictures_are_those_of_the_recording(
    tmp_path: Path, name: str, codec: str, b_frames: int, suffix: str
) -> None:
    """As the recording decodes, from the key frame before the stretch to its end, and the same twice."""
    source = write_video(tmp_path / name, [numbered(i) for i in range(60)], codec=codec, b_frames=b_frames)
    found, numbers = copied(source, tmp_path / "copy", 2.95, 4.05)
    again, _ = copied(source, tmp_path / "again", 2.95, 4.05)

    assert (found, (tmp_path / "copy").read_bytes()) == (again, (tmp_path / "again").read_bytes())
    assert found.suffix == suffix
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert numbers[0] in {12, 24, 0}
    assert 40 <= numbers[-1] <= 42
    assert (found.start_us, found.packets) == (numbers[0] * 100_000, len(numbers))
    recorded = [picture for _, picture in read_video(source)][numbers[0] : numbers[-1] + 1]
    parts = [picture for _, picture in read_video(tmp_path / "copy")]
    assert all(np.array_equal(one, other) for one, other in zip(recorded, parts, strict=True))


def test_a_turned_camera_stays_turned(tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.mp4", [numbered(i) for i in range(20)], rotation=90)
    import av

    stream_copy.copy(source, tmp_path / "copy", Stretch(0, SECOND), steady=True, track=None)
    with av.open(str(tmp_path / "copy")) as container:
        assert next(container.decode(video=0)).rotation == 90


def test_counts_from_the_first_frame(tmp_path: Path) -> None:
    times = [7.0 + 0.1 * i for i in range(40)]
    source = write_video(tmp_path / "late.mkv", [numbered(i) for i in range(40)], times=times, gop=5)
    found, numbers = copied(source, tmp_path / "copy", 2.0, 2.4)
    assert (numbers, found.start_us, found.end_us) == ([20, 21, 22, 23, 24], 2 * SECOND, 2_400_000)


def test_refuses_what_has_no_trusted_clock_or_no_pictures(tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.mp4", [numbered(i) for i in range(20)])
    with pytest.raises(RecordingUnavailable, match="trusted"):
        stream_copy.copy(source, tmp_path / "copy", Stretch(0, SECOND), steady=False, track=None)
    damaged = tmp_path / "b.mp4"
    damaged.write_bytes(b"\0" * 1000)
    with pytest.raises(RecordingUnavailable):
        stream_copy.copy(damaged, tmp_path / "copy", Stretch(0, SECOND), steady=True, track=None)
