"""Integrity checks of the database by its own means."""

from typing import Any

from sqlalchemy import Table, and_, func, select, text
from sqlalchemy.orm import Session

from gallery.sql.database import Database
from gallery.sql.tables import METADATA

_MOST_SENTENCES = 20
_REFUSALS = {"update", "delete"}  # what no audit event lets be done to it

_BASE_REFUSALS = {"delete": "delete", "return": "take back"}


def check_database(database: Database) -> list[str]:
    """Check the file of SQLite, and on both databases the references between rows.

    Raises:
        CatalogueDamaged: so much is damaged that it cannot even be checked.
    """
    with database.read() as session:
        found = [] if database.is_postgresql else _damage(session)
        return found + [sentence for table in METADATA.sorted_tables for sentence in _broken(session, table)]


def _damage(session: Session) -> list[str]:
    verdicts = session.scalars(text(f"PRAGMA integrity_check({_MOST_SENTENCES})")).all()
    return [f"the database is damaged: {verdict}" for verdict in verdicts if verdict != "ok"]


def _broken(session: Session, table: Table) -> list[str]:
    """Name the references of a table that lead nowhere."""
    sentences = []
    for constraint in table.foreign_key_constraints:
        parent = constraint.referred_table.alias()
        pairs = [(element.parent, parent.c[element.column.name]) for element in constraint.elements]
        there = select(parent).where(and_(*(theirs == ours for ours, theirs in pairs))).exists()
        orphans = (
            select(func.count()).select_from(table).where(~there, *(ours.is_not(None) for ours, _ in pairs))
        )
        count = session.execute(orphans).scalar_one()
        sentences += [
            f"a row of {table.name} refers to a missing row of {constraint.referred_table.name}"
        ] * count
    return sentences[:_MOST_SENTENCES]


def missing_refusals(database: Database) -> list[str]:
    """Say where the database lets audit events be changed or removed, which the schema forbids."""
    listed = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit_%'"
    if database.is_postgresql:
        listed = (
            "SELECT tgname FROM pg_trigger WHERE tgenabled != 'D' "
            "AND tgrelid IN ('audit_event'::regclass, 'audit_base'::regclass)"
        )
    with database.read() as session:
        names: set[Any] = {str(name).lower() for name in session.scalars(text(listed))}
    return [
        f"the database does not refuse to {what} audit events any more"
        for what in sorted(_REFUSALS)
        if f"audit_event_no_{what}" not in names
    ] + [
        f"the database does not refuse to {what} the beginning of the audit trail any more"
        for name, what in sorted(_BASE_REFUSALS.items())
        if f"audit_base_no_{name}" not in names
    ]
