"""Cases: what belongs to one investigation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypedDict


class ItemKind(StrEnum):
    """What a case gathers."""

    PHOTO = "photo"
    SEARCH = "search"


@dataclass(frozen=True, slots=True)
class CaseItem:
    """A photo or search of a case: who added it when, and when it was erased, if it was."""

    kind: ItemKind
    subject_id: str
    key_id: str | None
    added_at: datetime
    erased_at: datetime | None


@dataclass(frozen=True, slots=True)
class CaseNote:
    """A note of somebody ("note"), or that something of the case was erased ("erased")."""

    id: int
    kind: str
    text: str
    key_id: str | None
    at: datetime


class CaseChanges(TypedDict, total=False):
    """Changes to a case: only the given keys change.

    title: what people call it.
    number: the one it has elsewhere; None for none.
    purpose: why people are searched for; None where nobody says.
    """

    title: str
    number: str | None
    purpose: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseInfo:
    """A case as recorded; `key_id` is whose it is, items and notes are in the order of their making."""

    id: str
    key_id: str | None
    title: str
    number: str | None
    purpose: str | None
    created_at: datetime
    items: Sequence[CaseItem] = ()
    notes: Sequence[CaseNote] = ()

    def of(self, kind: ItemKind) -> list[str]:
        """The ids of its photos, or of its searches, that were not erased."""
        return [one.subject_id for one in self.items if one.kind == kind and one.erased_at is None]
