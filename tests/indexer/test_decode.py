from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from indexer.decode import open_recording
from indexer.pictures import Pictures, without_comb
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
    path, converted, convert = encode(tmp_path / "even.mp4"), [], Pictures.picture

    def counted(self: Pictures, frame: object) -> object:
        converted.append(frame)
        return convert(self, frame)

    monkeypatch.setattr(Pictures, "picture", counted)
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


def test_pixels_that_are_not_square_stay_as_coded(tmp_path: Path) -> None:
    frames, recorded = read(encode(tmp_path / "wide.mp4", aspect=Fraction(2, 1), frames=5))
    assert frames[0].image.shape == (HEIGHT, WIDTH, 3)
    assert any("not square (2:1)" in warning for warning in recorded.statistics.warnings)


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
