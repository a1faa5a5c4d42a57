"""Searches of a data set whose answers are known: to fit a calibrator to, and to judge one by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from models.calibration.calibrator import HEAD, Calibrator, Evidence, Floats, posteriors
from models.calibration.fit import Pairs, calibration_error, fit
from models.datasets.frames import read_frame
from models.datasets.records import DISTRACTOR, JUNK, Split, Tracklet
from models.errors import BadDataset
from models.evaluation.protocols import TrackletFeatures, labels
from models.quality import sharpness

TEMPERS: Final = (0.1, 1.5)
CREDIBLE: Final = 0.5

Score = Callable[[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]]
"""(Q, D), (G, D) unit vectors, (G,) cameras -> (Q, G) standard scores."""


@dataclass(frozen=True, slots=True)
class Search:
    """One query against G tracklets: how they score, and which show the person."""

    identity: int
    evidence: Evidence
    same: NDArray[np.bool_]

    def without_matches(self) -> "Search":
        """The same search where the person is in no tracklet."""
        others = ~self.same
        return Search(self.identity, _part(self.evidence, others), self.same[others])


def searches(
    features: TrackletFeatures, split: Split, score: Score, *, people: int | None = None
) -> list[Search]:
    """Each query by I2V against the gallery; tracklets of its person on its own camera are left out.

    Args:
        features: of the model.
        split: its queries and its gallery.
        score: the product's standard scores.
        people: in galleries of so many people each, parts of the whole one; None for the whole.

    Raises:
        BadDataset: a crop cannot be read, or there is no query.
    """
    query = [tracklet for tracklet in split.query if tracklet.identity not in {DISTRACTOR, JUNK}]
    gallery = [tracklet for tracklet in split.gallery if tracklet.identity != JUNK]
    if not query or not gallery:
        raise BadDataset("no queries, or nothing to search: calibration needs both")
    identities = sorted({tracklet.identity for tracklet in gallery})
    size = people or len(identities)
    looks: dict[Tracklet, dict[str, Floats]] = {}
    found = []
    for start in range(0, len(identities), size):
        those = set(identities[start : start + size])
        asked = [tracklet for tracklet in query if tracklet.identity in those]
        if asked:
            found += _searches(features, asked, [t for t in gallery if t.identity in those], score, looks)
    return found


def _searches(
    features: TrackletFeatures,
    query: Sequence[Tracklet],
    gallery: Sequence[Tracklet],
    score: Score,
    looks: dict[Tracklet, dict[str, Floats]],
) -> list[Search]:
    asked, there = labels(query), labels(gallery)
    probes, vectors = features.of(query, video=False), features.of(gallery, video=True)
    scores, cosines = score(probes, vectors, there.cameras), probes @ vectors.T
    found = []
    for row, tracklet in enumerate(query):
        same = there.identities == asked.identities[row]
        kept = ~(same & (there.cameras == asked.cameras[row]))
        look = looks.setdefault(tracklet, _looks(tracklet))
        numbers = {"scores": scores[row][kept], "cosines": cosines[row][kept]}
        evidence = Evidence(**{name: x.astype(np.float64) for name, x in numbers.items()}, **look)
        found.append(Search(tracklet.identity, evidence, same[kept]))
    return found


def pairs_of(known: Sequence[Search]) -> Pairs:
    """All pairs of all searches."""
    sizes = [len(search.same) for search in known]
    columns = {
        name: np.concatenate(
            [np.broadcast_to(getattr(s.evidence, name), n) for s, n in zip(known, sizes, strict=True)]
        )
        for name in Evidence.model_fields
    }
    same = np.concatenate([search.same for search in known])
    return Pairs(Evidence(**columns), same, np.repeat([search.identity for search in known], sizes))


def fit_searches(known: Sequence[Search], model_id: str, fitted_on: Mapping[str, Any]) -> Calibrator:
    """Fit a calibrator to searches.

    Scores of one search are not independent: where one stranger looks like the person, others in the same
    jacket do too. Ratios that are right for a pair are therefore too bold for a list. They are tempered by
    the share at which the probabilities of lists, with and without matches, have the least log loss.

    Raises:
        BadDataset: as `fit`.
    """
    calibrator = fit(pairs_of(known), model_id, fitted_on)

    def loss(share: float) -> float:
        said, true = _answers(calibrator.corrected(share), known)
        likely = np.where(true, said, 1 - said)
        return float(-np.log(likely.clip(min=1e-12)).mean())

    found = minimize_scalar(loss, bounds=TEMPERS, method="bounded", options={"xatol": 1e-3})
    return calibrator.corrected(float(found.x))


@dataclass(frozen=True, slots=True)
class Judgement:
    """How good the probabilities of searches are. Each is made twice, the second time without its matches.

    Attributes:
        dataset: its name.
        searches: how many there are, counted once.
        compared: tracklets a search, on average.
        error: the expected calibration error over the first HEAD hits of all searches.
        wrong_expected: wrong hits among those of CREDIBLE probability and more, as predicted, a search.
        wrong_found: and as they were.
        credible: share of searches with a match there that have a credible hit.
        credible_without: share of searches without one that have a credible hit all the same.
        reliability: rows of predicted, observed and count.
    """

    dataset: str
    searches: int
    compared: float
    error: float
    wrong_expected: float
    wrong_found: float
    credible: float
    credible_without: float
    reliability: list[dict[str, float]]

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def judge(calibrator: Calibrator, known: Sequence[Search], dataset: str) -> Judgement:
    """Judge a calibrator by searches of people it has not seen."""
    there = [search for search in known if search.same.any()]
    with_matches = [_answer(calibrator, search) for search in there]
    without = [_answer(calibrator, search.without_matches()) for search in known]
    said, true = (np.concatenate(parts) for parts in zip(*with_matches, *without, strict=True))
    error, rows = calibration_error(said, true)
    credible = said >= CREDIBLE
    answers = len(with_matches) + len(without)
    return Judgement(
        dataset=dataset,
        searches=len(known),
        compared=float(np.mean([len(search.same) for search in known])),
        error=error,
        wrong_expected=float((1 - said[credible]).sum()) / answers,
        wrong_found=float((~true[credible]).sum()) / answers,
        credible=_share(with_matches),
        credible_without=_share(without),
        reliability=rows,
    )


def _answer(calibrator: Calibrator, search: Search) -> tuple[Floats, NDArray[np.bool_]]:
    """Probabilities of the first HEAD hits, and which are matches."""
    head = np.argsort(-search.evidence.scores, kind="stable")[:HEAD]
    ratios = calibrator.log_ratios(_part(search.evidence, head))
    return posteriors(ratios, len(search.same)), search.same[head]


def _part(evidence: Evidence, chosen: NDArray[Any]) -> Evidence:
    """The evidence of some of the pairs of a search."""
    parts = {"scores": evidence.scores[chosen], "cosines": evidence.cosines[chosen]}
    return evidence.model_copy(update=parts)


def _answers(calibrator: Calibrator, known: Sequence[Search]) -> tuple[Floats, NDArray[np.bool_]]:
    """The same of many searches, each made twice: as it is, and without its matches."""
    made = [search for one in known for search in (one, one.without_matches())]
    said, true = zip(*(_answer(calibrator, search) for search in made), strict=True)
    return np.concatenate(said), np.concatenate(true)


def _share(answers: Sequence[tuple[Floats, NDArray[np.bool_]]]) -> float:
    return float(np.mean([bool((said >= CREDIBLE).any()) for said, _ in answers])) if answers else 0.0


def _looks(tracklet: Tracklet) -> dict[str, Floats]:
    """What the service knows of a probe: here the first crop of a tracklet is one."""
    crop = read_frame(tracklet.frames[0])
    return {"height": np.array(float(crop.shape[0])), "sharpness": np.array(sharpness(crop))}
