"""Copies all rows of one database into another of the same schema, whatever kinds they are."""

from sqlalchemy import Integer, delete, func, insert, select, text
from sqlalchemy.orm import Session

from gallery.sql.tables import METADATA

_BATCH = 500  # rows at a time


def copy_rows(source: Session, target: Session) -> None:
    """Copy all rows; what `target` has is removed. The caller commits."""
    for table in reversed(METADATA.sorted_tables):
        target.execute(delete(table))
    for table in METADATA.sorted_tables:
        rows = source.execute(select(table).execution_options(yield_per=_BATCH)).mappings()
        for batch in rows.partitions(_BATCH):
            target.execute(insert(table), [dict(row) for row in batch])
    if target.get_bind().dialect.name == "postgresql":
        _continue_numbers(target)


def is_empty(session: Session) -> bool:
    """Tell whether nothing was ever recorded in a database that has the tables."""
    tables = [table for table in METADATA.sorted_tables if table.name not in {"gallery_state", "audit_head"}]
    return not any(session.execute(select(func.count()).select_from(t)).scalar_one() for t in tables)


def _continue_numbers(session: Session) -> None:
    """Let PostgreSQL number new rows after those that were copied."""
    for table in METADATA.sorted_tables:
        for column in table.primary_key:
            if not isinstance(column.type, Integer) or column.foreign_keys or column.autoincrement is False:
                continue
            last = session.execute(select(func.max(column))).scalar_one()
            if last is not None and len(table.primary_key) == 1:
                name = text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)")
                session.execute(name, {"table": table.name, "column": column.name, "last": last})
