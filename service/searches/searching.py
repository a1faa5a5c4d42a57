"""Searches: from a probe to a recorded answer."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gallery import (
    Approximation,
    Filters,
    NewSearch,
    Notice,
    NoticeCode,
    QueriedFilters,
    RecordedHit,
    Refinement,
    SearchQuery,
    Snapshot,
)
from service.answer_schemas import CoverageOut, SearchAnswer
from service.auth import Caller
from service.coverage import coverage_statement
from service.metrics.instruments import Stage
from service.networks import ProbeEmbedder
from service.probing import Chosen, warnings_of
from service.schemas import ProbeChoice
from service.searches import clothes, repeats, reranking
from service.searches.answers import answer
from service.searches.credibility import OF_MARKS, believe, own_calibration
from service.searches.questions import Question
from service.searches.repeats import Repeat
from service.searches.several import pulled, seen_by
from service.searches.targets import Target, chosen_by, fused, of_photo
from service.state import State


@dataclass(frozen=True, slots=True)
class Refining:
    """A probe that marks have moved, (D,), and how, for the record."""

    vector: NDArray[np.float32]
    record: Refinement
    notices: Sequence[Notice] = ()


def search_probe(state: State, caller: Caller, chosen: Chosen, question: Question) -> SearchAnswer:
    """Search for what was chosen on a probe and record the answer before it leaves.

    Raises:
        NotReady: the model is not loaded yet.
    """
    embedder = state.networks.embedder
    return search(state, caller, embedder, [of_photo(state, embedder, chosen)], question)


def search_choices(
    state: State, caller: Caller, choices: Sequence[ProbeChoice], question: Question
) -> SearchAnswer:
    """Search for one person of whom there are several photos and tracklets; those are left out of the answer.

    Raises:
        NotFound: no such probe of the caller, or no such tracklet under the model in use.
        InvalidRequest: no such person on a probe, or too little in a box.
    """
    embedder = state.networks.embedder
    return search(state, caller, embedder, chosen_by(state, caller, embedder, choices), question)


def search(
    state: State,
    caller: Caller,
    embedder: ProbeEmbedder,
    targets: Sequence[Target],
    question: Question,
    *,
    refining: Refining | None = None,
    repeat: Repeat | None = None,
    snapshot: Snapshot | None = None,
) -> SearchAnswer:
    """Search for the person that all targets show, and record the answer before it leaves.

    Args:
        state: the service.
        caller: who asks.
        embedder: the network that made the targets' embeddings: soon another may be in use.
        targets: at least one.
        question: where to search.
        refining: what is searched for instead of the targets' own embeddings.
        repeat: the search that is asked again, and where; by default it is a new one.
        snapshot: what is searched, by default all that is there now.
    """
    gallery, stage = state.gallery, state.instruments.stage
    depth = max(question.limit, question.keep)
    mine = {target.searched.tracklet_id for target in targets} - {None}
    probe = fused(targets) if refining is None else refining.vector
    with stage(Stage.SEARCH):
        snapshot = snapshot or gallery.snapshot(embedder.id)
        ranking = snapshot.search(
            probe,
            limit=depth + len(mine),
            filters=question.filters,
            by=question.by,
            exact=question.exact or (repeat is not None and repeat.is_exact),
        )
    ranked = [hit for hit in ranking.hits if hit.tracklet_id not in mine][:depth]
    photos = refining is None and all(target.look is not None for target in targets)
    with stage(Stage.RANK):
        seen = seen_by(snapshot, targets, ranked)
        hits, calibration = believe(
            embedder,
            targets[0].look if photos else None,
            ranked,
            ranking.compared,
            state.settings.credible,
            why_not=None if refining is None else OF_MARKS,
            several=seen,
            own=own_calibration(gallery, embedder),
        )
        hits = pulled(seen, hits)
        if question.rerank:
            hits = reranking.rerank(snapshot, probe, hits)
    reranked = sum(hit.neighbour_distance is not None for hit in hits)
    coverage = repeat.coverage(ranking) if repeat else None
    if coverage is None:
        statement = coverage_statement(gallery, question.cameras, question.filters, ranking, embedder.id)
        coverage = statement.model_dump(mode="json")
    hits, compared = repeat.compare(gallery, hits, ranking, question.filters) if repeat else (hits, None)
    notices = [
        *(refining.notices if refining else ()),
        *([state.networks.note] if state.networks.note else ()),
        *(repeats.notices_of(repeat.first, compared) if repeat and compared else ()),
        *([reranking.notice(reranked)] if reranked else ()),
        *([_of_clusters(ranking.approximate)] if ranking.approximate else ()),
        *_of_clothes(state, targets, coverage, hits),
    ]
    warnings = warnings_of([one for target in targets for one in target.selection.notices])
    warnings += [embedder.warning] if embedder.warning else []
    warnings += warnings_of(notices)
    first, *more = (target.searched for target in targets)
    with stage(Stage.RECORD):
        recorded = state.gallery.searches.add(
            NewSearch(
                key_id=caller.key_id,
                query=SearchQuery(
                    first,
                    QueriedFilters(**question.named.model_dump(), camera_ids=_ids(question.filters)),
                    question.limit,
                    ranking.by,
                    more,
                    None if refining is None else refining.record,
                    reranked,
                    state.settings.clothes_horizon_hours,
                    question.exact,
                ),
                model_id=embedder.id,
                model_name=embedder.name,
                model_warning=embedder.warning,
                change=ranking.change,
                coverage=coverage,
                calibration=calibration,
                warnings=list(dict.fromkeys(warnings)),
                hits=hits,
                repeats=compared,
                selections=[target.selection for target in targets],
                notices=notices,
                cameras=snapshot.cameras,
            ),
            by_operator=caller.operator,
        )
    return answer(state, recorded, question.cameras, offset=0, limit=question.limit)


def _of_clusters(how: Approximation) -> Notice:
    """Say what an answer may lack that was not compared with each tracklet."""
    return Notice(
        NoticeCode.APPROXIMATE,
        f"Of the sightings, {how.tracklets} were not compared one by one: the gallery is so large that only "
        "those likely to be alike were looked at. When that was measured, it found "
        f"{_percent(how.recall)} % of the best and missed the rest. An exact search compares all, and takes "
        "longer.",
    )


def _percent(share: float) -> str:
    """A share in per cent, cut and not rounded: no more is claimed than was measured."""
    return f"{math.floor(share * 1000) / 10:g}"


def _of_clothes(
    state: State, targets: Sequence[Target], coverage: Mapping[str, Any], hits: Sequence[RecordedHit]
) -> list[Notice]:
    def times() -> Iterator[tuple[datetime, datetime]]:  # asked for only where a photo says when it was taken
        for one in state.gallery.catalogue.tracklets([hit.tracklet_id for hit in hits]).values():
            yield one.start_time, one.end_time

    return clothes.notices(
        [target.searched for target in targets],
        state.settings.clothes_horizon_hours,
        CoverageOut.model_validate(coverage),
        times(),
    )


def _ids(filters: Filters) -> list[int] | None:
    return None if filters.camera_ids is None else sorted(filters.camera_ids)
