"""What a probe scores in a camera, and which cameras are looked at again, against plain sums."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gallery.gallery import Gallery
from gallery.records.searching import Filters, RankBy
from gallery.vectors.levels import DIRECTIONS, LEAST_DEVIATION, SHRINKAGE, Cohort, levels, standard_scores
from tests.gallery.making import MODEL, make_tracklet, store, unit


def cloud(seed: int, count: int, dimension: int) -> NDArray[np.float16]:
    """Unit vectors that differ more along some directions than along others, around a mean of their own."""
    random = np.random.default_rng(seed)
    spread = 0.9 ** np.arange(dimension)
    raw = random.standard_normal(dimension) + random.standard_normal((count, dimension)) * spread
    return unit(raw).astype(np.float16)


def probe(seed: int, dimension: int) -> NDArray[np.float32]:
    return unit(np.random.default_rng(seed).standard_normal(dimension))


@given(st.integers(0, 1000), st.integers(1, 60), st.integers(2, DIRECTIONS))
@settings(max_examples=60, deadline=None)
def test_few_dimensions_are_summed_up_exactly(seed: int, count: int, dimension: int) -> None:
    vectors, query = cloud(seed, count, dimension), probe(seed, dimension)
    scores = vectors.astype(np.float64) @ query
    mean, variance = Cohort.of(vectors).level(query)
    assert mean == pytest.approx(scores.mean(), abs=1e-5)
    assert variance == pytest.approx(scores.var(), rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("count", [3, 40, 900])
def test_many_dimensions_are_summed_up_nearly(count: int) -> None:
    everybody = cloud(1, count + 20, 256)
    vectors, probes = everybody[20:], everybody[:20].astype(np.float32)
    cohort = Cohort.of(vectors)
    assert len(cohort.directions) == min(DIRECTIONS, count)
    np.testing.assert_allclose(
        cohort.directions @ cohort.directions.T, np.eye(len(cohort.directions)), atol=1e-4
    )
    for query in map(unit, probes):
        scores = vectors.astype(np.float64) @ query
        mean, variance = cohort.level(query)
        assert mean == pytest.approx(scores.mean(), abs=1e-4)
        assert np.sqrt(variance) == pytest.approx(scores.std(), rel=0.1)


def test_the_same_vectors_give_the_same_cohort() -> None:
    one, other = Cohort.of(cloud(1, 500, 64)), Cohort.of(cloud(1, 500, 64))
    np.testing.assert_array_equal(one.directions, other.directions)
    np.testing.assert_array_equal(one.variances, other.variances)


def test_a_camera_with_few_tracklets_is_judged_by_the_whole_gallery() -> None:
    query = probe(0, 8)
    large, lone = Cohort.of(cloud(1, 3000, 8)), Cohort.of(cloud(2, 1, 8))
    found = levels(query, {1: large, 2: lone})
    own, _ = lone.level(query)
    mean = (3000 * large.level(query)[0] + own) / 3001
    assert found[2].mean == pytest.approx(own / (1 + SHRINKAGE) + mean * SHRINKAGE / (1 + SHRINKAGE))
    assert found[2].deviation == pytest.approx(found[1].deviation, rel=0.05)


def test_equal_vectors_leave_a_deviation() -> None:
    vectors = np.repeat(cloud(1, 1, 8), 50, axis=0)
    (level,) = levels(probe(0, 8), {1: Cohort.of(vectors)}).values()
    assert level.deviation == LEAST_DEVIATION
    assert np.isfinite(level.standardise(np.array([1.0, -1.0], np.float32))).all()


def test_a_gallery_given_whole_ranks_as_a_stored_one(sqlite_gallery: Gallery) -> None:
    query = fill(sqlite_gallery)
    snapshot = sqlite_gallery.snapshot(MODEL.id)
    hits = snapshot.search(query, limit=1000).hits
    cameras = {video.id: video.camera_id for video in sqlite_gallery.catalogue.videos(limit=100)}
    vectors = np.stack([snapshot.vector(hit.tracklet_id) for hit in hits])
    of_hits = np.array([cameras[hit.tracklet_id.partition("-")[0]] for hit in hits])
    (scores,) = standard_scores(query[None], vectors, of_hits)
    np.testing.assert_allclose(scores, [hit.standard_score for hit in hits], rtol=1e-3, atol=1e-2)


def test_no_cameras_have_no_levels() -> None:
    assert levels(probe(0, 8), {}) == {}


def fill(gallery: Gallery, shift: float = 2.0) -> NDArray[np.float32]:
    """Two cameras: what the second sees is shifted towards the probe, except its own best, which is not."""
    random = np.random.default_rng(3)
    query = probe(1, MODEL.dimension)
    for number, towards in enumerate((0.0, shift)):
        camera = gallery.catalogue.add_camera(f"camera {number}")
        for video in range(3):
            features = unit(0.5 * random.standard_normal((40, MODEL.dimension)) + towards * query)
            if (number, video) == (0, 1):
                features[7] = unit(query + 0.12 * random.standard_normal(MODEL.dimension))
            tracklets = [
                make_tracklet(random, start_us=10**7 * row, feature=feature)
                for row, feature in enumerate(features)
            ]
            store(gallery, f"{number} {video}", tracklets, camera=camera)
    return query


def test_a_camera_where_everybody_scores_high_does_not_come_first(sqlite_gallery: Gallery) -> None:
    query = fill(sqlite_gallery)
    snapshot = sqlite_gallery.snapshot(MODEL.id)
    plain = snapshot.search(query, limit=50, by=RankBy.COSINE)
    standard = snapshot.search(query, limit=50, by=RankBy.STANDARD_SCORE)
    assert (plain.by, standard.by) == (RankBy.COSINE, RankBy.STANDARD_SCORE)
    right = standard.hits[0]
    assert right.tracklet_id.endswith("-7")
    assert plain.hits[0].tracklet_id != right.tracklet_id
    assert right.standard_score > standard.hits[1].standard_score + 0.5


def test_within_a_camera_the_order_stays(sqlite_gallery: Gallery) -> None:
    query = fill(sqlite_gallery)
    snapshot = sqlite_gallery.snapshot(MODEL.id)
    for camera in (1, 2):
        only = Filters(camera_ids=frozenset({camera}))
        answers = [snapshot.search(query, limit=1000, filters=only, by=by).hits for by in RankBy]
        assert answers[0] == answers[1]


def test_filters_move_no_score(sqlite_gallery: Gallery) -> None:
    query = fill(sqlite_gallery)
    snapshot = sqlite_gallery.snapshot(MODEL.id)
    all_hits = {hit.tracklet_id: hit for hit in snapshot.search(query, limit=1000).hits}
    video = next(iter(all_hits)).partition("-")[0]
    for filters in (Filters(camera_ids=frozenset({2})), Filters(video_ids=frozenset({video}))):
        found = snapshot.search(query, limit=1000, filters=filters).hits
        assert found
        assert all(all_hits[hit.tracklet_id] == hit for hit in found)


def test_compaction_moves_no_score(sqlite_gallery: Gallery) -> None:
    query = fill(sqlite_gallery)
    before = sqlite_gallery.snapshot(MODEL.id)
    report = sqlite_gallery.compact()
    assert (report.segments_before, report.segments_after) == (6, 2)  # one a camera
    after = sqlite_gallery.snapshot(MODEL.id)
    assert after.search(query, limit=1000).hits == before.search(query, limit=1000).hits
    assert {c: known.digest for c, known in before.cohorts.items()} == {
        c: known.digest for c, known in after.cohorts.items()
    }


def test_only_cameras_that_changed_are_looked_at_again(sqlite_gallery: Gallery) -> None:
    fill(sqlite_gallery)
    before = sqlite_gallery.snapshot(MODEL.id)
    second = sqlite_gallery.catalogue.camera(2)
    store(sqlite_gallery, "more", [make_tracklet(np.random.default_rng(5))], camera=second)
    after = sqlite_gallery.snapshot(MODEL.id)
    assert after.cohorts[1] is before.cohorts[1]
    assert after.cohorts[2].cohort.count == before.cohorts[2].cohort.count + 1
    (video,) = [v for v in sqlite_gallery.catalogue.videos(limit=100) if v.camera_id == 2][:1]
    sqlite_gallery.erase_video(video.id)
    erased = sqlite_gallery.snapshot(MODEL.id)
    assert erased.cohorts[1] is before.cohorts[1]
    assert erased.cohorts[2].cohort.count < after.cohorts[2].cohort.count
