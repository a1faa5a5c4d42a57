"""Figures of a data set whose rankings are known, because its people wear colours."""

import json
from pathlib import Path

import numpy as np
import pytest

from models.datasets.records import DISTRACTOR, JUNK, Dataset, Split, Tracklet
from models.embedder import Features
from models.errors import BadDataset, BadDistances
from models.evaluation.evaluate import evaluate
from models.evaluation.protocols import EvaluationProtocol, TrackletFeatures
from tests.models.pictures import ColourNetworks, make_tracklet

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
I2V, V2V, I2I = EvaluationProtocol.I2V, EvaluationProtocol.V2V, EvaluationProtocol.I2I


@pytest.fixture
def split(tmp_path: Path) -> Split:
    """Red, green and blue people on two cameras, a yellow one on one; the blue one begins green on camera 1.

    As videos all are found; from the first frame the blue one is taken for the green one.
    """
    red, green = (make_tracklet(tmp_path, i, 1, [c] * 4) for i, c in [(1, RED), (2, GREEN)])
    blue = make_tracklet(tmp_path, 3, 1, [GREEN, BLUE, BLUE, BLUE])
    lonely = make_tracklet(tmp_path, 4, 1, [(255, 255, 0)])
    others = [make_tracklet(tmp_path, i, 2, [c] * 2) for i, c in [(1, RED), (2, GREEN), (3, BLUE)]]
    nobody = make_tracklet(tmp_path, DISTRACTOR, 2, [(128, 128, 128)])
    junk = make_tracklet(tmp_path, JUNK, 2, [RED])
    query = (red, green, blue, lonely)
    return Split((), query, (*query, *others, nobody, junk))


def test_figures_follow_from_what_the_networks_see(split: Split) -> None:
    features = TrackletFeatures(ColourNetworks())
    found = {one: evaluate(features, Dataset("colours", (split,)), one) for one in EvaluationProtocol}
    assert found[V2V].figures.rank == {1: 1, 5: 1, 10: 1, 20: 1}
    assert found[V2V].figures.map_standard == found[V2V].figures.map_trapezoid == 1
    # For the blue person's green photo come: both green tracklets, the distractor, then red or blue.
    assert found[I2V].figures.rank[1] == pytest.approx(2 / 3)
    assert 2 / 3 < found[I2V].figures.map_standard < 1
    assert found[I2V].figures.map_trapezoid < found[I2V].figures.map_standard
    # As photos, the green person is taken for the blue one too: the gallery has the query's own green photo.
    assert found[I2I].figures.rank[1] == pytest.approx(1 / 3)
    for one, evaluation in found.items():
        assert (evaluation.protocol, evaluation.dataset, evaluation.model) == (
            one.value,
            "colours",
            "colours",
        )
        assert (evaluation.counts.queries, evaluation.counts.skipped) == (3, 1)
        assert (evaluation.counts.gallery, evaluation.counts.identities) == (8, 3)
        assert evaluation.splits[0].figures == evaluation.figures
        low, high = evaluation.intervals["rank_1"].low, evaluation.intervals["rank_1"].high
        assert low <= evaluation.figures.rank[1] <= high
        assert len(evaluation.figures.cmc) == 50
        assert evaluation.reranked is None


def test_queries_and_junk_are_not_embedded_twice_or_at_all(split: Split) -> None:
    networks = ColourNetworks()
    features = TrackletFeatures(networks)
    evaluate(features, Dataset("colours", (split, split)), V2V)
    assert networks.batches == [[4, 4, 4, 1, 2, 2, 2, 1]]
    evaluate(features, Dataset("colours", (split,)), I2V)
    assert networks.batches[1:] == [[0] * 4]


def test_open_set_rates_take_each_half_of_the_people_out_once(tmp_path: Path) -> None:
    """Two people whose own are nearer (0) than anybody else's (1): if one is missing, the other is found."""
    tracklets = [make_tracklet(tmp_path, i, c, [v]) for i, v in [(1, RED), (2, GREEN)] for c in (1, 2)]
    split = Split((), tuple(tracklets), tuple(tracklets))
    figures = evaluate(TrackletFeatures(ColourNetworks()), Dataset("two", (split,)), I2V).figures
    assert figures.dir_at_far == {0.1: 1, 0.01: 1}
    assert figures.tar_at_far == {0.01: 1, 0.001: 1}
    # A distractor that looks like the first person: when she is missing, her searches find it at distance 0.
    nobody = make_tracklet(tmp_path, DISTRACTOR, 3, [RED])
    split = Split((), tuple(tracklets), (*tracklets, nobody))
    figures = evaluate(TrackletFeatures(ColourNetworks()), Dataset("two", (split,)), I2V).figures
    assert figures.dir_at_far is not None
    assert figures.dir_at_far[0.01] == 0.5


def test_one_person_makes_no_open_set(tmp_path: Path) -> None:
    asked, there = (make_tracklet(tmp_path, 1, camera, [RED]) for camera in (1, 2))
    nobody = make_tracklet(tmp_path, DISTRACTOR, 2, [GREEN])
    split = Split((), (asked,), (there, nobody))
    figures = evaluate(TrackletFeatures(ColourNetworks()), Dataset("one", (split,)), I2V).figures
    assert figures.dir_at_far is None
    assert figures.rank[1] == 1


def test_splits_are_averaged_and_reported(split: Split, tmp_path: Path) -> None:
    """In the second split the red person alone asks, whom a third camera saw in another light."""
    pale = make_tracklet(tmp_path, 1, 3, [(200, 255, 255)])
    easy = Split((), split.query[:1], (*split.gallery, pale))
    features = TrackletFeatures(ColourNetworks())
    found = evaluate(features, Dataset("colours", (split, easy)), I2V)
    assert [one.figures.rank[1] for one in found.splits] == [pytest.approx(2 / 3), 1]
    assert found.figures.rank[1] == pytest.approx(5 / 6)
    assert found.figures.cmc[0] == pytest.approx(5 / 6)
    for name in ("map_standard", "map_trapezoid", "minp"):
        values = [getattr(one.figures, name) for one in found.splits]
        assert getattr(found.figures, name) == pytest.approx(np.mean(values))
    assert found.figures.minp != found.figures.map_standard
    rates = [one.figures.tar_at_far[0.01] for one in found.splits]
    assert found.figures.tar_at_far[0.01] == pytest.approx(np.mean(rates))
    assert (found.counts.queries, found.counts.skipped, found.counts.gallery) == (4, 1, 17)
    assert found.figures.dir_at_far is None  # one of them has none


def test_cuhk03_is_judged_with_one_entry_a_person_too(tmp_path: Path) -> None:
    """Five entries of the other person look more alike than the match: drawing one of them leaves rank 2."""
    asked, match = make_tracklet(tmp_path, 1, 1, [RED]), make_tracklet(tmp_path, 1, 2, [BLUE])
    others = [make_tracklet(tmp_path, 2, 2, [RED], name) for name in "abcde"]
    split = Split((), (asked,), (*others, match))
    features = TrackletFeatures(ColourNetworks())
    figures = evaluate(features, Dataset("cuhk03", (split, split)), I2I).figures
    assert figures.rank == {1: 0, 5: 0, 10: 1, 20: 1}
    assert figures.single_gallery_shot == {1: 0, 5: 1, 10: 1, 20: 1}
    assert evaluate(features, Dataset("other", (split,)), I2I).figures.single_gallery_shot is None


def test_re_ranked_figures_stand_apart(split: Split) -> None:
    def backwards(query: Features, gallery: Features) -> Features:
        assert (query.shape, gallery.shape) == ((4, 3), (8, 3))
        result: Features = query @ gallery.T
        return result

    features = TrackletFeatures(ColourNetworks())
    plain = evaluate(features, Dataset("colours", (split,)), V2V)
    found = evaluate(features, Dataset("colours", (split,)), V2V, rerank=backwards)
    assert found.figures == plain.figures
    assert found.reranked is not None
    assert found.reranked.rank[1] == 0
    assert found.splits[0].reranked == found.reranked


def test_all_goes_to_json_and_is_the_same_every_time(split: Split) -> None:
    texts = [
        json.dumps(
            evaluate(TrackletFeatures(ColourNetworks()), Dataset("colours", (split,)), I2V).to_json(),
            allow_nan=False,
        )
        for _ in range(2)
    ]
    assert texts[0] == texts[1]
    values = json.loads(texts[0])
    assert values["model_id"] == "c" * 64
    assert values["figures"]["rank"]["1"] == pytest.approx(2 / 3)
    assert set(values["figures"]["tar_at_far"]) == {"0.01", "0.001"}
    assert set(values["figures"]["dir_at_far"]) == {"0.1", "0.01"}
    assert set(values["intervals"]) == {"rank_1", "map_standard", "map_trapezoid"}


def test_a_data_set_that_cannot_be_judged_is_refused(split: Split, tmp_path: Path) -> None:
    features = TrackletFeatures(ColourNetworks())
    red, junk = split.query[0], make_tracklet(tmp_path, JUNK, 1, [RED], "junk")
    with pytest.raises(BadDataset, match="empty has no split"):
        evaluate(features, Dataset("empty", ()), I2V)
    with pytest.raises(BadDataset, match="0 queries and 1 gallery"):
        evaluate(features, Dataset("none", (Split((), (junk,), (red,)),)), I2V)
    with pytest.raises(BadDataset, match="1 queries and 0 gallery"):
        evaluate(features, Dataset("none", (Split((), (red,), (junk,)),)), I2V)
    with pytest.raises(BadDataset, match="no query has a match"):
        evaluate(features, Dataset("none", (Split((), (red,), (red, split.gallery[5])),)), I2V)


class _Broken(ColourNetworks):
    def embed_images(self, crops: object) -> Features:
        return np.full((len(crops), 3), np.nan, dtype=np.float32)  # type: ignore[arg-type]


def test_a_model_whose_features_are_not_numbers_is_refused(split: Split) -> None:
    with pytest.raises(BadDistances, match="not finite"):
        evaluate(TrackletFeatures(_Broken()), Dataset("colours", (split,)), I2V)


def test_a_frame_may_be_in_many_tracklets(tmp_path: Path) -> None:
    frames = make_tracklet(tmp_path, 1, 1, [RED]).frames
    other = make_tracklet(tmp_path, 2, 1, [GREEN]).frames
    query = (Tracklet(1, 1, frames), Tracklet(2, 1, other))
    gallery = (Tracklet(1, 2, frames * 40), Tracklet(2, 2, other * 40))
    found = evaluate(TrackletFeatures(ColourNetworks()), Dataset("same", (Split((), query, gallery),)), I2V)
    assert found.figures.rank[1] == 1
