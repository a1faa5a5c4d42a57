"""Judge a model on a data set: closed-set figures with intervals, verification, open-set search."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.datasets.records import JUNK, Dataset, Split, Tracklet
from models.embedder import Features
from models.errors import BadDataset
from models.evaluation import metrics
from models.evaluation.bootstrap import bootstrap
from models.evaluation.metrics import Floats, Ints, Labels, Ranking
from models.evaluation.protocols import EvaluationProtocol, TrackletFeatures, cosine_distances, labels
from models.evaluation.report import (
    CMC_DEPTH,
    COMPARED,
    COSINE,
    Counts,
    Evaluation,
    Figures,
    Queries,
    SplitResult,
    mean,
    total,
)

RANKS: Final = (1, 5, 10, 20)
VERIFICATION_FARS: Final = (0.01, 0.001)
OPEN_SET_FARS: Final = (0.1, 0.01)
SEED: Final = 0  # of the halves of an open set
# Data sets whose usual protocol draws one gallery entry a person.
SINGLE_GALLERY_SHOT: Final = frozenset({"cuhk03"})

Rerank = Callable[[Features, Features], Features]
"""(Q, D), (G, D) unit vectors -> (Q, G) distances."""

Score = Callable[[Features, Features, Ints], Features]
"""(Q, D), (G, D) unit vectors, (G,) cameras -> (Q, G) scores, higher for what is more alike."""

Seen = Callable[[EvaluationProtocol, "Compared", Ranking], None]
"""Is told of each split that was judged, with how its distances rank."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A split without its junk, and how far each query is from each gallery tracklet: (Q, G)."""

    split: Split
    distances: Features
    reranked: Features | None = None


def evaluate(
    features: TrackletFeatures,
    dataset: Dataset,
    protocol: EvaluationProtocol,
    *,
    rerank: Rerank | None = None,
    seen: Seen | None = None,
    score: tuple[str, Score] | None = None,
) -> Evaluation:
    """Judge a model.

    Args:
        features: what embeds with the model; give the same object to several protocols to embed only once.
        dataset: its queries and galleries; train tracklets are not read.
        protocol: which network embeds what.
        rerank: distances to judge too, such as models.evaluation.reranking.k_reciprocal.
        seen: told of each split, such as models.evaluation.album.Album.see.
        score: what to rank by instead of cosines, with its name.

    Raises:
        BadDataset: a crop cannot be read, or no query of a split has a match.
        BadDistances: the model gives features that are not finite.
    """
    splits = judged_splits(dataset)
    for video in (False, True):
        features.embed(_embedded(splits, protocol, video=video), video=video)
    name, scoring = (COSINE, None) if score is None else score
    compared = (_compare(features, split, protocol, rerank, scoring) for split in splits)
    return judge(
        dataset.name, protocol, features.model, features.model_id, compared, seen=seen, ranked_by=name
    )


def judge(
    dataset: str,
    protocol: EvaluationProtocol,
    model: str,
    model_id: str,
    compared: Iterable[Compared],
    *,
    seen: Seen | None = None,
    ranked_by: str = COSINE,
) -> Evaluation:
    """Figures of distances, wherever they come from; `compared` has an entry for each of `judged_splits`.

    Raises:
        BadDataset: there is no split, or no query of one has a match.
        BadDistances: distances are not finite.
    """
    results = []
    single = dataset.partition("-")[0] in SINGLE_GALLERY_SHOT
    for one in compared:
        result, ranking = _judge_split(one, single=single)
        results.append(result)
        if seen is not None:
            seen(protocol, one, ranking)
    if not results:
        raise BadDataset(f"{dataset} has no split to evaluate")
    queries = [result.queries for result in results]
    identities = [np.array(split.identities, dtype=np.int64) for split in queries]
    reranked = [result.reranked for result in results if result.reranked is not None]
    return Evaluation(
        dataset,
        protocol.value,
        model,
        model_id,
        total([result.counts for result in results]),
        mean([result.figures for result in results]),
        {name: bootstrap([split.values(name) for split in queries], identities) for name in COMPARED},
        mean(reranked) if reranked else None,
        tuple(results),
        ranked_by,
    )


def judged_splits(dataset: Dataset) -> list[Split]:
    """Splits without junk, which need not even be embedded. Raises BadDataset for an empty one."""
    return [_without_junk(split) for split in dataset.splits]


def several_cameras(dataset: Dataset) -> bool:
    """Whether a gallery has tracklets of more than one camera, so that it matters how cameras are merged."""
    return any(len({one.camera for one in split.gallery}) > 1 for split in judged_splits(dataset))


def _compare(
    features: TrackletFeatures,
    split: Split,
    protocol: EvaluationProtocol,
    rerank: Rerank | None,
    score: Score | None,
) -> Compared:
    of_query = features.of(split.query, video=protocol.query_is_video)
    of_gallery = features.of(split.gallery, video=protocol.gallery_is_video)
    reranked = None if rerank is None else rerank(of_query, of_gallery)
    if score is None:
        return Compared(split, cosine_distances(of_query, of_gallery), reranked)
    return Compared(split, -score(of_query, of_gallery, labels(split.gallery).cameras), reranked)


def _judge_split(compared: Compared, *, single: bool) -> tuple[SplitResult, Ranking]:
    query, gallery = labels(compared.split.query), labels(compared.split.gallery)
    figures, ranking = _judge(compared.distances, query, gallery, single=single)
    reranked = None
    if compared.reranked is not None:
        reranked, _ = _judge(compared.reranked, query, gallery, single=single)
    asked = len(np.unique(ranking.identities))
    counts = Counts(len(ranking.ranks), ranking.skipped, len(gallery), asked)
    return SplitResult(counts, figures, reranked, _queries(ranking)), ranking


def _queries(ranking: Ranking) -> Queries:
    return Queries(
        tuple(ranking.queries.tolist()),
        tuple(ranking.identities.tolist()),
        tuple((metrics.first_ranks(ranking) == 1).astype(np.float64).tolist()),
        tuple(metrics.average_precisions(ranking, "standard").tolist()),
        tuple(metrics.average_precisions(ranking, "trapezoid").tolist()),
    )


def _without_junk(split: Split) -> Split:
    """Raises BadDataset when nothing is left."""
    query = tuple(tracklet for tracklet in split.query if tracklet.identity != JUNK)
    gallery = tuple(tracklet for tracklet in split.gallery if tracklet.identity != JUNK)
    if not query or not gallery:
        raise BadDataset(f"a split has {len(query)} queries and {len(gallery)} gallery tracklets")
    return replace(split, query=query, gallery=gallery)


def _embedded(splits: Sequence[Split], protocol: EvaluationProtocol, *, video: bool) -> Iterator[Tracklet]:
    """Embed with one of the two networks, over all splits."""
    for split in splits:
        if protocol.query_is_video is video:
            yield from split.query
        if protocol.gallery_is_video is video:
            yield from split.gallery


def _judge(distances: Features, query: Labels, gallery: Labels, *, single: bool) -> tuple[Figures, Ranking]:
    ranking = metrics.rank(distances, query, gallery)
    cmc = metrics.cmc(ranking, CMC_DEPTH)
    verified = metrics.verification(distances, query, gallery, VERIFICATION_FARS)
    one_each = metrics.single_gallery_shot(distances, query, gallery, CMC_DEPTH) if single else None
    figures = Figures(
        _at_ranks(cmc),
        float(metrics.average_precisions(ranking, "standard").mean()),
        float(metrics.average_precisions(ranking, "trapezoid").mean()),
        float(metrics.inverse_negative_penalties(ranking).mean()),
        {at.far: at.tar for at in verified},
        _open_set(distances, query, gallery, np.unique(ranking.identities)),
        tuple(cmc.tolist()),
        None if one_each is None else _at_ranks(one_each),
    )
    return figures, ranking


def _at_ranks(curve: Floats) -> dict[int, float]:
    return {k: float(curve[k - 1]) for k in RANKS}


def _open_set(
    distances: Features, query: Labels, gallery: Labels, people: Ints
) -> Mapping[float, float] | None:
    """Rates of Figures.dir_at_far."""
    if len(people) < 2:
        return None
    shuffled = np.random.default_rng(SEED).permutation(people)
    found = []
    for half in np.array_split(shuffled, 2):
        kept = ~np.isin(gallery.identities, half)
        rest = Labels(gallery.identities[kept], gallery.cameras[kept])
        found.append(metrics.identification(distances[:, kept], query, rest, OPEN_SET_FARS))
    return {first.far: (first.dir + second.dir) / 2 for first, second in zip(*found, strict=True)}
