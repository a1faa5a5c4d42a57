"""Verdicts of people on the hits of a search."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """Whether a hit shows the person searched for."""

    MATCH = "match"
    NOT = "not"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a second person says of a mark: whether they agree, with which key, and when."""

    agrees: bool
    key_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MarkInfo:
    """The mark of a hit: on which search it was made, when, and by which key (None: on this machine).

    `confirmation` is what a second person said of it; None: nobody did.
    """

    search_id: str
    tracklet_id: str
    verdict: Verdict
    key_id: str | None
    created_at: datetime
    confirmation: Confirmation | None


@dataclass(frozen=True, slots=True)
class MarkChange:
    """A change of a hit's mark, and whether it was undone; without a verdict it took the mark away."""

    id: int
    search_id: str
    tracklet_id: str
    verdict: Verdict | None
    key_id: str | None
    created_at: datetime
    undone_by: str | None
    undone_at: datetime | None
    confirmation: Confirmation | None
