from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from indexer.decode import open_recording
from indexer.frames import FrameConverter, pixel_aspect, without_comb
from tests.indexer.footage import HEIGHT, WIDTH, encode, number_of, numbered, read

CONTAINERS = {
    "b-frames.mp4": "libx264",
    "b-frames.mkv": "libx264",
    "b-frames.ts": "libx264",
    "b-frames.flv": "libx264",
    "b-frames.avi": "libx264",
    "h265.mp4": "libx265",
    "mpeg4.avi": "mpeg4",
    "mpeg2.mpg": "mpeg2video",
    "mjpeg.avi": "mjpeg",
    "vp9.webm": "libvpx-vp9",
    "old.asf": "msmpeg4",
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_gives_every_frame_at_its_time(name: str, tmp_path: Path) -> None:
    codec = CONTAINERS[name]
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    path = encode(
        tmp_path / name, codec, options=options, pixels="yuvj420p" if codec == "mjpeg" else "yuv420p"
    )
    frames, recorded = read(path)
    assert [number_of(frame.image) for frame in frames] == list(range(50))
    assert [frame.index for frame in frames] == list(range(50))
    assert [frame.time_us for frame in frames] == [40_000 * index for index in range(50)]
    statistics = recorded.statistics
    assert (statistics.frames_decoded, statistics.frames_bad, statistics.duration_us) == (50, 0, 2_000_000)
    assert (statistics.width, statistics.height) == (WIDTH, HEIGHT)
    assert recorded.frame_rate == 25


def test_a_stream_without_time_stamps_is_counted_by_its_rate(tmp_path: Path) -> None:
    frames, recorded = read(encode(tmp_path / "raw.h264", container="h264"))
    assert [(number_of(f.image), f.time_us) for f in frames] == [(i, 40_000 * i) for i in range(50)]
    assert any("without a time stamp" in warning for warning in recorded.statistics.warnings)


def test_variable_rates_keep_their_times_and_are_sampled_by_them(tmp_path: Path) -> None:
    times = [0, 10, 20, 95, 100, 101, 250, 260, 490, 500, 1200, 1299, 1300, 1310]
    path = encode(tmp_path / "variable.mkv", times_ms=times)
    assert [frame.time_us // 1000 for frame in read(path)[0]] == times
    sampled, recorded = read(path, fps=10)
    assert [frame.time_us // 1000 for frame in sampled] == [0, 100, 250, 490, 500, 1200, 1300]
    assert [frame.index for frame in sampled] == [0, 4, 6, 8, 9, 10, 12]
    assert [number_of(frame.image) for frame in sampled] == [frame.index for frame in sampled]
    assert recorded.statistics.frames_decoded == len(times)


@pytest.mark.parametrize(("fps", "taken"), [(5, 10), (10, 20), (12.5, 25), (25, 50), (100, 50), (None, 50)])
def test_sampling_holds_its_rate(fps: float | None, taken: int, tmp_path: Path) -> None:
    assert len(read(encode(tmp_path / "even.mp4"), fps=fps)[0]) == taken


def test_only_frames_that_are_taken_are_converted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, converted, convert = encode(tmp_path / "even.mp4"), [], FrameConverter.convert

    def counted(self: FrameConverter, frame: object) -> object:
        converted.append(frame)
        return convert(self, frame)

    monkeypatch.setattr(FrameConverter, "convert", counted)
    read(path, fps=5)
    assert len(converted) == 10


def test_frames_come_while_the_file_is_being_read(tmp_path: Path) -> None:
    path = encode(tmp_path / "longer.mp4", frames=250, options={"tune": "zerolatency"})
    with open_recording(path) as recorded:
        next(iter(recorded.frames()))
        assert recorded.statistics.frames_decoded < 20
        assert recorded.expected_duration_us == 10_000_000


@pytest.mark.parametrize("rotation", [0, 90, 180, -90])
def test_pictures_are_upright(rotation: int, tmp_path: Path) -> None:
    """The blocks, above in the stored picture, end up where the display matrix turns them."""
    path = encode(tmp_path / "turned.mp4", rotation=rotation, pictures=[numbered(255)] * 5)
    frames, recorded = read(path)
    picture = frames[0].image
    height, width = picture.shape[:2]
    assert (width, height) == ((WIDTH, HEIGHT) if rotation % 180 == 0 else (HEIGHT, WIDTH))
    assert (recorded.statistics.width, recorded.statistics.height) == (width, height)
    bright = picture[..., 1] > 145
    sides = {0: bright[0], 90: bright[:, 0], 180: bright[-1], -90: bright[:, -1]}
    assert [turn for turn, side in sides.items() if side.all()] == [rotation]
    assert picture.flags.c_contiguous


def test_odd_sizes(tmp_path: Path) -> None:
    frames, _ = read(encode(tmp_path / "odd.mkv", "ffv1", size=(161, 97), frames=5))
    assert [frame.image.shape for frame in frames] == [(97, 161, 3)] * 5
    assert np.abs(frames[3].image.astype(int) - numbered(3, 161, 97)).mean() < 3


@pytest.mark.parametrize(
    ("said", "camera", "size"),
    [
        (Fraction(2), None, (2 * WIDTH, HEIGHT)),
        (Fraction(1, 2), None, (WIDTH, 2 * HEIGHT)),
        (Fraction(16, 11), 0.5, (round(WIDTH * 16 / 11), HEIGHT)),  # the file knows better than the camera
        (Fraction(12, 11), None, (WIDTH, HEIGHT)),  # nobody looks squashed
        (Fraction(1), 2.0, (2 * WIDTH, HEIGHT)),  # written without knowing
        (None, 0.5, (WIDTH, 2 * HEIGHT)),
        (None, None, (WIDTH, HEIGHT)),
    ],
)
def test_pictures_have_square_pixels(
    said: Fraction | None, camera: float | None, size: tuple[int, int], tmp_path: Path
) -> None:
    path = encode(tmp_path / "wide.mp4", aspect=said, frames=5)
    with open_recording(path, aspect=camera) as recorded:
        frames = list(recorded.frames())
    assert {frame.image.shape[1::-1] for frame in frames} == {size}
    assert {frame.coded for frame in frames} == {(WIDTH, HEIGHT)}
    assert (recorded.statistics.width, recorded.statistics.height) == size
    assert [number_of(frame.image) for frame in frames] == list(range(5))


def test_a_turned_picture_is_squared_in_its_own_direction(tmp_path: Path) -> None:
    frames, _ = read(encode(tmp_path / "turned.mp4", rotation=90, aspect=Fraction(2), frames=5))
    assert frames[0].image.shape == (2 * WIDTH, HEIGHT, 3)
    assert frames[0].coded == (HEIGHT, WIDTH)


def test_an_impossible_aspect_is_not_believed_and_a_known_size_is_asked_about() -> None:
    warnings: list[str] = []
    assert pixel_aspect(Fraction(100), (640, 360), None, warnings.append) == 1
    assert "100:1" in warnings.pop()
    assert pixel_aspect(None, (960, 1080), None, warnings.append) == 1
    assert "pixel aspect of the camera to 2" in warnings.pop()
    assert pixel_aspect(None, (704, 288), None, warnings.append) == 1
    assert "to 0.5" in warnings.pop()
    assert pixel_aspect(None, (704, 288), 0.5, warnings.append) == Fraction(1, 2)
    assert warnings == []


def test_very_large_pictures_are_scaled_down(tmp_path: Path) -> None:
    path = encode(tmp_path / "large.mkv", "mpeg4", size=(4608, 128), frames=3)
    frames, recorded = read(path)
    assert frames[0].image.shape == (114, 4096, 3)
    assert any("scaled down to 4096 x 114" in warning for warning in recorded.statistics.warnings)


@pytest.mark.parametrize("name", ["two.mp4", "two.mkv"])  # the second's header counts no pictures
def test_the_track_with_most_moving_picture_is_read(name: str, tmp_path: Path) -> None:
    """A still comes first, then a small stream, then the large one of the same recording."""
    sizes, counts = [(64, 64), (WIDTH // 2, HEIGHT // 2), (WIDTH, HEIGHT)], [1, 30, 30]
    path = tmp_path / name
    with av.open(str(path), "w") as output:
        streams: list[Any] = [output.add_stream("libx264", rate=25) for _ in sizes]
        for stream, (width, height) in zip(streams, sizes, strict=True):
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for index in range(30):
            for stream, size, count in zip(streams, sizes, counts, strict=True):
                if index < count:
                    frame = av.VideoFrame.from_ndarray(numbered(index, *size), format="rgb24")
                    frame.pts, frame.time_base = index, Fraction(1, 25)
                    output.mux(stream.encode(frame))
        for stream in streams:
            output.mux(stream.encode())
    frames, recorded = read(path)
    assert [number_of(frame.image) for frame in frames] == list(range(30))
    assert (recorded.track, frames[0].coded) == (2, (WIDTH, HEIGHT))
    (warning,) = recorded.statistics.warnings
    assert warning.startswith("3 video tracks: read track 2 (160 x 96, 30")
    assert "left out track 0 (64 x 64, 1 frame counted), track 1" in warning


def test_holes_are_reported(tmp_path: Path) -> None:
    times = [*range(0, 2000, 100), *range(52_000, 54_000, 100)]
    _, recorded = read(encode(tmp_path / "hole.mkv", times_ms=times))
    (start, end), (again, last) = recorded.statistics.intervals
    assert (start, again, last) == (0, 52_000_000, recorded.statistics.duration_us)
    assert end <= 2_000_000
    assert any("not searched" in warning for warning in recorded.statistics.warnings)


def test_pictures_that_change_their_size_are_scaled_to_the_first(tmp_path: Path) -> None:
    """Two transport streams joined: the size changes, and the clock begins anew."""
    first = encode(tmp_path / "first.ts", frames=40)
    second = encode(tmp_path / "second.ts", frames=40, size=(320, 192))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(first.read_bytes() + second.read_bytes())
    frames, recorded = read(joined)
    assert [number_of(frame.image) for frame in frames] == [*range(40), *range(40)]
    assert {frame.image.shape for frame in frames} == {(HEIGHT, WIDTH, 3)}
    assert [frame.time_us for frame in frames] == [40_000 * index for index in range(80)]
    assert any("size changes" in warning for warning in recorded.statistics.warnings)
    assert any("jump back" in warning for warning in recorded.statistics.warnings)


def test_interlaced_recordings_lose_their_combs(tmp_path: Path) -> None:
    """A block that moves between the two fields of every frame."""
    pictures = []
    for step in range(10):
        picture = np.full((HEIGHT, WIDTH, 3), 60, dtype=np.uint8)
        picture[0::2, 10 + 4 * step : 50 + 4 * step] = 200
        picture[1::2, 22 + 4 * step : 62 + 4 * step] = 200
        pictures.append(picture)
    options = {"flags": "+ildct+ilme", "x264-params": "tff=1", "crf": "1"}
    frames, recorded = read(encode(tmp_path / "fields.mp4", pictures=pictures, options=options))
    assert any("interlaced" in warning for warning in recorded.statistics.warnings)
    for frame in frames:
        grey = frame.image[1:-1, :, 1].astype(int)
        assert np.abs(np.diff(grey, axis=0)).max() < 80


def test_an_input_without_a_camera_is_not_taken_for_the_recording(tmp_path: Path) -> None:
    path = tmp_path / "inputs.mkv"
    with av.open(str(path), "w") as output:
        streams: list[Any] = [output.add_stream("libx264", rate=25) for _ in range(2)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(30):
            for stream, drawn in zip(
                streams, (np.zeros((HEIGHT, WIDTH, 3), np.uint8), numbered(index)), strict=True
            ):
                frame = av.VideoFrame.from_ndarray(drawn, format="rgb24")
                frame.pts, frame.time_base = index, Fraction(1, 25)
                output.mux(stream.encode(frame))
        for stream in streams:
            output.mux(stream.encode())

    frames, recorded = read(path)

    assert recorded.track == 1
    assert [number_of(frame.image) for frame in frames] == list(range(30))


def test_stamps_that_count_from_elsewhere_make_no_recording_short(tmp_path: Path) -> None:
    """Of a camera that stamps its frames with its uptime or the time of day."""
    path = encode(tmp_path / "uptime.mkv", times_ms=[180_678_000 + 100 * i for i in range(30)])

    _, recorded = read(path)

    assert recorded.statistics.warnings == []
    assert recorded.statistics.duration_us == pytest.approx(3_000_000, abs=100_000)
    with open_recording(path) as again:
        assert again.expected_duration_us == pytest.approx(3_000_000, abs=200_000)


def test_smoothing_combs_leaves_what_stands_still() -> None:
    still = np.repeat(np.linspace(0, 255, 97).astype(np.uint8)[:, None, None], 3, axis=2).repeat(40, axis=1)
    assert np.array_equal(without_comb(still), still)
    combed = np.zeros((10, 6, 3), dtype=np.uint8)
    combed[1::2] = 200
    assert without_comb(combed)[:-1].max() == 0


def test_two_readings_are_alike(tmp_path: Path) -> None:
    path = encode(tmp_path / "same.mp4")
    first, second = read(path, fps=10)[0], read(path, fps=10)[0]
    assert all(
        a.time_us == b.time_us and np.array_equal(a.image, b.image)
        for a, b in zip(first, second, strict=True)
    )
