"""Which cameras a gallery is seen through: the one place that decides what is there and what is not.

A limited gallery (`Gallery.limited_to`) hands its sight to every room, and each asks it of what it finds.
What is out of sight is told as what is not there, in the same words.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from gallery.errors import NotFound, OutOfSight
from gallery.records.searching import Filters
from gallery.sql.tables import Camera, Search


@dataclass(frozen=True, slots=True)
class Sight:
    """The ids of the cameras that are seen; None: all cameras, those that will be added too."""

    cameras: frozenset[int] | None = None

    @property
    def limited(self) -> bool:
        """Whether there may be cameras that are not seen."""
        return self.cameras is not None

    def sees(self, camera_id: int | None) -> bool:
        """Whether a camera is seen; what belongs to no camera is seen by an unlimited sight only."""
        return self.cameras is None or camera_id in self.cameras

    def require(self, camera_id: int | None, message: str) -> None:
        """Raise OutOfSight, in the words for what is not there, unless a camera is seen."""
        if not self.sees(camera_id):
            raise OutOfSight(message)

    def among(self, column: Any) -> list[ColumnElement[bool]]:
        """The conditions under which a column of camera ids is of what is seen: one, or none."""
        return [] if self.cameras is None else [column.in_(sorted(self.cameras))]

    def narrowed(self, filters: Filters) -> Filters:
        """Filters that let through of what they did only what is seen."""
        if self.cameras is None:
            return filters
        wanted = filters.camera_ids
        return replace(filters, camera_ids=self.cameras if wanted is None else wanted & self.cameras)

    def through(self, cameras: Collection[int] | None) -> "Sight":
        """What is seen by this sight and by that of a search, which may have been another."""
        if cameras is None:
            return self
        return Sight(frozenset(cameras) if self.cameras is None else self.cameras & frozenset(cameras))


ALL = Sight()


@dataclass(frozen=True, slots=True)
class SeenSearches:
    """Which recorded searches are seen: those whose answer rests on no camera that is out of sight.

    No answer can be shown in part: its ranks, scores, counts and probabilities are of all that it compared.
    Cameras that were deleted since are in nobody's way.
    """

    hidden: frozenset[int] | None

    @classmethod
    def of(cls, session: Session, sight: Sight) -> "SeenSearches":
        """Look up the cameras that are out of sight."""
        if sight.cameras is None:
            return cls(None)
        hidden = select(Camera.id).where(Camera.id.not_in(sorted(sight.cameras)))
        return cls(frozenset(session.scalars(hidden)))

    def sees(self, cameras: Collection[int] | None) -> bool:
        """Whether a search is seen whose caller saw these cameras; None: all."""
        return self.hidden is None or (cameras is not None and self.hidden.isdisjoint(cameras))


def seen_search(session: Session, sight: Sight, search_id: str, row: Search | None) -> Search:
    """The row of a search. Raises NotFound: there is none, or it is out of sight."""
    if row is None:
        raise NotFound(f"no search {search_id}")
    if not SeenSearches.of(session, sight).sees(row.cameras):
        raise OutOfSight(f"no search {search_id}")
    return row
