"""A damaged segment is named, left out and said to be; all others are searched."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gallery.gallery import Gallery
from gallery.records.searching import Filters, RankBy, Ranking
from gallery.records.videos import VideoInfo
from gallery.vectors import segment, snapshots
from tests.gallery.making import MODEL, make_tracklets, store

QUERY = make_tracklets(99, 1)[0].feature
D = MODEL.dimension


@pytest.fixture
def three(sqlite_gallery: Gallery) -> list[VideoInfo]:
    """Three videos of two cameras, a segment each."""
    cameras = [sqlite_gallery.catalogue.add_camera(name) for name in "ab"]
    return [
        store(sqlite_gallery, number, make_tracklets(number, 4), camera=cameras[number % 2])
        for number in range(3)
    ]


@pytest.fixture
def mapped(monkeypatch: pytest.MonkeyPatch) -> None:
    """All segments are large: mapped, and not compared with their checksums."""
    monkeypatch.setattr(segment, "MAPPED_FROM", 1)
    monkeypatch.setattr(snapshots, "MAPPED_FROM", 1)


def of(gallery: Gallery, video: VideoInfo) -> Path:
    """The directory of the segment of a video."""
    for directory in (gallery.data_dir / "segments").iterdir():
        if np.load(directory / "videos.npy")["id"][0].decode() == video.id:
            return directory
    raise AssertionError


def change(file: Path, value: float, row: int) -> None:
    """Put a value into a vector: what a flipped bit in an exponent does."""
    content = bytearray(file.read_bytes())
    first = len(content) % 2 if file.suffix == ".f16" else len(content) - 2 * D * 4
    at = first + 2 * (D * row + 3)
    content[at : at + 2] = np.float16(value).tobytes()
    file.write_bytes(content)


def search(gallery: Gallery, by: RankBy = RankBy.STANDARD_SCORE) -> Ranking:
    return gallery.snapshot(MODEL.id).search(QUERY, limit=99, by=by)


def others_answer(gallery: Gallery, videos: list[VideoInfo], ranking: Ranking) -> bool:
    """Whether all but the second video are found, and its segment is named."""
    named = [(one.segment_id, one.video_ids) for one in ranking.damaged]
    assert named == [(of(gallery, videos[1]).name, [videos[1].id])]
    assert {hit.tracklet_id[:32] for hit in ranking.hits} == {videos[0].id, videos[2].id}
    assert ranking.compared == 8
    return all(abs(hit.score) <= 1.01 and np.isfinite(hit.standard_score) for hit in ranking.hits)


@pytest.mark.parametrize("name", ["tracklets.faiss", "columns.npy", "videos.npy"])
def test_a_small_segment_is_compared_with_its_checksum(
    sqlite_gallery: Gallery, three: list[VideoInfo], name: str
) -> None:
    file = of(sqlite_gallery, three[1]) / name
    content = bytearray(file.read_bytes())
    content[-1] ^= 1  # the least that can happen
    file.write_bytes(content)
    ranking = search(sqlite_gallery)
    assert f"{name} is not what was written" in ranking.damaged[0].reason
    assert others_answer(sqlite_gallery, three, ranking)


@pytest.mark.parametrize("by", list(RankBy))
@pytest.mark.parametrize("value", [1e4, -1e4, float("nan"), float("inf")])
@pytest.mark.parametrize("opened_before", [False, True])
def test_a_vector_of_a_mapped_segment(
    sqlite_gallery: Gallery,
    three: list[VideoInfo],
    mapped: None,
    value: float,
    by: RankBy,
    opened_before: bool,
) -> None:
    if opened_before:
        assert len(search(sqlite_gallery).hits) == 12
    directory = of(sqlite_gallery, three[1])
    change(directory / "tracklets.faiss", value, 2)
    assert others_answer(sqlite_gallery, three, search(sqlite_gallery, by))
    assert others_answer(sqlite_gallery, three, search(sqlite_gallery, by))


@pytest.mark.parametrize("value", [1e4, float("nan")])
def test_a_clip_names_its_own_segment(sqlite_gallery: Gallery, three: list[VideoInfo], value: float) -> None:
    change(of(sqlite_gallery, three[1]) / "clips.f16", value, 0)
    ranking = search(sqlite_gallery)
    assert "a clip scores" in ranking.damaged[0].reason
    assert others_answer(sqlite_gallery, three, ranking)


def test_all_can_be_damaged(sqlite_gallery: Gallery, three: list[VideoInfo]) -> None:
    for video in three:
        change(of(sqlite_gallery, video) / "tracklets.faiss", 1e4, 0)
    ranking = search(sqlite_gallery)
    assert (ranking.hits, ranking.compared, len(ranking.damaged)) == ([], 0, 3)


def test_what_is_mended_is_searched_after_the_next_change(
    sqlite_gallery: Gallery, three: list[VideoInfo]
) -> None:
    file = of(sqlite_gallery, three[1]) / "tracklets.faiss"
    right = file.read_bytes()
    change(file, 1e4, 0)
    assert len(search(sqlite_gallery).damaged) == 1
    store(sqlite_gallery, "new", make_tracklets(7, 1))
    assert len(search(sqlite_gallery).damaged) == 1
    file.write_bytes(right)
    sqlite_gallery.erase_video(three[0].id)
    ranking = search(sqlite_gallery)
    assert (ranking.damaged, ranking.compared) == ((), 9)


def test_coverage_says_what_the_damage_means(sqlite_gallery: Gallery, three: list[VideoInfo]) -> None:
    change(of(sqlite_gallery, three[1]) / "tracklets.faiss", 1e4, 0)
    ranking = search(sqlite_gallery)
    covered = sqlite_gallery.catalogue.coverage(Filters(), MODEL.id, damaged=ranking.damaged).cameras
    assert [(c.name, c.videos, c.seconds_indexed) for c in covered] == [("a", 2, 60.0), ("b", 0, 0.0)]
    assert [gap.reason for gap in covered[1].missing] == ["damaged"]
    assert sum(camera.tracklets for camera in covered) == ranking.compared


def test_no_message_names_a_place_on_the_server(sqlite_gallery: Gallery, three: list[VideoInfo]) -> None:
    directory = of(sqlite_gallery, three[1])
    damages: list[Callable[[], object]] = [
        (directory / "columns.npy").unlink,
        (directory / "manifest.json").unlink,
        lambda: (directory / "manifest.json").write_text("{}"),
    ]
    for damage in damages:
        damage()
        (damaged,) = Gallery(sqlite_gallery._database, sqlite_gallery.data_dir).snapshot(MODEL.id).damaged
        assert str(sqlite_gallery.data_dir) not in damaged.reason
