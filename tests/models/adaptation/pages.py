"""A run's report with drawn people."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from models.adaptation.gate import HeldOut, Seen
from models.adaptation.gathering import Gathered
from models.adaptation.material import Material
from models.adaptation.page import Shown
from models.adaptation.pieces import Cuts, Piece
from models.adaptation.result import Measure, Result, Round
from models.adaptation.settings import AdaptationSettings
from models.adaptation.source import Crops
from models.adaptation.store import CropStore
from models.adaptation.verdicts import Said
from models.embedder import normalise
from models.evaluation.reranking import Features
from models.preprocessing import Preprocessing
from tests.models.adaptation.world import draw

HELD = 12
CAMERA = 'hall <b>"1"</b>'


@contextmanager
def shown(folder: Path) -> Iterator[Shown]:
    """Four clusters of three, two cut tracklets, and twelve tracklets held out, in a run that failed."""
    with CropStore(folder, Preprocessing(160, 80)) as store:
        ids = [f"{person}-{number}" for person in range(4) for number in range(3)]
        for name in [*ids, *(f"held-{n}" for n in range(HELD))]:
            person = int(name.split("-")[0]) if name[0].isdigit() else 20 + int(name.split("-")[1]) % 6
            camera = int(name[-1]) % 2
            store.add(Crops(name, [draw(person, camera, 0, crop) for crop in range(4)]))
        store.flush()
        pieces = [Piece(name, number, 0, 4) for number, name in enumerate(ids)]
        cameras = np.arange(len(ids)) % 2
        material = Material(
            pieces, cameras, (), (), store, Preprocessing(160, 80), None, AdaptationSettings(), "cpu"
        )
        held = [Piece(f"held-{n}", n, 0, 4) for n in range(HELD)]
        judge = HeldOut(held, np.arange(HELD) % 2, (), store, None)
        cuts = Cuts(pieces, {"0-0": 2, "2-1": 1}, 0.4)
        gathered = Gathered(material, judge, (), (CAMERA, "yard"), cuts, Said([], [], []), {}, {})
        result = Result(
            "kept",
            "The old model stays: <script>alert(1)</script>",
            notes=("Nobody was seen side by side.",),
            counts={"offered": 24, "used": 12},
            measures=(
                Measure("halves", 0.9, 0.8, 0.89, True, 12),
                Measure("returns", 0.4, 0.5, 0.38, True, 12),
            ),
            rounds=(Round(4, 12, 0, 4, 3, 0.4, 1.25, 130.0),),
        )
        labels = np.repeat(np.arange(4), 3)
        yield Shown("ours", "parent", result, gathered, labels, seen(1), seen(2))


def seen(seed: int) -> Seen:
    """Twelve held-out tracklets as some model sees them."""
    rng = np.random.default_rng(seed)
    people = np.random.default_rng(0).normal(size=(HELD, 8))

    def view() -> Features:
        return normalise(np.asarray(people + 0.8 * rng.normal(size=people.shape), dtype=np.float32))

    return Seen(view(), view(), view(), None)
