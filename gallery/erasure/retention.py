"""Rules of retention: for how many days recordings, photos and searches are kept."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from gallery.catalogue.camera_rows import camera_row
from gallery.catalogue.holds import Holding
from gallery.erasure.resolving import Resolved
from gallery.errors import InvalidInput, NotFound
from gallery.jobs.leases import current_time
from gallery.records.erasure import RetentionKind, RetentionRuleInfo
from gallery.sql.chain import add_event
from gallery.sql.copying import copied
from gallery.sql.database import Database
from gallery.sql.erasure_tables import RetentionRule
from gallery.sql.tables import Camera, Probe, Search, Video

LONGEST_DAYS: Final = 36_500
AT_ONCE: Final = 1000  # of each kind, in one run: its transaction is short, and the next run takes the rest


class RetentionRules:
    """The rules. Each change of one is an audit event, in its transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self) -> list[RetentionRuleInfo]:
        """List the rules, those for all cameras first."""
        with self._database.read() as session:
            rows = session.scalars(select(RetentionRule).order_by(RetentionRule.id)).all()
            return [
                copied(RetentionRuleInfo, row)
                for row in sorted(rows, key=lambda row: (row.kind, row.camera_id or 0))
            ]

    def set(
        self, kind: RetentionKind, days: int, *, camera_id: int | None = None, key_id: str | None = None
    ) -> RetentionRuleInfo:
        """Set for how many days something is kept, in the place of the rule of before.

        Raises:
            NotFound: no such camera.
            InvalidInput: no such kind, no such number of days, or a camera for what has none.
        """
        wanted = _kind(kind)
        if not 1 <= days <= LONGEST_DAYS:
            raise InvalidInput(f"days must be 1 to {LONGEST_DAYS}, not {days}")
        if camera_id is not None and wanted is not RetentionKind.RECORDINGS:
            raise InvalidInput(f"{wanted} have no camera")
        with self._database.write() as session:
            name = None if camera_id is None else camera_row(session, camera_id, lock=True).name
            row = _rule(session, wanted, camera_id)
            was = None if row is None else row.days
            if row is None:
                row = RetentionRule(kind=wanted.value, camera_id=camera_id)
                session.add(row)
            row.days, row.key_id, row.created_at = days, key_id, datetime.now(UTC)
            detail = {"kind": wanted.value, "camera": name, "days": days, "was": was}
            add_event(session, "retention.set", key_id=key_id, detail=detail)
            return copied(RetentionRuleInfo, row)

    def remove(self, kind: RetentionKind, *, camera_id: int | None = None, key_id: str | None = None) -> None:
        """Remove a rule: what it was about is kept for ever, or as the one for all cameras says.

        Raises:
            NotFound: no such rule.
        """
        wanted = _kind(kind)
        with self._database.write() as session:
            row = _rule(session, wanted, camera_id)
            if row is None:
                raise NotFound(f"no rule of retention for {wanted}")
            camera = None if camera_id is None else session.get(Camera, camera_id)
            detail = {"kind": row.kind, "camera": None if camera is None else camera.name, "was": row.days}
            session.delete(row)
            add_event(session, "retention.remove", key_id=key_id, detail=detail)


def due(session: Session, holding: Holding, tried: Mapping[str, Any] | None = None) -> Resolved:
    """What the rules do not keep any longer, the oldest first, by the database's clock.

    What a hold keeps is in it too, and does not count towards the limit: else it could stand in the way of
    all that came later. `tried` is a rule (kind, camera_id, days) that counts as if it were set, too.
    """
    found = Resolved()
    now = current_time(session)
    rules = {(row.kind, row.camera_id): row.days for row in session.scalars(select(RetentionRule))}
    if tried is not None:
        rules[tried["kind"], tried["camera_id"]] = int(tried["days"])
    left = AT_ONCE
    for camera_id in session.scalars(select(Camera.id).order_by(Camera.id)).all():
        kind = RetentionKind.RECORDINGS.value
        days = rules.get((kind, camera_id), rules.get((kind, None)))
        if days is not None:
            query = select(Video).where(Video.camera_id == camera_id, Video.end_time < _before(now, days))
            rows = session.scalars(_oldest(query, Video.end_time))
            for row in _limited(rows, holding.of_video, left):
                left -= holding.of_video(row) is None
                found.videos[row.id] = row
    tables: tuple[tuple[RetentionKind, Any, dict[str, Any]], ...] = (
        (RetentionKind.PROBES, Probe, found.probes),
        (RetentionKind.SEARCHES, Search, found.searches),
    )
    for of, table, place in tables:
        days = rules.get((of.value, None))
        if days is not None:
            wanted = select(table).where(table.created_at < _before(now, days))
            rows = session.scalars(_oldest(wanted, table.created_at))
            for row in _limited(rows, lambda row: holding.items.get(row.id), AT_ONCE):
                place[row.id] = row
    return found


def rules_now(session: Session) -> list[dict[str, Any]]:
    """The rules as a certificate names them."""
    names = dict(session.execute(select(Camera.id, Camera.name)).all())
    rows = session.scalars(select(RetentionRule).order_by(RetentionRule.id))
    return [{"kind": row.kind, "camera": names.get(row.camera_id or 0), "days": row.days} for row in rows]


def _before(now: datetime, days: int) -> datetime:
    return max(now - timedelta(days=days), datetime(1970, 1, 1, tzinfo=UTC))


def _oldest(query: Select[Any], column: Any) -> Select[Any]:
    return query.order_by(column).execution_options(yield_per=200)


def _limited(rows: Any, hold_of: Any, most: int) -> Iterator[Any]:
    """Rows until so many of them are not held."""
    free = 0
    try:
        for row in rows:
            if free >= most:
                return
            free += hold_of(row) is None
            yield row
    finally:
        rows.close()


def _kind(kind: str) -> RetentionKind:
    try:
        return RetentionKind(kind)
    except ValueError as error:
        raise InvalidInput(f"a rule is for recordings, probes or searches, not {kind!r:.100}") from error


def _rule(session: Session, kind: RetentionKind, camera_id: int | None) -> RetentionRule | None:
    mine = RetentionRule.camera_id.is_(None) if camera_id is None else RetentionRule.camera_id == camera_id
    return session.scalar(select(RetentionRule).where(RetentionRule.kind == kind.value, mine).limit(1))
