"""Searches: from a probe to a recorded answer, and from a record to its pages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gallery import (
    CameraInfo,
    Filters,
    Gallery,
    Hit,
    MarkInfo,
    NewSearch,
    NotFound,
    QueriedFilters,
    QueriedProbe,
    RankBy,
    RecordedHit,
    Refinement,
    SearchInfo,
    SearchQuery,
    Snapshot,
    TrackletInfo,
)
from models.feedback.fusion import pulled_by
from service import cursors, reranking
from service.answer_schemas import (
    Calibration,
    CameraRef,
    CoverageOut,
    FiltersOut,
    HitOut,
    MarkOut,
    ModelOut,
    Moment,
    RefinedOut,
    RepeatOut,
    SearchAnswer,
    SearchedProbe,
)
from service.auth import Caller
from service.coverage import coverage_statement
from service.credibility import OF_MARKS, Seen, believe
from service.errors import InvalidRequest
from service.networks import ProbeEmbedder
from service.probing import Chosen
from service.repeats import Repeat, warnings_of
from service.schemas import ProbeChoice, SearchOptions
from service.state import State
from service.targets import Target, chosen_by, fused, of_photo

KEPT: Final = 200  # hits recorded of every search, so that there is something to page through


@dataclass(frozen=True, slots=True)
class Question:
    """Where to search, what orders hits and how many make a page; `named` are the filters as asked for."""

    cameras: Sequence[CameraInfo]
    filters: Filters
    named: FiltersOut
    limit: int
    by: RankBy
    rerank: bool = False


@dataclass(frozen=True, slots=True)
class Refining:
    """A probe that marks have moved, (D,), and how, for the record."""

    vector: NDArray[np.float32]
    record: Refinement
    warnings: Sequence[str] = ()


def search_probe(state: State, caller: Caller, chosen: Chosen, question: Question) -> SearchAnswer:
    """Search for what was chosen on a probe and record the answer before it leaves.

    Raises:
        NotReady: the model is not loaded yet.
    """
    embedder = state.networks.embedder
    return search(state, caller, embedder, [of_photo(embedder, chosen)], question)


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


def ask(gallery: Gallery, filters: SearchOptions, rank_by: RankBy) -> Question:
    """A question with its filters by name turned into filters by id; cameras and sites must both fit.

    `rank_by` orders the hits unless the question says otherwise.

    Raises:
        InvalidRequest: a camera or site that does not exist, since its absence from the answer would mislead.
    """
    cameras = gallery.catalogue.cameras()
    chosen: set[int] | None = None
    if filters.cameras is not None:
        by_name = {camera.name: camera.id for camera in cameras}
        for index, name in enumerate(filters.cameras):
            if name not in by_name:
                raise InvalidRequest(f"There is no camera {name!r}.", f"/cameras/{index}")
        chosen = {by_name[name] for name in filters.cameras}
    if filters.sites is not None:
        known = {camera.site for camera in cameras}
        for index, site in enumerate(filters.sites):
            if site not in known:
                raise InvalidRequest(f"There is no site {site!r}.", f"/sites/{index}")
        there = {camera.id for camera in cameras if camera.site in filters.sites}
        chosen = there if chosen is None else chosen & there
    return Question(
        cameras=cameras,
        filters=Filters(
            camera_ids=None if chosen is None else frozenset(chosen), start=filters.start, end=filters.end
        ),
        named=FiltersOut(cameras=filters.cameras, sites=filters.sites, start=filters.start, end=filters.end),
        limit=filters.limit,
        by=filters.rank_by or rank_by,
        rerank=filters.rerank,
    )


def search(
    state: State,
    caller: Caller,
    embedder: ProbeEmbedder,
    targets: Sequence[Target],
    question: Question,
    *,
    refining: Refining | None = None,
    repeat: Repeat | None = None,
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
    """
    gallery = state.gallery
    snapshot = repeat.snapshot(gallery, embedder.id) if repeat else gallery.snapshot(embedder.id)
    depth, own = max(question.limit, KEPT), {target.searched.tracklet_id for target in targets} - {None}
    probe = fused(targets) if refining is None else refining.vector
    ranking = snapshot.search(probe, limit=depth + len(own), filters=question.filters, by=question.by)
    ranked = [hit for hit in ranking.hits if hit.tracklet_id not in own][:depth]
    seen = _seen(snapshot, targets, ranked)
    photos = refining is None and all(target.look is not None for target in targets)
    hits, calibration = believe(
        embedder,
        targets[0].look if photos else None,
        ranked,
        ranking.compared,
        state.settings.credible,
        why_not=None if refining is None else OF_MARKS,
        several=seen,
    )
    hits = _pulled(seen, hits)
    if question.rerank:
        hits = reranking.rerank(snapshot, probe, hits)
    reranked = sum(hit.neighbour_distance is not None for hit in hits)
    coverage = repeat.coverage(ranking) if repeat else None
    if coverage is None:
        statement = coverage_statement(gallery, question.cameras, question.filters, ranking, embedder.id)
        coverage = statement.model_dump(mode="json")
    hits, repeats = repeat.compare(gallery, hits, ranking) if repeat else (hits, None)
    said = (embedder.warning, state.networks.note)
    warnings = [text for target in targets for text in target.warnings]
    warnings += [*(refining.warnings if refining else ()), *(text for text in said if text)]
    warnings += warnings_of(repeats) if repeats else []
    warnings += [reranking.said(reranked)] if reranked else []
    first, *more = (QueriedProbe(**target.searched.model_dump()) for target in targets)
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
            ),
            model_id=embedder.id,
            model_name=embedder.name,
            model_warning=embedder.warning,
            change=ranking.change,
            coverage=coverage,
            calibration=calibration,
            warnings=list(dict.fromkeys(warnings)),
            hits=hits,
            repeats=repeats,
        )
    )
    return _answer(state, recorded, question.cameras, offset=0, limit=question.limit)


def _ids(filters: Filters) -> list[int] | None:
    return None if filters.camera_ids is None else sorted(filters.camera_ids)


def _seen(snapshot: Snapshot, targets: Sequence[Target], hits: Sequence[Hit]) -> list[Seen]:
    """What each target says of the hits, where there are several; else nothing.

    A hit that left the snapshot meanwhile keeps what all together say of it.
    """
    if len(targets) == 1 or not hits:
        return []
    place = {hit.tracklet_id: number for number, hit in enumerate(hits)}
    stored = snapshot.stored(list(place))
    rows = [place[one] for one in stored.ids]
    found = []
    for target in targets:
        scores = np.array([hit.standard_score for hit in hits], np.float64)
        cosines = np.array([hit.score for hit in hits], np.float64)
        scores[rows] = snapshot.standing(target.vector, stored)
        cosines[rows] = stored.vectors @ target.vector
        found.append(Seen(target.look, target.searched.weight, scores, cosines))
    return found


def _pulled(seen: Sequence[Seen], hits: Sequence[RecordedHit]) -> list[RecordedHit]:
    """The hits, each with the target that it resembles most, where there are several."""
    if not seen:
        return list(hits)
    which = pulled_by(np.stack([one.scores for one in seen]), [one.weight for one in seen]).tolist()
    return [replace(hit, pulled_by=one) for hit, one in zip(hits, which, strict=True)]


def own_search(state: State, caller: Caller, search_id: str) -> SearchInfo:
    """A search of the caller. Raises NotFound: there is none, or it is somebody else's."""
    recorded = state.gallery.searches.get(search_id)
    if not caller.owns(recorded.key_id):
        raise NotFound(f"no search {search_id}")
    return recorded


def page(state: State, caller: Caller, search_id: str, cursor: str | None, limit: int | None) -> SearchAnswer:
    """A page of a recorded answer. Reading it again is recorded too.

    Raises:
        NotFound: the caller has no such search.
        InvalidRequest: a cursor of another search.
    """
    recorded = own_search(state, caller, search_id)
    offset = 0 if cursor is None else cursors.decode(recorded.id, cursor)
    state.gallery.audit.record(
        "search.read", key_id=caller.key_id, subject=recorded.id, detail={"offset": offset}
    )
    cameras = state.gallery.catalogue.cameras()
    return _answer(state, recorded, cameras, offset=offset, limit=limit or recorded.query.limit)


def whole(state: State, recorded: SearchInfo) -> SearchAnswer:
    """A recorded search with all its hits on one page."""
    limit = max(1, len(recorded.hits))
    return _answer(state, recorded, state.gallery.catalogue.cameras(), offset=0, limit=limit)


def _answer(
    state: State, recorded: SearchInfo, known: Sequence[CameraInfo], *, offset: int, limit: int
) -> SearchAnswer:
    """One page of a recorded search as the API says it.

    Only ids and scores are recorded: what was erased since is gone from the answer, which says so.
    """
    stored = recorded.hits[offset : offset + limit]
    hits = hits_out(state, recorded, list(enumerate(stored, start=offset + 1)), known)
    warnings = list(recorded.warnings)
    if len(hits) < len(stored):
        warnings.append(f"{len(stored) - len(hits)} hits of this page were erased since the search.")
    if recorded.marks_erased:
        warnings.append(f"Marks erased with the recordings that they were on: {recorded.marks_erased}.")
    after = offset + limit
    return SearchAnswer(
        id=recorded.id,
        created_at=recorded.created_at,
        model=ModelOut(id=recorded.model_id, name=recorded.model_name, warning=recorded.model_warning),
        probe=SearchedProbe.model_validate(recorded.query.probe, from_attributes=True),
        probes=[SearchedProbe.model_validate(one, from_attributes=True) for one in recorded.query.probes],
        refined=None
        if recorded.query.refined is None
        else RefinedOut.model_validate(recorded.query.refined, from_attributes=True),
        filters=FiltersOut.model_validate(recorded.query.filters, from_attributes=True),
        coverage=CoverageOut.model_validate(recorded.coverage),
        calibration=Calibration.model_validate(recorded.calibration, from_attributes=True),
        ranked_by=recorded.query.by,
        reranked=recorded.query.reranked,
        repeats=None
        if recorded.repeats is None
        else RepeatOut.model_validate(recorded.repeats, from_attributes=True),
        hits=hits,
        next_cursor=cursors.encode(recorded.id, after) if after < len(recorded.hits) else None,
        warnings=warnings,
    )


def hits_out(
    state: State,
    recorded: SearchInfo,
    stored: Sequence[tuple[int, RecordedHit]],
    known: Sequence[CameraInfo] = (),
) -> list[HitOut]:
    """Hits of a search with their ranks as the API says them, without those erased since."""
    tracklets = state.gallery.catalogue.tracklets([hit.tracklet_id for _, hit in stored])
    cameras = {camera.id: camera for camera in known}
    if any(tracklet.camera_id not in cameras for tracklet in tracklets.values()):  # one was added meanwhile
        cameras = {camera.id: camera for camera in state.gallery.catalogue.cameras()}
    marks = {mark.tracklet_id: mark for mark in state.gallery.marks.of(recorded.id)}
    return [
        _hit(rank, hit, tracklets[hit.tracklet_id], cameras, marks.get(hit.tracklet_id))
        for rank, hit in stored
        if hit.tracklet_id in tracklets
    ]


def camera_ref(camera: CameraInfo) -> CameraRef:
    """A camera as hits and tracklets name it."""
    return CameraRef(name=camera.name, site=camera.site, time_zone=camera.time_zone)


def moment(tracklet: TrackletInfo, start_us: int, end_us: int) -> Moment:
    """A part of a tracklet, given in µs inside its video."""
    origin = tracklet.start_time - timedelta(microseconds=tracklet.start_us)
    return Moment(
        start=origin + timedelta(microseconds=start_us),
        end=origin + timedelta(microseconds=end_us),
        offset_seconds=start_us / 1e6,
    )


def _hit(
    rank: int,
    stored: RecordedHit,
    tracklet: TrackletInfo,
    cameras: dict[int, CameraInfo],
    mark: MarkInfo | None,
) -> HitOut:
    clip = next((clip for clip in tracklet.clips if clip.number == stored.clip), None)
    url = f"/v1/tracklets/{tracklet.id}"
    best = (clip.start_us, clip.end_us) if clip else (tracklet.start_us, tracklet.end_us)
    return HitOut(
        rank=rank,
        score=stored.score,
        standard_score=stored.standard_score,
        probability=stored.probability,
        neighbour_distance=stored.neighbour_distance,
        pulled_by=stored.pulled_by,
        new=stored.new,
        tracklet_id=tracklet.id,
        video_id=tracklet.video_id,
        camera=camera_ref(cameras[tracklet.camera_id]),
        start=tracklet.start_time,
        end=tracklet.end_time,
        best_moment=moment(tracklet, *best),
        thumbnail_url=f"{url}/thumbnail",
        clip_url=f"{url}/clip?moment={stored.clip}",
        tracklet_url=url,
        mark=None if mark is None else MarkOut.model_validate(mark, from_attributes=True),
    )
