"""Clips, judged by decoding them again."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from gallery import BOX_DTYPE, VideoReport
from indexer.decode import open_recording
from service import playback
from service.errors import RecordingUnavailable
from service.footage import Footage, Stretch, has_steady_clock
from tests.service.videos import BACKGROUND, number_of, numbered, read_video, write_video

SECOND = 1_000_000


def boxes_at(*rows: tuple[float, float, float, float, float]) -> NDArray[np.void]:
    """Boxes (seconds, x, y, w, h)."""
    boxes = np.zeros(len(rows), dtype=BOX_DTYPE)
    for box, (seconds, x, y, w, h) in zip(boxes, rows, strict=True):
        box["time_us"], box["x"], box["y"], box["w"], box["h"] = round(seconds * SECOND), x, y, w, h
    return boxes


def is_line(pixel: NDArray[np.uint8]) -> bool:
    """Whether a pixel has the colour of the box, through the loss of coding."""
    red, green, blue = (int(value) for value in pixel)
    return red > 190 and green > 120 and blue < 90


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds at ten frames a second, a key frame every 1.2 seconds."""
    path = tmp_path_factory.mktemp("recording") / "recording.mp4"
    return write_video(path, [numbered(i) for i in range(100)], b_frames=2)


@pytest.mark.parametrize(
    ("start", "end", "numbers"),
    [
        (0.0, 1.0, range(11)),
        (3.1, 4.3, range(31, 44)),
        (3.15, 4.35, range(32, 44)),
        (9.5, 99.0, range(95, 100)),
        (5.0, 5.0, range(50, 51)),
    ],
)
def test_cuts_exactly_the_frames_asked_for(
    recording: Path, tmp_path: Path, start: float, end: float, numbers: range
) -> None:
    target = tmp_path / "clip.mp4"
    clip = playback.cut(recording, target, Stretch(round(start * SECOND), round(end * SECOND)))
    frames = read_video(target)
    assert [number_of(picture) for _, picture in frames] == list(numbers)
    assert [time for time, _ in frames] == pytest.approx([0.1 * i for i in range(len(numbers))], abs=1e-4)
    assert (clip.frames, clip.width, clip.height) == (len(numbers), 160, 120)
    assert clip.first_us == numbers[0] * 100_000


def test_makes_what_browsers_play(recording: Path, tmp_path: Path) -> None:
    target = tmp_path / "clip.mp4"
    playback.cut(recording, target, Stretch(2 * SECOND, 4 * SECOND))
    with av.open(str(target)) as container:
        (stream,) = container.streams
        assert isinstance(stream, av.VideoStream)
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.start_time == 0
        first = next(packet for packet in container.demux(stream))
        assert first.is_keyframe
        assert (first.pts, first.dts) == (0, 0)
    data = target.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_keeps_the_distances_of_a_variable_frame_rate(tmp_path: Path) -> None:
    times = [0.0, 0.04, 0.5, 0.54, 1.7, 1.741, 1.9, 3.0, 3.033, 3.5]
    source = write_video(tmp_path / "vfr.mkv", [numbered(i) for i in range(10)], times=times, gop=4)
    playback.cut(source, tmp_path / "clip.mp4", Stretch(round(0.45 * SECOND), 3 * SECOND))
    frames = read_video(tmp_path / "clip.mp4")
    assert [number_of(picture) for _, picture in frames] == [2, 3, 4, 5, 6, 7]
    assert [time for time, _ in frames] == pytest.approx([t - 0.5 for t in times[2:8]], abs=1e-4)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.avi", "mpeg4"), ("a.mkv", "libx264"), ("a.ts", "libx264"), ("a.webm", "libvpx")]
)
def test_seeks_in_usual_containers(tmp_path: Path, name: str, codec: str) -> None:
    source = write_video(tmp_path / name, [numbered(i) for i in range(60)], codec=codec)
    playback.cut(source, tmp_path / "clip.mp4", Stretch(round(2.95 * SECOND), round(4.05 * SECOND)))
    assert [number_of(picture) for _, picture in read_video(tmp_path / "clip.mp4")] == list(range(30, 41))


def test_counts_time_from_the_first_frame(tmp_path: Path) -> None:
    times = [7.0 + 0.1 * i for i in range(40)]
    source = write_video(tmp_path / "late.mkv", [numbered(i) for i in range(40)], times=times)
    playback.cut(source, tmp_path / "clip.mp4", Stretch(2 * SECOND, round(2.2 * SECOND)))
    assert [number_of(picture) for _, picture in read_video(tmp_path / "clip.mp4")] == [20, 21, 22]


def test_draws_the_box_between_its_samples(recording: Path, tmp_path: Path) -> None:
    boxes = boxes_at((2.0, 40, 40, 30, 60), (2.6, 100, 40, 30, 60))
    playback.cut(recording, tmp_path / "clip.mp4", Stretch(round(1.8 * SECOND), 3 * SECOND), boxes=boxes)
    for time, picture in read_video(tmp_path / "clip.mp4"):
        seconds = 1.8 + time
        if not 1.99 < seconds < 2.61:
            assert not any(is_line(pixel) for pixel in picture[70]), seconds
            continue
        left = round(40 + 100 * (seconds - 2.0))
        sides = [x for x in range(160) if is_line(picture[70, x])]
        assert min(sides) == pytest.approx(left, abs=2), seconds
        assert max(sides) == pytest.approx(left + 30, abs=3), seconds
        column = [y for y in range(120) if is_line(picture[y, left + 15])]
        assert min(column) == pytest.approx(40, abs=2)
        assert max(column) == pytest.approx(100, abs=3)
        assert np.abs(picture[70, left + 15].astype(int) - BACKGROUND).max() < 25


def test_makes_up_no_box_while_the_person_was_out_of_sight(recording: Path, tmp_path: Path) -> None:
    boxes = boxes_at((1.0, 40, 40, 30, 60), (4.0, 40, 40, 30, 60))
    playback.cut(recording, tmp_path / "clip.mp4", Stretch(SECOND, 4 * SECOND), boxes=boxes)
    drawn = [any(is_line(pixel) for pixel in picture[70]) for _, picture in read_video(tmp_path / "clip.mp4")]
    assert drawn == [True] + [False] * 29 + [True]


def test_clips_boxes_at_the_border(recording: Path, tmp_path: Path) -> None:
    boxes = boxes_at((1.0, -20, -20, 400, 400), (2.0, 150, 100, 90, 90))
    assert (
        playback.cut(recording, tmp_path / "clip.mp4", Stretch(SECOND, 2 * SECOND), boxes=boxes).frames == 11
    )


def test_draws_nothing_unless_asked(recording: Path, tmp_path: Path) -> None:
    playback.cut(recording, tmp_path / "clip.mp4", Stretch(SECOND, 2 * SECOND))
    assert not any(
        is_line(pixel) for _, picture in read_video(tmp_path / "clip.mp4") for pixel in picture[70]
    )


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_turns_recordings_upright_with_their_boxes(tmp_path: Path, rotation: int) -> None:
    upright = np.full((160, 96, 3), BACKGROUND, np.uint8)
    upright[10:30, 8:40] = (230, 230, 230)
    stored = np.ascontiguousarray(np.rot90(upright, -rotation // 90))
    source = write_video(tmp_path / "turned.mp4", [stored] * 10, rotation=rotation)
    boxes = boxes_at((0.0, 20, 60, 40, 80), (0.9, 20, 60, 40, 80))
    clip = playback.cut(source, tmp_path / "clip.mp4", Stretch(0, SECOND), boxes=boxes, size=(96, 160))
    assert (clip.width, clip.height) == (96, 160)
    picture = read_video(tmp_path / "clip.mp4")[3][1]
    assert picture.shape == (160, 96, 3)
    assert picture[20, 24].min() > 200
    assert is_line(picture[100, 20])
    assert is_line(picture[60, 40])


def test_scales_to_even_sizes(tmp_path: Path) -> None:
    picture = np.full((202, 302, 3), BACKGROUND, np.uint8)
    source = write_video(tmp_path / "large.mp4", [picture] * 5)
    boxes = boxes_at((0.0, 100, 50, 60, 100), (0.4, 100, 50, 60, 100))
    clip = playback.cut(source, tmp_path / "clip.mp4", Stretch(0, SECOND), boxes=boxes, max_side=151)
    assert (clip.width, clip.height) == (150, 100)
    scaled = read_video(tmp_path / "clip.mp4")[2][1]
    assert is_line(scaled[50, 50])
    assert scaled.shape == (100, 150, 3)


def test_leaves_sound_behind(tmp_path: Path) -> None:
    source = tmp_path / "sound.mp4"
    with av.open(str(source), "w") as container:
        video = container.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
        sound = container.add_stream("aac", rate=48000)
        for i in range(10):
            container.mux(video.encode(av.VideoFrame.from_ndarray(numbered(i), format="rgb24")))
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 48000
        container.mux(sound.encode(silence))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    playback.cut(source, tmp_path / "clip.mp4", Stretch(0, SECOND))
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def test_plays_around_damage(recording: Path, tmp_path: Path) -> None:
    data = bytearray(recording.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 300] = b"\xa5" * 300
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(data)
    assert playback.cut(damaged, tmp_path / "clip.mp4", Stretch(0, 10 * SECOND)).frames > 50


def test_says_why_a_recording_cannot_be_played(recording: Path, tmp_path: Path) -> None:
    target, whole = tmp_path / "clip.mp4", Stretch(0, SECOND)
    text = tmp_path / "text.mp4"
    text.write_text("not a video")
    with pytest.raises(RecordingUnavailable, match="cannot be read"):
        playback.cut(text, target, whole)
    with pytest.raises(RecordingUnavailable, match="cannot be read"):
        playback.cut(tmp_path / "missing.mp4", target, whole)
    with pytest.raises(RecordingUnavailable, match="no readable pictures at that time"):
        playback.cut(recording, target, Stretch(20 * SECOND, 21 * SECOND))


def jumping_clock(path: Path) -> Path:
    """Two recordings of five seconds in one file, each with its own time from zero, in MPEG-TS."""
    parts = [
        write_video(path.with_name(f"{i}.ts"), [numbered(50 * i + j) for j in range(50)]) for i in range(2)
    ]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def no_clock(path: Path) -> Path:
    """A bare H.264 stream."""
    return write_video(path, [numbered(i) for i in range(60)])


def decoding_times(path: Path) -> Path:
    """AVI with B-frames."""
    return write_video(path, [numbered(i) for i in range(60)], b_frames=2)


def uptime(path: Path) -> Path:
    """The first frame at 0, the others at the camera's uptime."""
    return write_video(path, [numbered(i) for i in range(60)], times=[0, *(9000 + i / 10 for i in range(59))])


ODD = {"uptime.mkv": uptime, "odd.ts": jumping_clock, "odd.h264": no_clock, "odd.avi": decoding_times}


@pytest.mark.parametrize("name", ODD)
def test_agrees_with_the_indexer_about_odd_clocks(tmp_path: Path, name: str) -> None:
    """The indexer counts the frames of such files, and says so in its report; clips follow it."""
    source = ODD[name](tmp_path / name)
    with open_recording(source) as recording:
        indexed = [(frame.time_us, number_of(frame.image)) for frame in recording.frames()]
        report = VideoReport(detector="test", warnings=recording.statistics.warnings)
    assert not has_steady_clock(report)
    with Footage(source, steady=False) as footage:
        seen = [
            (time_us, number_of(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)))
            for time_us, frame in footage.frames(Stretch(0, 10**9))
        ]
    assert seen == indexed
    late = indexed[len(indexed) * 3 // 4 :]
    playback.cut(source, tmp_path / "clip.mp4", Stretch(late[0][0], late[-1][0]), steady=False)
    assert [number_of(picture) for _, picture in read_video(tmp_path / "clip.mp4")] == [n for _, n in late]


@pytest.mark.parametrize("start", [0, 1_234_567, 5_000_000])
def test_agrees_with_the_indexer_about_times(recording: Path, start: int) -> None:
    with open_recording(recording) as opened:
        indexed = [frame.time_us for frame in opened.frames() if frame.time_us >= start]
        assert has_steady_clock(VideoReport(detector="test", warnings=opened.statistics.warnings))
    with Footage(recording, steady=True) as footage:
        assert [time_us for time_us, _ in footage.frames(Stretch(start, 10**9))] == indexed


def test_pictures_are_cut_from_the_track_and_in_the_size_that_were_indexed(tmp_path: Path) -> None:
    """A still before the recording, whose pixels are taken to be twice as wide as high."""
    source = tmp_path / "two.mkv"
    with av.open(str(source), "w") as container:
        streams = [container.add_stream("libx264", rate=10) for _ in range(2)]
        for stream in streams:
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for index in range(20):
            for stream, picture in zip(streams, (numbered(255), numbered(index)), strict=True):
                if index == 0 or stream is streams[1]:
                    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                    frame.pts, frame.time_base = index, Fraction(1, 10)
                    container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode())
    clip = playback.cut(source, tmp_path / "clip.mp4", Stretch(0, SECOND), size=(320, 120), track=1)
    assert (clip.width, clip.height, clip.frames) == (320, 120, 11)


def test_opens_nothing_that_is_no_recording(tmp_path: Path) -> None:
    """FFmpeg would draw this text as video."""
    drawn = tmp_path / "recording.ans"
    drawn.write_bytes(b"\x1b[31mnobody recorded this\x1b[0m\n" * 100)
    with pytest.raises(RecordingUnavailable):
        Footage(drawn, steady=True)
