"""What a search asks: where to look, and what orders the hits."""

from collections.abc import Sequence
from dataclasses import dataclass

from gallery import CameraInfo, Filters, Gallery, RankBy, SearchInfo
from service.answer_schemas import FiltersOut
from service.missing import no_camera, no_site
from service.schemas import KEPT, MOST_KEPT, SearchOptions
from service.state import State


@dataclass(frozen=True, slots=True)
class Question:
    """Where to search, what orders hits, how many make a page and how many are kept to page through.

    `named` are the filters as asked for. `exact`: each tracklet is compared, however many there are.
    """

    cameras: Sequence[CameraInfo]
    filters: Filters
    named: FiltersOut
    limit: int
    by: RankBy
    rerank: bool = False
    keep: int = KEPT
    exact: bool = False


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
                raise no_camera(gallery, name, f"/cameras/{index}")
        chosen = {by_name[name] for name in filters.cameras}
    if filters.sites is not None:
        known = {camera.site for camera in cameras}
        for index, site in enumerate(filters.sites):
            if site not in known:
                raise no_site(gallery, site, f"/sites/{index}")
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
        keep=filters.keep,
        exact=filters.exact,
    )


def question_of(state: State, first: SearchInfo, *, as_it_was: bool, limit: int | None = None) -> Question:
    """Where a recorded search looked, with as many hits a page as it had or `limit`.

    With `as_it_was` among the same cameras, also when their names have been given to others since; searches
    of earlier versions know names only.
    """
    filters, size = first.query.filters, limit or first.query.limit
    keep = min(MOST_KEPT, max(KEPT, len(first.hits)))  # a list that was long is as long again
    if as_it_was and filters.camera_ids is not None:
        return Question(
            cameras=state.gallery.catalogue.cameras(),
            filters=Filters(frozenset(filters.camera_ids), start=filters.start, end=filters.end),
            named=FiltersOut.model_validate(filters, from_attributes=True),
            limit=size,
            by=first.query.by,
            rerank=first.query.reranked > 0,
            keep=keep,
            exact=first.query.exact,
        )
    options = SearchOptions(
        cameras=None if filters.cameras is None else list(filters.cameras),
        sites=None if filters.sites is None else list(filters.sites),
        start=filters.start,
        end=filters.end,
        limit=size,
        rank_by=first.query.by,
        rerank=first.query.reranked > 0,
        keep=keep,
        exact=first.query.exact,
    )
    return ask(state.gallery, options, first.query.by)
