"""Coverage: how much of each camera's time was searched, and what is missing and why."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gallery.gallery import Gallery
from gallery.records.cameras import CameraInfo
from gallery.records.coverage import CameraCoverage
from gallery.records.searching import Filters
from tests.gallery.making import MODEL, START, make_tracklets, store

OTHER_MODEL = "f" * 64


@pytest.fixture
def hour(gallery: Gallery) -> tuple[Gallery, list[CameraInfo]]:
    """Camera a with ten minutes from 12:00 and ten from 12:20, cameras b and c with nothing."""
    cameras = [gallery.catalogue.add_camera(name, site="north" if name == "a" else None) for name in "abc"]
    # Tracklets begin at 0, 10, 20... seconds.
    for name, minutes in (("early", 0), ("late", 20)):
        start = START + timedelta(minutes=minutes)
        store(gallery, name, make_tracklets(1, 6), camera=cameras[0], start=start, seconds=600)
    return gallery, cameras


def minutes(number: float) -> datetime:
    return START + timedelta(minutes=number)


def test_coverage_without_filters(hour: tuple[Gallery, list[CameraInfo]]) -> None:
    gallery, cameras = hour
    a, b, c = gallery.catalogue.coverage(Filters(), MODEL.id).cameras
    assert (a.camera_id, a.name, a.site) == (cameras[0].id, "a", "north")
    assert (a.videos, a.seconds_indexed, a.tracklets) == (2, 1200.0, 12)
    assert (a.first, a.last) == (START, minutes(30))
    for nothing in (b, c):
        assert (nothing.videos, nothing.seconds_indexed, nothing.tracklets) == (0, 0.0, 0)
        assert nothing.first is nothing.last is None


def test_coverage_is_clipped_to_the_time_filter(hour: tuple[Gallery, list[CameraInfo]]) -> None:
    gallery, _ = hour

    def cover(start: float | None, end: float | None) -> tuple[int, float, int]:
        times = [None if t is None else minutes(t) for t in (start, end)]
        filters = Filters(start=times[0], end=times[1])
        found = gallery.catalogue.coverage(filters, MODEL.id).cameras[0]
        assert (
            found.tracklets
            == gallery.snapshot(MODEL.id)
            .search(
                gallery.snapshot(MODEL.id).vector(
                    gallery.catalogue.tracklets_of(gallery.catalogue.videos()[0].id)[0].id
                ),
                limit=1,
                filters=filters,
            )
            .compared
        )
        return found.videos, found.seconds_indexed, found.tracklets

    assert cover(5, 25) == (2, 600.0, 6)
    assert cover(-60, 60) == (2, 1200.0, 12)
    assert cover(None, 5) == (1, 300.0, 6)
    assert cover(20, None) == (1, 600.0, 6)
    assert cover(12, 18) == (0, 0.0, 0)
    assert cover(0, 25 / 60)[2] == 3
    assert cover(None, 0) == (0, 0.0, 0)


def test_coverage_of_some_cameras_and_of_another_model(hour: tuple[Gallery, list[CameraInfo]]) -> None:
    gallery, cameras = hour
    only = gallery.catalogue.coverage(Filters(camera_ids=frozenset({cameras[0].id, 2**40})), MODEL.id)
    assert [camera.name for camera in only.cameras] == ["a"]
    other = gallery.catalogue.coverage(Filters(), OTHER_MODEL).cameras[0]
    assert (other.videos, other.videos_without_model) == (0, 2)
    one = gallery.catalogue.videos()[0].id
    assert gallery.catalogue.coverage(Filters(video_ids=frozenset({one})), MODEL.id).cameras[0].videos == 1


def test_local_times_are_compared_as_moments(hour: tuple[Gallery, list[CameraInfo]]) -> None:
    gallery, _ = hour
    start = minutes(20).astimezone(ZoneInfo("Asia/Kolkata"))
    assert gallery.catalogue.coverage(Filters(start=start), MODEL.id).cameras[0].videos == 1


def seconds(number: float) -> datetime:
    return START + timedelta(seconds=number)


def spans(pieces: Sequence[object]) -> list[tuple[float, float]]:
    """Intervals as seconds after START."""
    return [((p.start - START).total_seconds(), (p.end - START).total_seconds()) for p in pieces]  # type: ignore[attr-defined]


def covered(gallery: Gallery, start: float | None = None, end: float | None = None) -> CameraCoverage:
    filters = Filters(
        start=None if start is None else seconds(start), end=None if end is None else seconds(end)
    )
    (found,) = gallery.catalogue.coverage(filters, MODEL.id).cameras
    return found


def test_recordings_that_overlap_count_once(gallery: Gallery) -> None:
    store(gallery, "a", [], seconds=6)
    store(gallery, "b", [], start=seconds(2), seconds=6)
    found = covered(gallery, 0, 12)
    assert (found.videos, found.seconds_indexed) == (2, 8.0)
    assert spans(found.intervals) == [(0, 8)]
    assert [(*span, gap.reason) for span, gap in zip(spans(found.missing), found.missing, strict=True)] == [
        (8, 12, "not_recorded")
    ]


def test_holes_are_no_coverage(gallery: Gallery) -> None:
    store(gallery, "a", [], seconds=60, intervals=[(0, 5_000_000), (55_000_000, 60_000_000)])
    for found in (covered(gallery), covered(gallery, 0, 60)):
        assert found.seconds_indexed == 10.0
        assert spans(found.intervals) == [(0, 5), (55, 60)]
        assert spans(found.missing) == [(5, 55)]
        assert found.missing[0].reason == "no_pictures"


def test_another_recording_fills_a_hole(gallery: Gallery) -> None:
    store(gallery, "a", [], seconds=60, intervals=[(0, 5_000_000), (55_000_000, 60_000_000)])
    store(gallery, "b", [], start=seconds(5), seconds=45)
    assert spans(covered(gallery).missing) == [(50, 55)]


def test_the_files_of_one_recorder_are_one_stretch(gallery: Gallery) -> None:
    """They lie a few frames apart; the length says what there is, to the microsecond."""
    for number in range(4):
        store(gallery, number, [], start=seconds(10.04 * number), seconds=10)
    found = covered(gallery, 0, 40.12)
    assert (found.seconds_indexed, found.missing) == (40.0, [])
    assert spans(found.intervals) == [(0, 40.12)]


def test_what_another_model_has_is_missing_for_that_reason(gallery: Gallery) -> None:
    store(gallery, "a", [], seconds=10)
    other = replace(MODEL, id=OTHER_MODEL)
    store(gallery, "b", [], start=seconds(20), seconds=10, model=other)
    found = covered(gallery)
    assert [(*s, m.reason) for s, m in zip(spans(found.missing), found.missing, strict=True)] == [
        (10, 20, "not_recorded"),
        (20, 30, "other_model"),
    ]
    assert (found.videos, found.videos_without_model) == (1, 1)


def test_a_camera_with_nothing_misses_all_that_was_asked_for(gallery: Gallery) -> None:
    gallery.catalogue.add_camera("gate")
    assert covered(gallery).missing == []
    found = covered(gallery, 5, 10)
    assert (found.seconds_indexed, found.first, found.last) == (0.0, None, None)
    assert spans(found.missing) == [(5, 10)]


def test_what_came_after_the_change_that_was_searched_was_not_searched(
    hour: tuple[Gallery, list[CameraInfo]],
) -> None:
    gallery, cameras = hour
    searched = gallery.snapshot(MODEL.id).change
    before = gallery.catalogue.coverage(Filters(), MODEL.id, change=searched)
    assert before == gallery.catalogue.coverage(Filters(), MODEL.id)
    store(gallery, "later", make_tracklets(2, 3), camera=cameras[0], start=minutes(40), seconds=600)
    gallery.compact()
    found = gallery.catalogue.coverage(Filters(), MODEL.id, change=searched).cameras[0]
    assert (found.videos, found.tracklets, found.videos_without_model) == (2, 12, 0)
    assert found.intervals == before.cameras[0].intervals
    assert [(one.start, one.end, one.state) for one in found.unindexed] == [
        (minutes(40), minutes(50), "being_indexed")
    ]
    assert [(gap.start, gap.end, gap.reason) for gap in found.missing][-1] == (
        minutes(40),
        minutes(50),
        "being_indexed",
    )
    nothing = gallery.catalogue.coverage(Filters(), MODEL.id, change=0).cameras[0]
    assert (nothing.videos, {gap.reason for gap in nothing.missing}) == (0, {"being_indexed", "not_recorded"})
