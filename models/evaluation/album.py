"""Plots of an evaluation: CMC curves, and what was ranked for its worst and for random queries."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from models.datasets.records import Tracklet
from models.evaluation import metrics
from models.evaluation.evaluate import Compared
from models.evaluation.metrics import Ranking
from models.evaluation.plots import Answer, RankedList, Verdict, cmc_plot, ranked_lists, require_matplotlib
from models.evaluation.protocols import EvaluationProtocol, labels
from models.evaluation.report import Evaluation

DEPTH: Final = 10  # answers shown for a query
SEED: Final = 0  # of the random queries: the same ones for each protocol


class Album:
    """Collects ranked lists while an evaluation is judged, and draws all plots at its end.

    The lists are those of a protocol's first split.

    Args:
        folder: for the plots; it must be there.
        queries: how many a plot of ranked lists shows, if there are so many.

    Raises:
        TrainingError: matplotlib is not installed.
    """

    def __init__(self, folder: Path, queries: int) -> None:
        require_matplotlib()
        self.folder = folder
        self._queries = queries
        self._lists: dict[str, list[RankedList]] = {}

    def see(self, protocol: EvaluationProtocol, compared: Compared, ranking: Ranking) -> None:
        """Choose queries: those of least average precision, the worst first, and some at random."""
        if f"{protocol}-worst" in self._lists:
            return
        worst = np.argsort(metrics.average_precisions(ranking, "standard"), kind="stable")[: self._queries]
        drawn = np.random.default_rng(SEED).permutation(len(ranking.queries))[: self._queries]
        for name, chosen in (("worst", worst), ("random", np.sort(drawn))):
            rows = [_ranked_list(protocol, compared, ranking, int(number)) for number in chosen]
            self._lists[f"{protocol}-{name}"] = rows

    def draw(self, evaluations: Sequence[Evaluation]) -> None:
        """Draw cmc.png, and PROTOCOL-worst.png and PROTOCOL-random.png for each protocol that was seen.

        Raises:
            OSError: a file cannot be written.
            BadDataset: a crop of the data set cannot be read any more.
        """
        curves = {}
        for one in evaluations:
            curves[one.protocol] = np.array(one.figures.cmc)
            if one.reranked is not None:
                curves[f"{one.protocol} re-ranked"] = np.array(one.reranked.cmc)
        title = f"CMC of {evaluations[0].model} on {evaluations[0].dataset}"
        cmc_plot(self.folder / "cmc.png", title, curves)
        for name, rows in self._lists.items():
            ranked_lists(self.folder / f"{name}.png", rows)


def _ranked_list(
    protocol: EvaluationProtocol, compared: Compared, ranking: Ranking, number: int
) -> RankedList:
    """The list of judged query `number`; its caption says where the first match came."""
    index, split = int(ranking.queries[number]), compared.split
    places, right = metrics.best(compared.distances, labels(split.query), labels(split.gallery), index, DEPTH)
    answers = [
        Answer(
            _shown(split.gallery[place], video=protocol.gallery_is_video),
            Verdict.RIGHT if match else Verdict.WRONG,
            1 - float(compared.distances[index, place]),
        )
        for place, match in zip(places, right, strict=True)
    ]
    query = _shown(split.query[index], video=protocol.query_is_video)
    return RankedList(query, f"match at {ranking.ranks[number][0]}", answers)


def _shown(tracklet: Tracklet, *, video: bool) -> Path:
    """The crop that the image network saw, or the middle one of those that the video network did."""
    return tracklet.frames[len(tracklet.frames) // 2 if video else 0]
