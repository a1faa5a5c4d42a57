"""Clothes change with days: which hits are too far from the time of the probe, and what is said of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from gallery import Notice, NoticeCode, QueriedProbe, SearchQuery
from service.answer_schemas import CoverageOut
from service.spans import duration

_CHANGE = "People change their clothes, and a search sees little else"


def beyond(query: SearchQuery, start: datetime, end: datetime) -> bool:
    """Whether [start, end) is farther than the horizon from every time at which the probes were taken."""
    taken = _times(query.probes)
    return bool(query.horizon_hours and taken) and _apart(taken, start, end) > _horizon(query.horizon_hours)


def notices(
    probes: Sequence[QueriedProbe],
    horizon_hours: float,
    coverage: CoverageOut,
    hits: Iterable[tuple[datetime, datetime]],
) -> list[Notice]:
    """What an answer says of clothes.

    Args:
        probes: what was searched for.
        horizon_hours: the operator's setting; 0 for never.
        coverage: what was searched.
        hits: when each begins and ends.
    """
    if not horizon_hours:
        return []
    horizon, taken = _horizon(horizon_hours), _times(probes)
    if taken:
        far = sum(_apart(taken, *hit) > horizon for hit in hits)
        said = (
            f"{far} of the hits were recorded more than {duration(horizon.total_seconds())} from the time of "
            f"the photo. {_CHANGE}: expect to miss the person there, and trust these hits less."
        )
        return [Notice(NoticeCode.CLOTHES, said)] if far else []
    searched = [one for one in coverage.cameras if one.first is not None and one.last is not None]
    first = min((one.first for one in searched if one.first), default=None)
    last = max((one.last for one in searched if one.last), default=None)
    if first is None or last is None or last - first <= horizon:
        return []
    said = (
        f"The recordings that were searched span {duration((last - first).total_seconds())}, and when the "
        f"photo was taken is not known. {_CHANGE}: on other days than the photo's it may miss the person."
    )
    return [Notice(NoticeCode.CLOTHES, said)]


def _times(probes: Sequence[QueriedProbe]) -> list[datetime]:
    return [one.taken_at for one in probes if one.taken_at is not None]


def _apart(taken: Sequence[datetime], start: datetime, end: datetime) -> timedelta:
    """How far [start, end) is from the nearest of some times."""
    return min(max(start - one, one - end, timedelta()) for one in taken)


def _horizon(hours: float) -> timedelta:
    return timedelta(hours=hours)
