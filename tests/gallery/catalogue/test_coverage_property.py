"""Coverage of random recordings, with overlaps, holes and failures, against counting every second."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from gallery.gallery import Gallery
from gallery.records.cameras import CameraInfo
from gallery.records.coverage import CameraCoverage
from gallery.records.jobs import EXPECTED_SECONDS, NewRecording
from gallery.records.searching import DamagedSegment, Filters
from gallery.sql.tables import SegmentVideo
from tests.gallery.making import MODEL, store

OTHER = replace(MODEL, id="f" * 64)
# Ten seconds before the clocks of Berlin go back from 3:00 to 2:00, and while those of New York show 1:00 for
# the first time of two, a week later.
NIGHTS = (datetime(2026, 10, 25, 0, 59, 50, tzinfo=UTC), datetime(2026, 11, 1, 5, 59, 50, tzinfo=UTC))
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
# What a second of a camera is, the first of these that is true of it; with a ?: at most.
ORDER = (
    *("searched", "damaged", "other_model", "being_indexed", "failed", "no_pictures"),
    *("being_indexed?", "waiting?", "failed?", "not_recorded"),
)
numbers = count()


class Video(NamedTuple):
    """In whole seconds: where it begins, and which of its seconds have pictures."""

    begin: int
    pictures: tuple[bool, ...]
    kind: str  # searched, damaged or other_model


class Filed(NamedTuple):
    """A recording that is no video; `seconds` is None where nobody knows its length."""

    begin: int
    seconds: int | None
    state: str


class Recorded(NamedTuple):
    """All of one camera."""

    videos: list[Video]
    filed: list[Filed]


videos = st.builds(
    Video,
    st.integers(0, 30),
    st.lists(st.booleans(), min_size=1, max_size=12).map(tuple),
    st.sampled_from(["searched", "searched", "damaged", "other_model"]),
)
filed = st.one_of(
    st.builds(Filed, st.integers(0, 40), st.none(), st.just("waiting")),
    st.builds(
        Filed,
        st.integers(0, 40),
        st.one_of(st.none(), st.integers(1, 9)),
        st.sampled_from(["being_indexed", "failed"]),
    ),
)
recorded = st.builds(Recorded, st.lists(videos, max_size=4), st.lists(filed, max_size=3))
ends = st.one_of(st.none(), st.integers(-5, 45))


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    cameras=st.tuples(recorded, recorded),
    wanted=st.sampled_from(["all", "first", "second"]),
    times=st.tuples(ends, ends),
    zone=st.sampled_from(ZONES),
    night=st.sampled_from(NIGHTS),
)
def test_coverage_is_what_counting_every_second_gives(
    gallery: Gallery,
    cameras: tuple[Recorded, Recorded],
    wanted: str,
    times: tuple[int | None, int | None],
    zone: str,
    night: datetime,
) -> None:
    start, end = times
    if start is not None and end is not None and start >= end:
        start, end = end, start if start != end else start + 1
    stored = [gallery.catalogue.add_camera(f"camera {next(numbers)}", time_zone=zone) for _ in cameras]
    spoilt: set[str] = set()
    waiting: list[str] = []
    for camera, what in zip(stored, cameras, strict=True):
        spoilt |= fill_videos(gallery, camera, what.videos, night)
        fill_jobs(gallery, camera, [one for one in what.filed if one.state != "waiting"], night)
    for camera, what in zip(stored, cameras, strict=True):  # last, as a worker takes the first in the queue
        waiting += fill_jobs(gallery, camera, [one for one in what.filed if one.state == "waiting"], night)
    chosen = {"all": [0, 1], "first": [0], "second": [1]}[wanted]
    local = [
        None if at is None else (night + timedelta(seconds=at)).astimezone(ZoneInfo(zone))
        for at in (start, end)
    ]
    filters = Filters(camera_ids=frozenset(stored[i].id for i in chosen), start=local[0], end=local[1])

    found = gallery.catalogue.coverage(filters, MODEL.id, damaged=segments(gallery, spoilt)).cameras

    for job in waiting:  # the next example's worker must not get them
        gallery.jobs.cancel(job)
    assert [camera.camera_id for camera in found] == [stored[i].id for i in chosen]
    for covered, i in zip(found, chosen, strict=True):
        agree(covered, counted(cameras[i], start, end), night)


def fill_videos(gallery: Gallery, camera: CameraInfo, what: Sequence[Video], night: datetime) -> set[str]:
    """Put videos into the gallery; return those whose vectors are to count as damaged."""
    spoilt = set()
    for video in what:
        known = store(
            *(gallery, next(numbers), []),
            camera=camera,
            start=night + timedelta(seconds=video.begin),
            seconds=len(video.pictures),
            intervals=list(runs(video.pictures)),
            model=OTHER if video.kind == "other_model" else MODEL,
            path="/elsewhere",
        )
        if video.kind == "damaged":
            spoilt.add(known.id)
    return spoilt


def fill_jobs(gallery: Gallery, camera: CameraInfo, what: Sequence[Filed], night: datetime) -> list[str]:
    """File recordings and bring them where they are to be; return the jobs that wait."""
    waiting = []
    for one in what:
        name = f"{next(numbers)}.mp4"
        recording = NewRecording(camera.id, f"/{name}", name, False, night + timedelta(seconds=one.begin))
        counters = {} if one.seconds is None else {EXPECTED_SECONDS: one.seconds}
        if one.state == "failed":
            gallery.jobs.record_failure(recording, "because", counters=counters)
            continue
        job = gallery.jobs.file([recording])
        if one.state == "waiting":
            waiting.append(job.id)
            continue
        claim = gallery.jobs.claim("worker", lease_seconds=3600)
        assert claim is not None
        assert claim.job_id == job.id
        gallery.jobs.renew(claim, lease_seconds=3600, counters=counters)
    return waiting


def segments(gallery: Gallery, video_ids: set[str]) -> list[DamagedSegment]:
    """The segments of these videos, as a ranking that left them out names them."""
    with gallery._database.read() as session:
        query = select(SegmentVideo.segment_id).where(SegmentVideo.video_id.in_(video_ids))
        return [DamagedSegment(segment_id, "spoilt", []) for segment_id in session.scalars(query)]


def runs(pictures: Sequence[bool]) -> Iterator[tuple[int, int]]:
    """Runs of seconds with pictures, in µs."""
    begin = None
    for second, there in enumerate([*pictures, False]):
        if there and begin is None:
            begin = second
        elif not there and begin is not None:
            yield begin * 1_000_000, second * 1_000_000
            begin = None


def counted(what: Recorded, start: int | None, end: int | None) -> tuple[list[str], int, int]:
    """What each second of a camera is, the second of the first, and how many filed recordings pass."""
    state: dict[int, str] = {}

    def say(second: int, this: str) -> None:
        if ORDER.index(this) < ORDER.index(state.get(second, "not_recorded")):
            state[second] = this

    begins = [*(video.begin for video in what.videos), *(one.begin for one in what.filed)]
    passing = 0
    for begin, pictures, kind in what.videos:
        # A video passes the time filter when it touches it.
        if (start is None or begin + len(pictures) >= start) and (end is None or begin < end):
            for second, there in enumerate(pictures, start=begin):
                say(second, kind if there else "no_pictures")
    for begin, seconds, kind in what.filed:
        following = min((other for other in begins if other > begin), default=None)
        until = following if seconds is None else begin + seconds
        if (start is None or until is None or until > start) and (end is None or begin < end):
            passing += 1
            for second in range(begin, begin if until is None and end is None else until or end or 0):
                say(second, kind if seconds is not None else f"{kind}?")
    first = start if start is not None else min(state, default=end or 0)
    last = end if end is not None else max(state, default=first - 1) + 1
    return [state.get(second, "not_recorded") for second in range(first, last)], first, passing


def agree(camera: CameraCoverage, expected: tuple[list[str], int, int], night: datetime) -> None:
    """Every second is told once, as it was counted."""
    states, first, passing = expected
    assert camera.seconds_indexed == states.count("searched")
    assert len(camera.unindexed) == passing
    told: dict[int, str] = {}
    pieces = [(one, "searched") for one in camera.intervals]
    for piece, reason in [*pieces, *((gap, f"{gap.reason}{'?' * gap.at_most}") for gap in camera.missing)]:
        begin, stop = ((at - night) // timedelta(seconds=1) for at in (piece.start, piece.end))
        for second in range(begin, stop):
            assert second not in told
            told[second] = reason
    assert told == dict(enumerate(states, start=first))
