"""What is in a batch."""

from collections import Counter

import numpy as np
import pytest

from models.adaptation.batches import Batch, plan_round
from models.adaptation.clusters import SINGLE
from models.adaptation.pieces import Piece
from models.adaptation.settings import AdaptationSettings, Contrast, Learning
from models.evaluation.reranking import Ints


def plan(
    labels: Ints,
    cameras: Ints,
    *,
    simulated: bool = False,
    number: int = 0,
    crops: int = 8,
    single: float = 0.25,
) -> list[Batch]:
    pieces = [Piece(str(i), i, 0, crops) for i in range(len(labels))]
    settings = AdaptationSettings(
        steps=30, contrast=Contrast(single=single), learning=Learning(clusters=8, tracklets=4)
    )
    return plan_round(pieces, labels, cameras, settings, number=number, simulated=simulated)


CLUSTERED = np.repeat(np.arange(20), 6)
LABELS = np.concatenate([CLUSTERED, np.full(50, SINGLE)]).astype(np.int64)
CAMERAS = (np.arange(len(LABELS)) % 3).astype(np.int64)


@pytest.mark.parametrize(("simulated", "clusters", "singles"), [(False, 6, 2), (True, 4, 2)])
def test_clusters_and_single_tracklets_share_a_batch(simulated: bool, clusters: int, singles: int) -> None:
    for batch in plan(LABELS, CAMERAS, simulated=simulated):
        of = Counter(LABELS[draw.piece] for draw in batch)
        alone = Counter(draw.piece for draw in batch if LABELS[draw.piece] == SINGLE)
        assert of.pop(SINGLE) == 4 * singles
        assert set(alone.values()) == {4}
        assert set(of.values()) == {4}
        assert len(of) == clusters


def test_cameras_of_a_cluster_are_spread() -> None:
    for batch in plan(LABELS, CAMERAS):
        for label in {int(LABELS[draw.piece]) for draw in batch} - {SINGLE}:
            assert {CAMERAS[d.piece] for d in batch if LABELS[d.piece] == label} == {0, 1, 2}


def test_a_piece_that_comes_often_shows_other_crops() -> None:
    for batch in plan(LABELS, CAMERAS):
        assert len(set(batch)) == len(batch)
    few = plan(LABELS, CAMERAS, crops=2)
    for batch in few:
        shown = Counter(draw for draw in batch if LABELS[draw.piece] == SINGLE)
        assert set(shown.values()) == {2}


def test_every_single_tracklet_comes_before_one_comes_again() -> None:
    order = [
        piece
        for batch in plan(LABELS, CAMERAS)
        for piece in dict.fromkeys(d.piece for d in batch if LABELS[d.piece] == SINGLE)
    ]

    assert len(set(order[:50])) == 50


@pytest.mark.parametrize(
    "labels",
    [np.full(40, SINGLE), np.zeros(40), np.repeat(np.arange(3), 2), np.array([0, 0, SINGLE])],
    ids=["no cluster", "one cluster", "few clusters", "hardly anything"],
)
def test_where_one_kind_is_short_the_other_makes_up_for_it(labels: Ints) -> None:
    labels = labels.astype(np.int64)
    batches = plan(labels, np.zeros(len(labels), dtype=np.int64))

    assert len(batches) == 30
    assert all(batch for batch in batches)
    if (labels == SINGLE).all():
        assert {len({d.piece for d in batch}) for batch in batches} == {8}


def test_single_tracklets_may_be_left_out() -> None:
    assert all(LABELS[d.piece] != SINGLE for batch in plan(LABELS, CAMERAS, single=0) for d in batch)


def test_a_plan_is_a_function_of_the_round() -> None:
    assert plan(LABELS, CAMERAS) == plan(LABELS, CAMERAS)
    assert plan(LABELS, CAMERAS) != plan(LABELS, CAMERAS, number=1)
