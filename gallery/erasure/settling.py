"""After compaction: has all that was erased left the disk? Then its certificate says so."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gallery.erasure import proof
from gallery.records.erasure import ErasureProof
from gallery.sql.chain import add_event
from gallery.sql.database import Database, batches
from gallery.sql.erasure_tables import Erasure
from gallery.sql.tables import Tombstone, TrackletTombstone
from gallery.writing.erase import noted_erasures

LATE = "The process that erased it ended before it had searched: looked for by ids."


def settle(database: Database, data_dir: Path) -> list[str]:
    """Note on each erasure that has left the disk that it has; returns their ids.

    Call it after compaction and sweeping. The log of SQLite is folded into its file, in which removed rows
    are overwritten; while somebody reads, the log stays, and the next time will do.
    """
    with database.read() as session:
        waiting = session.scalars(select(Erasure).where(Erasure.settled_at.is_(None)).order_by(Erasure.at))
        rows = [(row.id, row.certificate, row.proof is None) for row in waiting]
    if not rows:
        return []
    for erasure_id, certificate, unproved in rows:
        if unproved:
            _prove_by_ids(database, data_dir, erasure_id, certificate)
    if not database.fold_log():
        return []
    noted = set(noted_erasures(data_dir))
    settled = []
    for erasure_id, certificate, _ in rows:
        with database.write() as session:
            row = session.get_one(Erasure, erasure_id, with_for_update=True)
            gone = not (
                noted & {one["id"] for one in certificate["erased"]["recordings"]}
                or _is_masked(session, certificate)
                or any(True for _ in proof.files_left(data_dir, database, certificate))
            )
            if gone and row.settled_at is None:
                row.settled_at = datetime.now(UTC)
                add_event(session, "erasure.settle", subject=erasure_id)
                settled.append(erasure_id)
    return settled


def _is_masked(session: Session, certificate: Mapping[str, Any]) -> bool:
    """Whether a segment still holds vectors of what was erased."""
    erased = certificate["erased"]
    for some in batches([one["id"] for one in erased["recordings"]]):
        if session.scalar(select(Tombstone.video_id).where(Tombstone.video_id.in_(some)).limit(1)):
            return True
    for some in batches(erased["tracklets"]):
        videos = sorted({one.partition("-")[0] for one in some})
        columns = (TrackletTombstone.video_id, TrackletTombstone.number)
        masked = session.execute(select(*columns).where(TrackletTombstone.video_id.in_(videos)))
        if not {f"{video}-{number}" for video, number in masked}.isdisjoint(some):
            return True
    return False


def _prove_by_ids(database: Database, data_dir: Path, erasure_id: str, certificate: dict[str, Any]) -> None:
    erased = certificate["erased"]
    found = ErasureProof(
        at=datetime.now(UTC),
        vectors=(0, sum(one["tracklets"] for one in erased["vectors"].values())),
        models=sorted(erased["vectors"]),
        found=0,
        rows=proof.count_rows(database, certificate),
        files=len(list(proof.files_left(data_dir, database, certificate))),
        note=LATE,
    )
    proof.record(database, erasure_id, found)
