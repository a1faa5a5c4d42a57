"""Searches by clusters: what they find, what they say of it, and what they are without their files."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gallery.disk.locks import Staging, only_one
from gallery.gallery import Gallery
from gallery.records.erasure import ErasureKind, ErasureTarget
from gallery.records.searching import Filters, Ranking
from gallery.settings import GallerySettings
from gallery.upkeep.faults import Remedy
from gallery.vectors import clustering, segment, snapshots
from gallery.vectors import clusters as clusters_module
from gallery.vectors.clusters import COARSE, LISTS, NOTE, Clusters, open_clusters
from gallery.vectors.index import FlatVectors
from gallery.writing import cluster
from gallery.writing.cluster import Clustering
from gallery.writing.compact import sources
from tests.gallery.making import MODEL, START, make_tracklet, store, unit

PEOPLE = 40
EACH = 150  # tracklets of a recording of the large camera
WANTED = Clustering(from_tracklets=500, goal=0.95)
DEPTHS = (5, 20, 50)


@pytest.fixture(autouse=True)
def low_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    lower(monkeypatch)


def lower(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (segment, snapshots, cluster):
        monkeypatch.setattr(module, "MAPPED_FROM", 300)
    monkeypatch.setattr(clusters_module, "WORTH", 1)
    monkeypatch.setattr(clustering, "DEPTHS", DEPTHS)
    monkeypatch.setattr(clustering, "LEAST_LIST", 12)


def people(seed: int, count: int) -> NDArray[np.float32]:
    """Tracklets of a few people, (N, D): each is seen several times, never quite alike."""
    centres = np.random.default_rng(1).standard_normal((PEOPLE, MODEL.dimension))
    random = np.random.default_rng(seed)
    chosen = centres[random.integers(0, PEOPLE, count)]
    return unit(chosen + 0.5 * random.standard_normal((count, MODEL.dimension)))


def fill(gallery: Gallery) -> None:
    """One camera with a large segment of three recordings, and one with a small."""
    gate, yard = (gallery.catalogue.add_camera(name) for name in ("gate", "yard"))
    random = np.random.default_rng(5)
    for number in range(3):
        features = people(number, EACH)
        tracklets = [
            make_tracklet(random, start_us=1000 * at, count=1, clips=1, feature=feature)
            for at, feature in enumerate(features)
        ]
        start = START + timedelta(hours=number)
        store(gallery, number, tracklets, camera=gate, start=start)
    others = [make_tracklet(random, count=1, clips=1, feature=one) for one in people(9, 60)]
    store(gallery, "other", others, camera=yard)
    gallery.compact()
    gallery._clustering = WANTED


@pytest.fixture(scope="module")
def original(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a gallery with clusters, to copy from."""
    data_dir = tmp_path_factory.mktemp("clustered")
    shutil.copyfile(sqlite_template, data_dir / "gallery.sqlite3")
    with pytest.MonkeyPatch.context() as patched, Gallery.open(GallerySettings(data_dir=data_dir)) as made:
        lower(patched)
        fill(made)
        assert made.cluster().made is not None
        assert made.cluster().made is None
    return data_dir


@pytest.fixture
def clustered(original: Path, tmp_path: Path) -> Iterator[Gallery]:
    shutil.copytree(original, tmp_path / "data")
    with Gallery.open(GallerySettings(data_dir=tmp_path / "data")) as opened:
        opened._clustering = WANTED
        yield opened


@pytest.fixture
def filled(clustered: Gallery) -> Gallery:
    shutil.rmtree(clustered.data_dir / "clusters")
    return clustered


def place(gallery: Gallery) -> Path:
    (directory,) = (gallery.data_dir / "clusters").iterdir()
    return directory


def asked(gallery: Gallery, seed: int = 77, **options: Any) -> Iterator[tuple[Ranking, Ranking]]:
    """Answers of a few probes: approximate, and exact."""
    snapshot = gallery.snapshot(MODEL.id)
    for probe in people(seed, 20):
        wanted = {"limit": 10, **options}
        yield snapshot.search(probe, exact=False, **wanted), snapshot.search(probe, **wanted)


def open_rows(gallery: Gallery) -> tuple[Clusters, FlatVectors]:
    rows = gallery._segments.open(place(gallery).name)
    assert isinstance(rows.vectors, FlatVectors)
    return open_clusters(place(gallery), len(rows), MODEL.dimension), rows.vectors


def test_most_are_found_with_the_scores_of_an_exact_search(gallery: Gallery) -> None:
    fill(gallery)
    assert gallery.cluster().made is not None
    found = 0
    for near, exact in asked(gallery):
        assert exact.approximate is None
        assert near.approximate is not None
        assert near.approximate.tracklets == 3 * EACH
        assert near.compared == exact.compared == 3 * EACH + 60
        scores = {hit.tracklet_id: hit for hit in exact.hits}
        same = [hit for hit in near.hits if hit.tracklet_id in scores]
        assert same == [scores[hit.tracklet_id] for hit in same]
        found += len(same)
    assert found >= 0.95 * 20 * 10


def test_the_recall_told_is_the_recall_measured(clustered: Gallery) -> None:
    clusters, vectors = open_rows(clustered)
    everything = sources(clustered._database)
    (source,) = (one for one in everything if one.id == place(clustered).name)
    probes = cluster._probes(clustered._segments, source, everything)
    assert (probes.of, len(probes.vectors)) == ("other cameras", 60)
    assert [depth.k for depth in clusters.note.depths] == list(DEPTHS)
    scores = probes.vectors @ vectors.all().astype(np.float32).T
    for depth in clusters.note.depths:
        found = [
            len(set(best) & set(clusters.search(probe[None], vectors, depth.k, depth.probes, None)[1]))
            for probe, best in zip(probes.vectors, np.argsort(-scores)[:, : depth.k], strict=True)
        ]
        assert depth.recall == pytest.approx(sum(found) / (depth.k * len(found)))
        assert depth.recall >= clusters.note.goal
    told = {near.approximate.recall for near, _ in asked(clustered, limit=4) if near.approximate}
    assert told == {clusters.note.depths[0].recall}


def test_filters_come_first(clustered: Gallery) -> None:
    within = Filters(start=START + timedelta(hours=1), end=START + timedelta(hours=2))
    videos = set()
    for near, exact in asked(clustered, filters=within):
        assert near.compared == exact.compared == EACH
        assert len(near.hits) == 10
        videos |= {hit.tracklet_id.partition("-")[0] for hit in near.hits}
    assert len(videos) == 1


def test_few_are_compared_one_by_one(clustered: Gallery) -> None:
    second = START + timedelta(microseconds=1000 * 30)
    for near, exact in asked(clustered, filters=Filters(end=second), limit=2):
        assert near == exact


def test_long_lists_are_ranked_exactly(clustered: Gallery) -> None:
    for near, exact in asked(clustered, limit=500):
        assert near == exact


def test_equal_scores_end_in_the_order_of_their_ids(sqlite_gallery: Gallery) -> None:
    gallery = sqlite_gallery
    camera = gallery.catalogue.add_camera("gate")
    random = np.random.default_rng(3)
    same = people(1, 4)
    tracklets = [make_tracklet(random, count=1, clips=1, feature=same[at % 4]) for at in range(320)]
    store(gallery, "v", tracklets, camera=camera)
    gallery._clustering = Clustering(from_tracklets=1, goal=0.9)
    gallery.cluster()
    snapshot = gallery.snapshot(MODEL.id)
    for probe in same:
        near, exact = (snapshot.search(probe, limit=7, exact=one) for one in (False, True))
        assert near.hits == exact.hits


def test_what_was_erased_is_not_found(clustered: Gallery) -> None:
    (first, second, _) = [video.id for video in clustered.catalogue.videos() if video.tracklet_count == EACH]
    clustered.erase_video(first)
    gone = [f"{second}-{number}" for number in range(0, EACH, 2)]
    clustered.erasures.erase(ErasureTarget(kind=ErasureKind.TRACKLETS, ids=gone))
    approximate = 0
    for near, _ in asked(clustered, limit=4):
        approximate += near.approximate is not None
        ids = {hit.tracklet_id for hit in near.hits}
        assert len(ids) == 4
        assert not ids & set(gone)
        assert not any(one.startswith(first) for one in ids)
    assert approximate == 20
    clustered.compact()
    assert not any((clustered.data_dir / "clusters").iterdir())
    assert clustered.verify().problems == ()


def test_an_erasure_takes_the_clusters_of_a_segment_with_it(gallery: Gallery) -> None:
    fill(gallery)
    assert gallery.cluster().made is not None
    for video in gallery.catalogue.videos():
        gallery.erase_video(video.id)
    assert not any((gallery.data_dir / "clusters").iterdir())
    assert not any((gallery.data_dir / "segments").iterdir())


def test_a_limited_view_sees_its_own_only(clustered: Gallery) -> None:
    gate = next(camera.id for camera in clustered.catalogue.cameras() if camera.name == "gate")
    limited = clustered.limited_to(frozenset({gate}))
    for near, exact in asked(limited):
        assert near.approximate is not None
        assert near.compared == exact.compared == 3 * EACH


def test_a_gallery_below_the_limit_has_none(clustered: Gallery) -> None:
    assert all(near.approximate for near, _ in asked(clustered))
    clustered._clustering = Clustering(from_tracklets=10_000)
    assert clustered.cluster().removed == 1
    assert all(near == exact for near, exact in asked(clustered))
    assert GallerySettings().exact_tracklets == Clustering().from_tracklets == 20_000_000


def test_another_goal_makes_them_anew(clustered: Gallery) -> None:
    clustered._clustering = Clustering(from_tracklets=1, goal=0.8)
    made = clustered.cluster().made
    assert made is not None
    assert made[1].goal == 0.8
    told = [near.approximate.recall for near, _ in asked(clustered) if near.approximate]
    assert min(told) >= 0.8


def test_what_cannot_be_found_cheaply_is_not_approximated(
    filled: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clustering, "MOST_LISTS", 0.0)
    made = filled.cluster().made
    assert made is not None
    assert made[1].depths == ()
    assert filled.cluster().made is None  # and is not tried again
    assert all(near == exact for near, exact in asked(filled))


def test_without_other_cameras_the_own_measures(sqlite_gallery: Gallery) -> None:
    gallery = sqlite_gallery
    camera = gallery.catalogue.add_camera("gate")
    random = np.random.default_rng(3)
    store(
        gallery, "v", [make_tracklet(random, clips=1, feature=one) for one in people(1, 320)], camera=camera
    )
    gallery._clustering = Clustering(from_tracklets=1)
    made = gallery.cluster().made
    assert made is not None
    assert (made[1].of, made[1].queries) == ("own camera", 256)


def flip(name: str) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        content = bytearray((directory / name).read_bytes())
        content[len(content) // 2] ^= 0x55
        (directory / name).write_bytes(content)

    return change


def cut(name: str) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        (directory / name).write_bytes((directory / name).read_bytes()[:-2])

    return change


def another(directory: Path) -> None:
    note = json.loads((directory / NOTE).read_bytes())
    (directory / NOTE).write_text(json.dumps(note | {"tracklets": 3}))


@pytest.mark.parametrize(
    "damage",
    [
        *(flip(COARSE), cut(COARSE), cut(LISTS), cut(NOTE), another),
        lambda directory: (directory / COARSE).unlink(),
        lambda directory: (directory / NOTE).write_text("[" * 100_000),
        lambda directory: (directory / NOTE).write_text('{"depths": 3}'),
    ],
)
def test_damaged_clusters_are_none_and_the_log_says_so(
    clustered: Gallery, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    directory = place(clustered)
    damage(directory)
    clustered.forget(MODEL.id)
    caplog.set_level(logging.WARNING)
    assert all(near == exact for near, exact in asked(clustered))
    clustered.forget(MODEL.id)
    assert all(near == exact for near, exact in asked(clustered))
    (line,) = caplog.messages
    assert line.startswith(f"segment {directory.name} is searched exactly: clusters/{directory.name}: ")


@pytest.mark.parametrize("name", [COARSE, LISTS])
def test_verifying_finds_damage_and_mending_takes_it_away(clustered: Gallery, name: str) -> None:
    directory = place(clustered)
    assert clustered.verify().faults == ()
    flip(name)(directory)
    report = clustered.verify()
    (fault,) = report.faults
    assert fault.what == f"clusters/{directory.name}: {name} is not what was written"
    assert fault.remedy is Remedy.REMOVE
    assert clustered.mend(report).removed == 1
    assert clustered.verify().faults == ()
    assert clustered.cluster().made is not None


def test_rows_that_are_none_are_not_found(clustered: Gallery) -> None:
    """No checksum stands between a flipped bit of a mapped list and a search."""
    lists = place(clustered) / LISTS
    size = lists.stat().st_size
    lists.write_bytes(np.full(size // 8 + 1, 2**62, "<i8").tobytes()[:size])
    clustered.forget(MODEL.id)
    assert all(near.hits == exact.hits for near, exact in asked(clustered))


def test_what_there_is_can_be_told(clustered: Gallery) -> None:
    told = clustered.clustered()
    assert (told.segments, told.tracklets, told.unsuited, told.damaged) == (1, 3 * EACH, 0, 0)
    assert told.recall is not None
    assert WANTED.goal <= told.recall <= 1
    cut(LISTS)(place(clustered))
    assert clustered.clustered().damaged == 1


def test_orphans_are_swept(clustered: Gallery) -> None:
    directory = place(clustered)
    directory.rename(directory.with_name("0" * 32))
    (problem,) = clustered.verify().problems
    assert problem == f"clusters/{'0' * 32}: no row names it"
    assert clustered.sweep().clusters == 1
    assert clustered.verify().problems == ()


def test_one_process_at_a_time_makes_them(filled: Gallery) -> None:
    with only_one(filled.data_dir, "clusters") as mine:
        assert mine
        assert filled.cluster() == cluster.ClusteringReport()
    assert filled.cluster().made is not None


def test_they_are_not_in_backups(clustered: Gallery, tmp_path: Path) -> None:
    clustered.back_up(tmp_path / "backup")
    assert not [*(tmp_path / "backup").rglob("*clusters*")]


class Death(BaseException):
    """The process dies here."""


STEPS = [
    (clustering, "write_durably"),
    (clustering, "sync_file"),
    (cluster, "move_durably"),
    (cluster, "_tell"),
]


@pytest.mark.parametrize(("module", "name"), STEPS)
@pytest.mark.parametrize("nth", [1, 2])
def test_a_death_leaves_nothing_that_is_used(
    filled: Gallery, module: Any, name: str, nth: int, monkeypatch: pytest.MonkeyPatch, sqlite_template: Path
) -> None:
    calls = []
    real, release = getattr(module, name), Staging.release

    def dies(*arguments: Any) -> None:
        calls.append(name)
        if len(calls) == nth:
            raise Death
        real(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(module, name, dies)
        patched.setattr(Staging, "release", lambda self: release(self, keep=True))
        with suppress(Death):
            filled.cluster()
    ready = (filled.data_dir / "clusters").is_dir()
    filled.forget(MODEL.id)
    assert all((near.approximate is not None) == ready for near, _ in asked(filled))
    filled.sweep()
    assert filled.verify().problems == ()
    assert (filled.cluster().made is None) == ready
    assert all(near.approximate for near, _ in asked(filled))
