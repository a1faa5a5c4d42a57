"""Rows of marks as records."""

from gallery.records.marks import Confirmation, MarkChange, MarkInfo, Verdict
from gallery.sql.copying import copied
from gallery.sql.tables import Mark


def mark_info(row: Mark) -> MarkInfo:
    """A row that is the mark of a hit."""
    return copied(MarkInfo, row, verdict=Verdict(str(row.verdict)), confirmation=_confirmation(row))


def mark_change(row: Mark) -> MarkChange:
    """A row as a change of the mark of a hit, which may have taken it away."""
    verdict = None if row.verdict is None else Verdict(row.verdict)
    return copied(MarkChange, row, verdict=verdict, confirmation=_confirmation(row))


def _confirmation(row: Mark) -> Confirmation | None:
    if row.confirmed_by is None or row.confirmed_at is None:
        return None
    return Confirmation(bool(row.agrees), row.confirmed_by, row.confirmed_at)
