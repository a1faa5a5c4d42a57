"""Rows: can each be read as what it records, and is the change sequence ahead of all that it counted?"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Table, func, select
from sqlalchemy.orm import Session

from gallery.catalogue.catalogue import Catalogue
from gallery.errors import NotFound
from gallery.investigation.cases import Cases
from gallery.investigation.probes import Probes
from gallery.investigation.searches import Searches
from gallery.jobs.jobs import Jobs
from gallery.sql.case_tables import CaseFile
from gallery.sql.changes import current_change
from gallery.sql.database import Database
from gallery.sql.tables import (
    METADATA,
    Job,
    Probe,
    Promotion,
    Search,
    Segment,
    SegmentVideo,
    Tombstone,
    TrackletTombstone,
    Video,
)
from gallery.upkeep.faults import Part, Remedy
from gallery.upkeep.findings import Findings

_AT_ONCE = 500
# What a row or a document in it raises that is not what this program writes.
_UNREADABLE = (ValueError, TypeError, KeyError, LookupError)


def check_rows(database: Database, data_dir: Path, found: Findings) -> None:
    """Read all rows of all tables, and of those that hold documents the records made of them."""
    for table in METADATA.sorted_tables:
        _read_table(database, table, found)
    readers: dict[type[Any], Callable[[str], object]] = {
        Video: Catalogue(database, data_dir).video,
        Probe: Probes(database, data_dir).get,
        Search: Searches(database).get,
        Job: Jobs(database).get,
        CaseFile: Cases(database).get,
    }
    for entity, read in readers.items():
        for row_id in _ids(database, entity):
            try:
                read(row_id)
            except NotFound:
                continue  # removed meanwhile
            except _UNREADABLE as error:
                _unreadable(entity.__tablename__, row_id, error, found)
    with database.read() as session:
        behind = last_counted(session) > current_change(session)
    if behind:
        found.add(Part.ROWS, "the change sequence is behind what it has counted", Remedy.CORRECT)


def last_counted(session: Session) -> int:
    """Return the last change that any row tells of; 0 if none does."""
    columns = (
        Segment.change,
        SegmentVideo.change,
        Tombstone.change,
        TrackletTombstone.change,
        Video.tracklets_change,
        Search.change,
        Promotion.change,
    )
    return max(session.execute(select(func.max(column))).scalar_one() or 0 for column in columns)


def _read_table(database: Database, table: Table, found: Findings) -> None:
    """Read every row; where one cannot be, find out which."""
    try:
        with database.read() as session:
            rows = session.execute(select(table).execution_options(yield_per=_AT_ONCE))
            found.rows += sum(1 for _ in rows)
    except _UNREADABLE:
        for key in _keys(database, table):
            where = [column == value for column, value in zip(table.primary_key, key, strict=True)]
            try:
                with database.read() as session:
                    session.execute(select(table).where(*where)).one_or_none()
            except _UNREADABLE as error:
                _unreadable(table.name, "/".join(map(str, key)), error, found)


def _keys(database: Database, table: Table) -> list[tuple[Any, ...]]:
    with database.read() as session:
        return [tuple(row) for row in session.execute(select(*table.primary_key))]


def _ids(database: Database, entity: type[Any]) -> Iterator[str]:
    """Yield the ids of all rows, a page at a time."""
    after = ""
    while True:
        with database.read() as session:
            query = select(entity.id).where(entity.id > after).order_by(entity.id).limit(_AT_ONCE)
            page = list(session.scalars(query))
        if not page:
            return
        yield from page
        after = page[-1]


def _unreadable(table: str, row_id: str, error: BaseException, found: Findings) -> None:
    what = f"{table} {row_id} cannot be read: {type(error).__name__}"
    if what not in {fault.what for fault in found.faults}:
        found.add(Part.ROWS, what, advice="restore a backup")
