"""Search against brute force, over galleries that are written, erased from and compacted at random.

Thresholds are lowered so that a few tracklets already take every path: read and mapped segments, joined
blocks, masked videos, clusters whose lists are all looked at. Components come from a handful of values, so
that equal scores are common.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from numpy.typing import NDArray

from gallery.gallery import Gallery
from gallery.records.erasure import ErasureKind, ErasureTarget
from gallery.records.searching import Filters, Hit, RankBy
from gallery.records.tracklets import NewClip, NewTracklet
from gallery.records.videos import ModelInfo
from gallery.settings import GallerySettings
from gallery.times import EPOCH, microseconds
from gallery.vectors import clustering, segment, snapshots
from gallery.vectors.clusters import Clusters, Depth
from gallery.vectors.levels import LEAST_DEVIATION, SHRINKAGE
from gallery.writing import cluster
from tests.gallery.making import JPEG, START, make_boxes, store, unit
from tests.postgres import PostgresServer

DIMENSION = 4
MODEL = ModelInfo(id="b" * 64, name="property", dimension=DIMENSION, card={})
CAMERAS = 3
CLOSE = 1e-5

grid = st.lists(st.sampled_from([-1.0, 0.0, 0.5, 2.0]), min_size=DIMENSION, max_size=DIMENSION)
vectors = grid.filter(any).map(lambda values: unit(np.array(values)))


@dataclass
class Expected:
    """What the gallery should hold of one tracklet."""

    camera_id: int
    video_id: str
    start_us: int
    end_us: int
    vector: NDArray[np.float32]
    clips: NDArray[np.float32]

    def passes(self, filters: Filters) -> bool:
        return (
            (filters.camera_ids is None or self.camera_id in filters.camera_ids)
            and (filters.video_ids is None or self.video_id in filters.video_ids)
            and (filters.end is None or self.start_us < microseconds(filters.end))
            and (filters.start is None or self.end_us >= microseconds(filters.start))
        )


@dataclass
class World:
    """A gallery, and what it should hold."""

    gallery: Gallery
    tracklets: dict[str, Expected] = field(default_factory=dict)


@st.composite
def new_tracklets(draw: st.DrawFn) -> NewTracklet:
    start_us = 1_000_000 * draw(st.integers(0, 60))
    boxes = make_boxes(start_us, draw(st.integers(1, 5)), 1_000_000)  # ends meet the seconds of filters
    end_us = int(boxes["time_us"][-1])
    clips = [
        NewClip(start_us, end_us, len(boxes), vector)
        for vector in draw(st.lists(vectors, min_size=1, max_size=3))
    ]
    return NewTracklet(boxes, draw(vectors), clips, {}, JPEG)


@st.composite
def filters_of(draw: st.DrawFn, tracklets: list[Expected]) -> Filters:
    video_ids = sorted({expected.video_id for expected in tracklets})
    edges = sorted({time for expected in tracklets for time in (expected.start_us, expected.end_us)})
    times = st.integers(0, 120).map(lambda second: microseconds(START) + 1_000_000 * second)
    if edges:
        times |= st.sampled_from(edges)
    cameras = draw(st.none() | st.frozensets(st.integers(1, CAMERAS + 1)))
    videos = draw(st.none() | st.frozensets(st.sampled_from([*video_ids, "0" * 32])))
    start, end = draw(st.none() | times), draw(st.none() | times)
    if start is not None and end is not None and start >= end:
        end = start + 1
    return Filters(
        camera_ids=cameras,
        video_ids=videos,
        start=None if start is None else EPOCH + timedelta(microseconds=start),
        end=None if end is None else EPOCH + timedelta(microseconds=end),
    )


class SearchMachine(RuleBasedStateMachine):
    """Writes, erases, compacts; every search equals brute force on the fp16 vectors."""

    new_settings: Callable[[], GallerySettings]

    def __init__(self) -> None:
        super().__init__()
        self.world = World(Gallery.open(type(self).new_settings()))
        for number in range(CAMERAS):
            self.world.gallery.catalogue.add_camera(f"camera {number}")
        self.names = count()

    def teardown(self) -> None:
        self.world.gallery.close()
        shutil.rmtree(self.world.gallery.data_dir)

    @property
    def video_ids(self) -> list[str]:
        return sorted({expected.video_id for expected in self.world.tracklets.values()})

    @rule(
        tracklets=st.lists(new_tracklets(), max_size=6),
        camera_id=st.integers(1, CAMERAS),
        offset=st.integers(0, 60),
    )
    def index(self, tracklets: list[NewTracklet], camera_id: int, offset: int) -> None:
        gallery = self.world.gallery
        start = START + timedelta(seconds=offset)
        camera = gallery.catalogue.camera(camera_id)
        video = store(gallery, next(self.names), tracklets, camera=camera, start=start, model=MODEL)
        for number, tracklet in enumerate(tracklets):
            self.world.tracklets[f"{video.id}-{number}"] = Expected(
                camera_id,
                video.id,
                microseconds(start) + int(tracklet.boxes["time_us"][0]),
                microseconds(start) + int(tracklet.boxes["time_us"][-1]),
                tracklet.feature.astype(np.float16).astype(np.float32),
                np.stack([clip.feature for clip in tracklet.clips]).astype(np.float16).astype(np.float32),
            )

    @precondition(lambda self: self.world.tracklets)
    @rule(data=st.data())
    def erase(self, data: st.DataObject) -> None:
        video_id = data.draw(st.sampled_from(self.video_ids))
        self.world.gallery.erase_video(video_id)
        for key in [key for key, expected in self.world.tracklets.items() if expected.video_id == video_id]:
            del self.world.tracklets[key]

    @precondition(lambda self: self.world.tracklets)
    @rule(data=st.data())
    def erase_singly(self, data: st.DataObject) -> None:
        some = data.draw(st.lists(st.sampled_from(sorted(self.world.tracklets)), min_size=1, max_size=4))
        self.world.gallery.erasures.erase(ErasureTarget(kind=ErasureKind.TRACKLETS, ids=some))
        for key in set(some):
            del self.world.tracklets[key]

    @rule(max_tracklets=st.integers(1, 30))
    def compact(self, max_tracklets: int) -> None:
        self.world.gallery.compact(max_tracklets=max_tracklets)

    @rule()
    def cluster(self) -> None:
        while self.world.gallery.cluster().made:
            pass

    @rule(data=st.data(), query=vectors, limit=st.integers(1, 12))
    def search(self, data: st.DataObject, query: NDArray[np.float32], limit: int) -> None:
        filters = data.draw(st.just(Filters()) | filters_of(list(self.world.tracklets.values())))
        by = data.draw(st.sampled_from(RankBy))
        # Seen through a few cameras, the gallery is one that holds no others.
        cameras = data.draw(st.none() | st.frozensets(st.integers(1, CAMERAS)))
        gallery = self.world.gallery if cameras is None else self.world.gallery.limited_to(cameras)
        snapshot = gallery.snapshot(MODEL.id)
        exact = data.draw(st.booleans())
        ranking = snapshot.search(query, limit=limit, filters=filters, by=by, exact=exact)
        seen = {k: e for k, e in self.world.tracklets.items() if cameras is None or e.camera_id in cameras}
        assert snapshot.tracklet_count == len(seen)
        passing = {key: e for key, e in seen.items() if e.passes(filters)}
        standard = standard_scores(seen, query)
        scores = {key: float(e.vector @ query) for key, e in passing.items()}
        stored = {key: (e.camera_id, e.vector.tobytes()) for key, e in passing.items()}
        assert ranking.exact or not exact
        assert ranking.by is by
        assert ranking.compared == len(passing)
        ranked = scores if by is RankBy.COSINE else {key: standard[key] for key in passing}
        check_hits(list(ranking.hits), by, ranked, stored, limit)
        for hit in ranking.hits:
            assert hit.score == pytest.approx(scores[hit.tracklet_id], abs=CLOSE)
            assert hit.standard_score == pytest.approx(standard[hit.tracklet_id], rel=1e-3, abs=1e-2)
            clips = passing[hit.tracklet_id].clips @ query
            assert hit.clip_score == pytest.approx(float(clips.max()), abs=CLOSE)
            assert clips[hit.clip_number] == pytest.approx(float(clips.max()), abs=CLOSE)

    @precondition(lambda self: self.world.tracklets)
    @rule(data=st.data())
    def take_vector(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.world.tracklets)))
        vector = self.world.gallery.snapshot(MODEL.id).vector(key)
        assert np.abs(vector - self.world.tracklets[key].vector).max() < 1e-3

    @invariant()
    def everything_is_counted(self) -> None:  # makes each snapshot out of the one before
        assert self.world.gallery.snapshot(MODEL.id).tracklet_count == len(self.world.tracklets)

    @rule()
    def nothing_is_left_lying_about(self) -> None:
        gallery = self.world.gallery
        report = gallery.sweep()
        assert (report.unfinished, report.segments, report.media, report.erasures) == (0, 0, 0, 0)
        assert gallery.verify().problems == ()
        with_model = {video.id for video in gallery.catalogue.videos(limit=1000)}
        assert set(self.video_ids) <= with_model


def standard_scores(tracklets: dict[str, Expected], query: NDArray[np.float32]) -> dict[str, float]:
    """Cosines standardised within their camera, whatever the filter, by plain sums over the scores."""
    cosines: dict[int, dict[str, float]] = {}
    for key, expected in tracklets.items():
        cosines.setdefault(expected.camera_id, {})[key] = float(expected.vector @ query)
    everywhere = np.array([score for scores in cosines.values() for score in scores.values()])
    found: dict[str, float] = {}
    for scores in cosines.values():
        own = np.array(list(scores.values()))
        weight = len(own) / (len(own) + SHRINKAGE)
        mean = weight * own.mean() + (1 - weight) * everywhere.mean()
        deviation = np.sqrt(weight * own.var() + (1 - weight) * everywhere.var())
        found |= {key: (score - mean) / max(deviation, LEAST_DEVIATION) for key, score in scores.items()}
    return found


def check_hits(
    hits: list[Hit],
    by: RankBy,
    scores: dict[str, float],
    stored: dict[str, tuple[int, bytes]],
    limit: int,
) -> None:
    """Recall 1.000 with the scores of brute force; among equal ones, ids decide."""
    close = CLOSE if by is RankBy.COSINE else 1e-2
    ids = [hit.tracklet_id for hit in hits]
    assert len(set(ids)) == len(ids) == min(limit, len(scores))
    best = sorted(scores.values(), reverse=True)[:limit]
    ranks = [hit.score if by is RankBy.COSINE else hit.standard_score for hit in hits]
    assert ranks == pytest.approx(best, rel=1e-3, abs=close)
    assert [(-rank, i) for rank, i in zip(ranks, ids, strict=True)] == sorted(
        (-rank, i) for rank, i in zip(ranks, ids, strict=True)
    )
    if hits:
        missed = {key for key, score in scores.items() if score > ranks[-1] + close} - set(ids)
        assert not missed
        last = hits[-1].tracklet_id
        assert {key for key, vector in stored.items() if vector == stored[last] and key < last} <= set(ids)


@pytest.fixture
def low_thresholds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        os, "fsync", lambda _descriptor: None
    )  # nothing crashes here, and it takes most of the time
    monkeypatch.setattr(segment, "MAPPED_FROM", 5)
    monkeypatch.setattr(snapshots, "MAPPED_FROM", 5)
    monkeypatch.setattr(snapshots, "BLOCK_ROWS", 9)
    monkeypatch.setattr(cluster, "MAPPED_FROM", 5)
    monkeypatch.setattr(clustering, "LEAST_LIST", 2)
    monkeypatch.setattr(Clusters, "_depth", lambda self, _count, _marked: Depth(1, self.note.lists, 1.0))


def run(new_settings: Callable[[], GallerySettings], **options: Any) -> None:
    machine = type("Machine", (SearchMachine,), {"new_settings": staticmethod(new_settings)})
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    run_state_machine_as_test(
        machine, settings=settings(deadline=None, suppress_health_check=checks, **options)
    )


@pytest.mark.usefixtures("low_thresholds")
@pytest.mark.parametrize("examples", [6, pytest.param(400, marks=pytest.mark.long)])
def test_search_equals_brute_force(sqlite_template: Path, tmp_path: Path, examples: int) -> None:
    numbers = count()

    def new_settings() -> GallerySettings:
        data_dir = tmp_path / str(next(numbers))
        data_dir.mkdir()
        shutil.copyfile(sqlite_template, data_dir / "gallery.sqlite3")
        return GallerySettings(
            data_dir=data_dir, database_url=f"sqlite:///{data_dir}/gallery.sqlite3", exact_tracklets=1
        )

    run(new_settings, max_examples=examples, stateful_step_count=30)


@pytest.mark.usefixtures("low_thresholds")
@pytest.mark.parametrize("examples", [1, pytest.param(80, marks=pytest.mark.long)])
def test_search_in_milvus_equals_brute_force(
    sqlite_template: Path, milvus_uri: str, tmp_path: Path, examples: int
) -> None:
    numbers = count()

    def new_settings() -> GallerySettings:
        data_dir = tmp_path / str(next(numbers))
        data_dir.mkdir()
        shutil.copyfile(sqlite_template, data_dir / "gallery.sqlite3")
        return GallerySettings(data_dir=data_dir, database_url=None, vectors="milvus", milvus_uri=milvus_uri)

    run(new_settings, max_examples=examples, stateful_step_count=20)


@pytest.mark.long
@pytest.mark.usefixtures("low_thresholds")
@pytest.mark.parametrize("examples", [1, pytest.param(80, marks=pytest.mark.long)])
def test_search_equals_brute_force_on_postgresql(
    postgres_server: PostgresServer, tmp_path: Path, examples: int
) -> None:
    numbers = count()

    def new_settings() -> GallerySettings:
        number = next(numbers)
        if number:
            postgres_server.drop(f"property_{examples}_{number - 1}")
        url = postgres_server.create(f"property_{examples}_{number}", "gallery_template")
        data_dir = tmp_path / str(number)
        data_dir.mkdir()
        return GallerySettings(data_dir=data_dir, database_url=url, exact_tracklets=1)

    run(new_settings, max_examples=examples, stateful_step_count=25)
