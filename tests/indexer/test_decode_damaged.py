"""Files that hold no recording, and recordings of which only a part can be read."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from indexer.decode import open_recording
from indexer.errors import UnreadableRecording
from tests.indexer.footage import encode, number_of, numbered, read

PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nreal.ts\n#EXT-X-ENDLIST\n"
SCRIPT = b"ffconcat version 1.0\nfile real.ts\n"


def reason(path: Path) -> str:
    with pytest.raises(UnreadableRecording) as raised:
        read(path)
    return str(raised.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"A report, not a video.\n" * 300, "a text"),
        ("Größe: 3 m\r\n".encode() * 3, "a text"),
        (PLAYLIST, "a text"),
        (SCRIPT, "a text"),
        (PLAYLIST + b"\0\1", "not a video"),
        (SCRIPT + b"#\0\1\n", "not a video"),
        (bytes(100_000), "not a video"),
        (np.random.default_rng(3).bytes(100_000), "not a video"),
    ],
)
def test_files_that_only_claim_to_be_recordings(content: bytes, said: str, tmp_path: Path) -> None:
    """Lists are refused even where the recordings that they name are there."""
    encode(tmp_path / "real.ts")
    path = tmp_path / "recording.mp4"
    path.write_bytes(content)
    assert said in reason(path)
    assert "recording.mp4" in reason(path)


def test_paths_without_a_file(tmp_path: Path) -> None:
    assert "No such file" in reason(tmp_path / "nowhere.mp4")
    assert "a folder" in reason(tmp_path)


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.bmp", "a.tiff"])
def test_pictures_are_no_recordings(name: str, tmp_path: Path) -> None:
    Image.fromarray(numbered(3)).save(tmp_path / name)
    assert "not a video" in reason(tmp_path / name)


@pytest.mark.parametrize("name", ["a.gif", "a.avif"])
def test_pictures_in_containers_of_video_are_no_recordings(name: str, tmp_path: Path) -> None:
    Image.fromarray(numbered(3)).save(tmp_path / name)
    assert "only one frame" in reason(tmp_path / name)


def test_one_frame_is_no_recording(tmp_path: Path) -> None:
    assert "only one frame" in reason(encode(tmp_path / "one.mp4", frames=1))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("zero.mkv", "not a video file"),
        ("zero.mp4", "no video"),
        ("zero.avi", "no frame could be decoded"),
        ("zero.flv", "no frame could be decoded"),
    ],
)
def test_a_recording_of_no_duration(name: str, said: str, tmp_path: Path) -> None:
    """A video stream is announced, and nothing follows."""
    path = tmp_path / name
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        output.start_encoding()
    assert said in reason(path)


def test_sound_alone(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("aac", rate=44_100)
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 44_100), np.float32), format="fltp", layout="mono")
        samples.rate = 44_100
        output.mux(stream.encode(samples))
        output.mux(stream.encode())
    assert "sound only" in reason(path)


def damaged(path: Path, *, share: float = 0.03) -> Path:
    """Noise over a share of the file from its middle on."""
    content = bytearray(path.read_bytes())
    length = int(len(content) * share)
    content[len(content) // 2 : len(content) // 2 + length] = np.random.default_rng(5).bytes(length)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.flv", "a.ts", "a.avi"])
def test_what_follows_damage_is_read(name: str, tmp_path: Path) -> None:
    """Matroska is found again at its next cluster; the smaller they are the less is lost."""
    container_options = {"cluster_time_limit": "400"} if name == "a.mkv" else None
    path = encode(
        tmp_path / name, frames=200, options={"g": "10", "bf": "0"}, container_options=container_options
    )
    frames, recorded = read(damaged(path))
    assert len(frames) >= 170
    assert number_of(frames[0].image) == 0
    assert number_of(frames[-1].image) == 199
    warnings = " ".join(recorded.statistics.warnings)
    if name == "a.avi":  # it counts its frames, so those that are gone have taken their time with them
        assert "s shorter than its header says" in warnings
        return
    assert frames[-1].time_us == 199 * 40_000
    if name != "a.ts":  # what is lost between its small packets leaves no trace
        assert recorded.statistics.frames_bad > 0
        assert "damage" in warnings


def test_damage_is_read_alike_every_time(tmp_path: Path) -> None:
    path = damaged(encode(tmp_path / "a.ts", frames=100, options={"g": "50"}))
    first, second = read(path)[0], read(path)[0]
    assert [frame.time_us for frame in first] == [frame.time_us for frame in second]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize(
    ("name", "options"), [("a.mkv", {}), ("a.ts", {}), ("a.mp4", {"movflags": "+faststart"}), ("a.avi", {})]
)
def test_the_beginning_of_a_cut_file_is_read(name: str, options: dict[str, str], tmp_path: Path) -> None:
    whole = encode(
        tmp_path / name, frames=200, options={"g": "10", "bf": "2"}, container_options=options
    ).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 2])
    frames, _ = read(tmp_path / name)
    assert 40 < len(frames) < 140
    assert [number_of(frame.image) for frame in frames[:40]] == list(range(40))


def test_a_cut_file_whose_header_was_at_its_end(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:-500])
    assert "cut off in its header" in reason(path)


def test_reading_stops_where_nothing_more_can_be_read(tmp_path: Path) -> None:
    """Also the frames that the decoder still held come out."""
    path = encode(tmp_path / "a.mkv", frames=100, options={"g": "10"})
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2] + bytes(len(content) // 2))
    frames, _ = read(path)
    assert len(frames) > 30
    assert [number_of(frame.image) for frame in frames[:30]] == list(range(30))


def test_a_name_with_a_colon_is_a_file(tmp_path: Path) -> None:
    path = encode(tmp_path / "http:camera.mp4", frames=5)
    with open_recording(path) as recorded:
        assert len(list(recorded.frames())) == 5


def test_pictures_larger_than_any_camera_s_are_refused(tmp_path: Path) -> None:
    """Black, so the file is small however large its pictures are."""
    black = np.zeros((6144, 8192, 3), np.uint8)
    path = encode(tmp_path / "bomb.mkv", "mjpeg", size=(8192, 6144), pixels="yuvj420p", pictures=[black] * 2)
    assert "more than 37,748,736 pixels" in reason(path)


def test_pictures_that_grow_too_large_are_left_out(tmp_path: Path) -> None:
    """The size changes in the middle of a stream."""
    small = encode(tmp_path / "small.ts", frames=20)
    black = [np.zeros((6144, 8192, 3), np.uint8)]
    quick = {"preset": "ultrafast"}
    large = encode(tmp_path / "large.ts", size=(8192, 6144), pictures=black * 2, options=quick)
    joined = tmp_path / "joined.ts"
    joined.write_bytes(small.read_bytes() + large.read_bytes())
    frames, _ = read(joined)
    assert 15 < len(frames) <= 20
    assert {frame.image.shape for frame in frames} == {(96, 160, 3)}
