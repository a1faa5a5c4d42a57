"""Tracklets are cut where the person changes, and pieces are embedded crop by crop."""

from pathlib import Path

import numpy as np
import pytest

from models.adaptation.pieces import Embedding, Piece, cut_at_jumps, weakest_place
from models.adaptation.source import Crops
from models.adaptation.store import CropStore
from models.embedder import Embedder
from models.evaluation.reranking import Features
from tests.models.adaptation.world import draw, small_model

RNG = np.random.default_rng(0)
PEOPLE = RNG.normal(size=(300, 32)).astype(np.float32)


def seen(person: int, crops: int) -> Features:
    return np.asarray(PEOPLE[person] + 0.3 * RNG.normal(size=(crops, 32)), dtype=np.float32)


def cut(tracklets: list[Features], share: float = 0.75):  # type: ignore[no-untyped-def]
    pieces = [Piece(str(i), i, 0, len(x)) for i, x in enumerate(tracklets)]
    cameras = (np.arange(len(pieces)) % 2).astype(np.int64)
    return cut_at_jumps(pieces, iter(tracklets), cameras, share=share, seed=0)


def test_one_person_stays_whole_and_two_are_cut_where_they_change() -> None:
    whole = [seen(person, 8) for person in range(290)]
    switched = [np.concatenate([seen(290, 3), seen(291, 5)]), np.concatenate([seen(292, 6), seen(293, 2)])]

    cuts = cut([*whole, *switched], share=0.99)

    assert cuts.cut == {"290": 3, "291": 6}
    assert cuts.pieces[290:] == [
        Piece("290", 290, 0, 3),
        Piece("290", 290, 3, 8),
        Piece("291", 291, 0, 6),
        Piece("291", 291, 6, 8),
    ]
    assert cuts.threshold is not None
    assert cuts.threshold < 0.5


def test_nothing_is_cut_where_nobody_asks_for_it() -> None:
    assert cut([np.concatenate([seen(1, 4), seen(2, 4)])] * 200, share=0).cut == {}


def test_nothing_is_cut_where_there_are_no_strangers() -> None:
    alone = cut([np.concatenate([seen(1, 4), seen(2, 4)])])

    assert alone.cut == {}
    assert alone.threshold is None


@pytest.mark.parametrize("crops", [1, 2, 3])
def test_few_crops_have_no_place_to_cut(crops: int) -> None:
    likeness, place = weakest_place(np.concatenate([seen(1, 1), seen(2, 5)])[:crops])

    assert likeness == np.inf
    assert place == 0


def test_features_are_those_of_the_embedder(tmp_path: Path) -> None:
    """Pieces of all lengths, over the borders of what is read together."""
    model = small_model()
    with CropStore(tmp_path, model.preprocessing) as store:
        lengths = [1, 8, 3, 8, 8, 5, 8, 8, 8, 8, 8, 2]
        for number, length in enumerate(lengths):
            store.add(Crops(str(number), [draw(number, 0, 0, crop) for crop in range(length)]))
        store.flush()
        pieces = [Piece(str(n), n, 0, length) for n, length in enumerate(lengths)]
        pieces[3] = Piece("3", 3, 2, 6)
        told: list[tuple[int, int]] = []

        found = list(Embedding(model.network, model.preprocessing, store, "cpu").crops(pieces, tell(told)))

        embedder = Embedder(model, device="cpu")
        for piece, own in zip(pieces, found, strict=True):
            crops = [store.read(piece.tracklet, crop) for crop in range(piece.start, piece.stop)]
            theirs = np.stack([embedder.embed_clips([[crop]])[0] for crop in crops])
            assert own == pytest.approx(theirs, abs=1e-4)
    total = sum(piece.stop - piece.start for piece in pieces)
    assert told[-1] == (total, total)


def tell(told: list[tuple[int, int]]):  # type: ignore[no-untyped-def]
    return lambda done, total: told.append((done, total))
