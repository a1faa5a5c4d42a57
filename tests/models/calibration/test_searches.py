"""Calibrating by searches whose answers are known."""

import json
from pathlib import Path

import numpy as np
import pytest

from gallery import standard_scores
from models.calibration.calibrator import Evidence
from models.calibration.fit import fit
from models.calibration.searches import Search, fit_searches, judge, pairs_of, searches
from models.datasets.records import JUNK, Split, Tracklet
from models.errors import BadDataset
from models.evaluation.protocols import TrackletFeatures
from tests.models.calibration.pairs import MODEL, calibrator
from tests.models.pictures import ColourNetworks, make_tracklet

CAMERAS = 4


def people(root: Path, count: int, seed: int) -> Split:
    """People of one colour each, seen a little differently by each camera."""
    random = np.random.default_rng(seed)
    gallery = []
    for identity in range(1, count + 1):
        own = random.uniform(20, 235, 3)
        for camera in range(1, CAMERAS + 1):
            seen = np.clip(own + random.normal(0, 6, 3), 0, 255).astype(int)
            colour = (int(seen[0]), int(seen[1]), int(seen[2]))
            gallery.append(make_tracklet(root, identity, camera, [colour], f"{seed}-"))
    return Split((), tuple(gallery), tuple(gallery))


def gaussian(count: int, seed: int) -> list[Search]:
    """Searches with one to five matches, which score N(4, 1), among 300 strangers, who score N(0, 1)."""
    random = np.random.default_rng(seed)
    found = []
    for identity in range(count):
        same = np.arange(300) < random.integers(1, 6)
        evidence = Evidence(
            scores=random.normal(np.where(same, 4.0, 0.0)),
            cosines=np.zeros(300),
            height=np.array(random.uniform(60, 400)),
            sharpness=np.array(random.uniform(0.05, 0.6)),
        )
        found.append(Search(identity, evidence, same))
    return found


def test_probabilities_are_right_for_people_who_were_not_learnt_from() -> None:
    fitted = fit_searches(gaussian(200, 1), MODEL, {})
    found = judge(fitted, gaussian(200, 2), "gaussian")

    assert (found.searches, found.compared) == (200, 300)
    assert found.error < 0.02
    assert found.credible > 0.8
    assert found.credible_without < 0.2
    assert found.wrong_found == pytest.approx(found.wrong_expected, abs=0.1)
    assert sum(row["count"] for row in found.reliability) == 2 * 200 * 50
    assert json.loads(json.dumps(found.facts()))["dataset"] == "gaussian"


def test_look_alikes_who_come_together_make_each_of_them_less_telling() -> None:
    """Every stranger comes six times: pairs say what they said before, but lists are bolder than right."""
    known = []
    for one in gaussian(80, 1):
        scores = np.concatenate([one.evidence.scores[one.same], np.repeat(one.evidence.scores[~one.same], 6)])
        same = np.arange(len(scores)) < one.same.sum()
        numbers = {"scores": scores, "cosines": np.zeros(len(scores))}
        known.append(Search(one.identity, one.evidence.model_copy(update=numbers), same))
    pairwise, tempered = fit(pairs_of(known), MODEL, {}), fit_searches(known, MODEL, {})
    assert tempered.weights[0] < pairwise.weights[0]
    bold, fair = (judge(one, known, "alike") for one in (pairwise, tempered))
    assert fair.error < bold.error
    assert abs(fair.wrong_found - fair.wrong_expected) < abs(bold.wrong_found - bold.wrong_expected)


def test_claims_that_are_too_bold_are_found_out() -> None:
    bold = calibrator(intercept=8.0, weights=(2.0, 0.0, 0.0, 0.0))
    found = judge(bold, gaussian(50, 2), "gaussian")
    assert found.error > 0.2
    assert found.wrong_found > found.wrong_expected + 1
    assert found.credible_without == 1


def test_a_person_on_the_querys_own_camera_is_neither_match_nor_stranger(tmp_path: Path) -> None:
    found = searches(TrackletFeatures(ColourNetworks()), people(tmp_path, 3, 1), standard_scores)
    assert [(len(one.same), int(one.same.sum())) for one in found] == [(11, 3)] * 12
    assert not found[0].without_matches().same.any()
    assert len(found[0].without_matches().evidence.scores) == 8


def test_junk_is_left_out_and_a_set_without_queries_refused(tmp_path: Path) -> None:
    split = people(tmp_path, 3, 1)
    junk = Tracklet(JUNK, 1, split.gallery[0].frames)
    features = TrackletFeatures(ColourNetworks())
    with_junk = Split((), (*split.query, junk), (*split.gallery, junk))
    assert [len(one.same) for one in searches(features, with_junk, standard_scores)] == [11] * 12
    with pytest.raises(BadDataset, match="needs both"):
        searches(features, Split((), (junk,), split.gallery), standard_scores)
