"""Segments on the disk: the same content gives the same bytes, and damage is found."""

import json
from pathlib import Path

import faiss
import numpy as np
import pytest
from numpy.typing import NDArray

from gallery.errors import CorruptSegment
from gallery.gallery import Gallery
from gallery.vectors import segment
from gallery.vectors.builder import SegmentBuilder, SegmentContent
from gallery.vectors.segment import DATA_FILES, SegmentVanished, open_segment, read_clips, verify_segment
from tests.gallery.dump import hashes
from tests.gallery.making import make_tracklets, store, unit

DIMENSION = 8
VIDEO = "0123456789abcdef" * 2


def build(directory: Path, pieces: int = 1, count: int = 12) -> Path:
    """A segment of two videos, added in one piece or in several."""
    random = np.random.default_rng(3)
    vectors = unit(random.standard_normal((count, DIMENSION))).astype(np.float16)
    clips = unit(random.standard_normal((2 * count, DIMENSION))).astype(np.float16)
    times = np.sort(random.integers(0, 10**9, (2, count)), axis=0)
    builder = SegmentBuilder(directory, "model", DIMENSION)
    for part in np.array_split(np.arange(count), pieces):
        where = slice(part[0], part[-1] + 1)
        builder.add(vectors[where], times[:, where], [2] * len(part), clips[2 * part[0] : 2 * part[-1] + 2])
    half = count // 2
    builder.finish([SegmentContent(VIDEO, 1, half, 10**15), SegmentContent(VIDEO[::-1], 2, count - half)])
    return directory


@pytest.fixture(params=[10**6, 1], ids=["read", "mapped"])
def directory(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A segment, read into memory or mapped."""
    monkeypatch.setattr(segment, "MAPPED_FROM", request.param)
    return build(tmp_path / "segment")


def test_how_it_was_added_makes_no_difference(tmp_path: Path) -> None:
    assert hashes(build(tmp_path / "a")) == hashes(build(tmp_path / "b", pieces=5))


def test_an_index_that_does_not_fit_onto_the_disk_is_no_segment(tmp_path: Path) -> None:
    """So small a file is written at its closing, where FAISS does not look whether it was."""
    directory = tmp_path / "segment"
    builder = SegmentBuilder(directory, "model", DIMENSION)
    feature = unit(np.ones((1, DIMENSION))).astype(np.float16)
    builder.add(feature, np.zeros((2, 1), np.int64), [1], feature)
    (directory / "tracklets.faiss").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        builder.finish([SegmentContent(VIDEO, 1, 1)])
    assert not (directory / "manifest.json").exists()


def test_what_was_built_is_read(directory: Path) -> None:
    rows = open_segment(directory)
    assert verify_segment(directory).tracklets == len(rows) == 12
    assert rows.tracklet_ids(np.array([0, 6, 7])) == [f"{VIDEO}-0", f"{VIDEO[::-1]}-0", f"{VIDEO[::-1]}-1"]
    assert rows.columns[0, 0] >= 10**15 > rows.columns[0, 6]
    index = faiss.read_index(str(directory / "tracklets.faiss"))
    stored = rows.vectors.take(np.arange(12)).astype(np.float32)
    np.testing.assert_array_equal(index.reconstruct_n(0, 12), stored)
    assert [rows.clips_of(row, rows.parts[0]) for row in (0, 11)] == [(0, 2), (22, 24)]
    clips = read_clips(directory, DIMENSION, [(22, 24), (0, 2)])
    np.testing.assert_allclose(np.linalg.norm(clips.astype(np.float32), axis=1), np.ones(4), atol=1e-3)
    with pytest.raises(CorruptSegment, match="too early"):
        read_clips(directory, DIMENSION, [(22, 25)])


@pytest.mark.parametrize("name", DATA_FILES)
def test_a_flipped_bit_is_found_by_verifying(directory: Path, name: str) -> None:
    data = bytearray((directory / name).read_bytes())
    data[-1] ^= 1
    (directory / name).write_bytes(data)
    with pytest.raises(CorruptSegment, match=f"{name} is not what was written"):
        verify_segment(directory)


@pytest.mark.parametrize("name", DATA_FILES)
@pytest.mark.parametrize("keep", [0, 0.5])
def test_a_truncated_file_is_found_by_opening(directory: Path, name: str, keep: float) -> None:
    data = (directory / name).read_bytes()
    (directory / name).write_bytes(data[: int(keep * len(data))])
    with pytest.raises(CorruptSegment, match="bytes, not"):
        open_segment(directory)


@pytest.mark.parametrize("name", [*DATA_FILES, "manifest.json"])
def test_a_missing_file_is_found_by_opening(directory: Path, name: str) -> None:
    (directory / name).unlink()
    with pytest.raises(CorruptSegment) as raised:
        open_segment(directory)
    assert not isinstance(raised.value, SegmentVanished)


def test_a_missing_directory_has_vanished(tmp_path: Path) -> None:
    for look in (open_segment, verify_segment):
        with pytest.raises(SegmentVanished):
            look(tmp_path / "nothing")
    with pytest.raises(SegmentVanished):
        read_clips(tmp_path / "nothing", DIMENSION, [(0, 1)])


def forge(directory: Path, name: str, data: bytes) -> None:
    """Replace a file, and have the manifest agree."""
    (directory / name).write_bytes(data)
    manifest = json.loads((directory / "manifest.json").read_text())
    manifest["files"][name] = segment.describe_file(directory / name)
    (directory / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("name", ["tracklets.faiss", "columns.npy", "videos.npy"])
def test_other_content_under_a_valid_checksum_is_found_by_opening(directory: Path, name: str) -> None:
    random = np.random.default_rng(5)
    size = (directory / name).stat().st_size
    for data in (random.bytes(size), b"", b"\x80\x04K\x01."):
        forge(directory, name, data)
        with pytest.raises(CorruptSegment):
            open_segment(directory)


def save(array: NDArray[np.generic], path: Path) -> bytes:
    np.save(path, array)
    return path.with_name(path.name + ".npy").read_bytes()


def test_arrays_that_do_not_fit_together_are_found_by_opening(directory: Path, tmp_path: Path) -> None:
    rows = open_segment(directory)
    columns, videos = np.array(rows.columns), np.array(rows.videos)
    good = {
        "columns.npy": (directory / "columns.npy").read_bytes(),
        "videos.npy": (directory / "videos.npy").read_bytes(),
    }
    beyond, backward = columns.copy(), columns.copy()
    beyond[2, -1] = 10**6
    backward[2, 3] = 1
    miscounted, shifted = videos.copy(), videos.copy()
    miscounted["count"][0] += 1
    shifted["first"][1] += 1
    for name, array in (
        ("columns.npy", beyond),
        ("columns.npy", backward),
        ("columns.npy", columns[:, :-1]),
        ("columns.npy", columns.astype(np.float64)),
        ("columns.npy", np.array([{"a": 1}], object)),
        ("videos.npy", miscounted),
        ("videos.npy", shifted),
        ("videos.npy", videos[:1]),
    ):
        forge(directory, name, save(array, tmp_path / "forged"))
        with pytest.raises(CorruptSegment):
            open_segment(directory)
        forge(directory, name, good[name])
    open_segment(directory)


def test_an_index_of_another_kind_is_found_by_opening(directory: Path, tmp_path: Path) -> None:
    vectors = open_segment(directory).vectors.take(np.arange(3)).astype(np.float32)
    for index in (
        faiss.IndexFlatIP(DIMENSION),
        faiss.IndexScalarQuantizer(DIMENSION, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_L2),
        faiss.IndexScalarQuantizer(DIMENSION, faiss.ScalarQuantizer.QT_bf16, faiss.METRIC_INNER_PRODUCT),
        faiss.IndexScalarQuantizer(DIMENSION // 2, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT),
    ):
        index.add(np.ascontiguousarray(vectors[:, : index.d]))
        faiss.write_index(index, str(tmp_path / "other.faiss"))
        forge(directory, "tracklets.faiss", (tmp_path / "other.faiss").read_bytes())
        with pytest.raises(CorruptSegment):
            open_segment(directory)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"format": 1}', '{"format": 2, "files": {}}', "\x00", '"' * 1000]
)
def test_a_manifest_without_sense_is_found_by_opening(directory: Path, text: str) -> None:
    (directory / "manifest.json").write_text(text)
    with pytest.raises(CorruptSegment):
        open_segment(directory)


@pytest.mark.parametrize(
    ("key", "value"), [("tracklets", -1), ("format", 2), ("dimension", "8"), ("files", [])]
)
def test_a_manifest_with_other_values_is_found_by_opening(directory: Path, key: str, value: object) -> None:
    manifest = json.loads((directory / "manifest.json").read_text())
    (directory / "manifest.json").write_text(json.dumps(manifest | {key: value}))
    with pytest.raises(CorruptSegment):
        open_segment(directory)


def test_the_gallery_names_what_is_damaged(sqlite_gallery: Gallery) -> None:
    for name in range(3):
        store(sqlite_gallery, name, make_tracklets(name, 3))
    report = sqlite_gallery.verify()
    assert (report.segments, report.videos, report.problems) == (3, 3, ())
    directories = sorted((sqlite_gallery.data_dir / "segments").iterdir())
    clips = directories[1] / "clips.f16"
    clips.write_bytes(bytes(clips.stat().st_size))
    next((sqlite_gallery.data_dir / "thumbnails").glob("*/*.jpg")).unlink()
    problems = sqlite_gallery.verify().problems
    assert len(problems) == 2
    assert f"{clips.parent.name}: clips.f16" in problems[0]
    assert "thumbnails" in problems[1]
    merged = sqlite_gallery.compact()  # gives it no new checksum, and merges the others
    assert (merged.segments_before, merged.segments_after) == (2, 1)
    assert merged.damaged == (directories[1].name,)
    assert directories[1].exists()
