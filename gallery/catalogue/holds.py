"""Legal holds: what may not be erased until somebody lifts them."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gallery.errors import Conflict, Held, InvalidInput, NotFound
from gallery.records.erasure import HoldInfo, HoldKind
from gallery.sql.case_tables import CaseFile, CaseItem
from gallery.sql.chain import add_event
from gallery.sql.copying import copied
from gallery.sql.database import Database
from gallery.sql.erasure_tables import LegalHold
from gallery.sql.tables import Camera, Mark, Search, Video
from gallery.validation import given_words, known_id, moment

_LOCK: Final = 0x5161
LONGEST_REASON: Final = 1000


class Holds:
    """The record of legal holds. Each change is an audit event, in its transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(
        self,
        kind: HoldKind,
        *,
        reason: str,
        video_id: str | None = None,
        camera_id: int | None = None,
        case_id: str | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        key_id: str | None = None,
    ) -> HoldInfo:
        """Put a hold on a recording, a camera (or a stretch of its time) or a case.

        Raises:
            NotFound: there is none.
            InvalidInput: no reason, an empty stretch, or something else than the kind needs.
        """
        row = LegalHold(
            id=secrets.token_hex(16),
            kind=HoldKind(kind).value,
            video_id=video_id,
            camera_id=camera_id,
            case_id=case_id,
            start=None if start is None else moment(start, "start"),
            end=None if end is None else moment(end, "end"),
            reason=given_words(reason.strip(), "the reason of a hold", longest=LONGEST_REASON),
            key_id=key_id,
            created_at=datetime.now(UTC),
        )
        _check(row)
        with self._database.write() as session:
            _exclude(session, alone=True)
            _require_subject(session, row)
            session.add(row)
            add_event(session, "hold.put", key_id=key_id, subject=row.id, detail=_detail(row))
            return copied(HoldInfo, row)

    def lift(self, hold_id: str, *, reason: str, key_id: str | None = None) -> HoldInfo:
        """Lift a hold: what it was on may be erased again.

        Raises:
            NotFound: no such hold.
            Conflict: it is lifted already.
            InvalidInput: no reason.
        """
        why = given_words(reason.strip(), "the reason of a lifting", longest=LONGEST_REASON)
        with self._database.write() as session:
            _exclude(session, alone=True)
            row = session.get(LegalHold, known_id(hold_id, "hold"), with_for_update=True)
            if row is None:
                raise NotFound(f"no hold {hold_id}")
            if row.lifted_at is not None:
                raise Conflict(f"hold {hold_id} was lifted already")
            row.lifted_by, row.lifted_at, row.lift_reason = key_id, datetime.now(UTC), why
            detail = {**_detail(row), "lift_reason": why}
            add_event(session, "hold.lift", key_id=key_id, subject=row.id, detail=detail)
            return copied(HoldInfo, row)

    def list(self, *, lifted: bool = False) -> list[HoldInfo]:
        """List the holds that are in force, the oldest first; with `lifted`, all that ever were."""
        query = select(LegalHold).order_by(LegalHold.created_at, LegalHold.id)
        if not lifted:
            query = query.where(LegalHold.lifted_at.is_(None))
        with self._database.read() as session:
            return [copied(HoldInfo, row) for row in session.scalars(query)]


def in_force(session: Session) -> list[str]:
    """Return the ids of the holds in force; none is put on or lifted until the transaction ends."""
    _exclude(session, alone=False)
    return list(session.scalars(select(LegalHold.id).where(LegalHold.lifted_at.is_(None))))


@dataclass(frozen=True, slots=True)
class Holding:
    """All holds that are in force, and what they are on."""

    recordings: dict[str, LegalHold]
    cameras: Sequence[LegalHold]
    cases: dict[str, LegalHold]
    items: dict[str, LegalHold]  # searches and photos of held cases
    tracklets: dict[str, LegalHold]  # that were marked as showing the person in searches of held cases
    shown: dict[str, LegalHold]  # the recordings of these

    @classmethod
    def read(cls, session: Session, since: datetime | None = None) -> "Holding":
        """Read them, or those put on since; nobody puts one on or lifts one until the transaction ends."""
        _exclude(session, alone=False)
        query = select(LegalHold).where(LegalHold.lifted_at.is_(None)).order_by(LegalHold.created_at)
        if since is not None:
            query = query.where(LegalHold.created_at >= since)
        rows = session.scalars(query).all()
        cases = {row.case_id: row for row in reversed(rows) if row.case_id is not None}
        items: dict[str, LegalHold] = {}
        tracklets: dict[str, LegalHold] = {}
        for case_id, row in cases.items():
            own = list(session.scalars(select(CaseItem.subject_id).where(CaseItem.case_id == case_id)))
            own = [*own, *_refined_from(session, own)]
            items |= dict.fromkeys(own, row)
            # Also what was unmarked since: else the marks would decide what is held.
            marked = select(Mark.tracklet_id).where(Mark.search_id.in_(own), Mark.verdict == "match")
            tracklets |= dict.fromkeys(session.scalars(marked), row)
        return cls(
            {row.video_id: row for row in reversed(rows) if row.video_id is not None},
            [row for row in rows if row.camera_id is not None],
            cases,
            items,
            tracklets,
            {name.partition("-")[0]: hold for name, hold in tracklets.items()},
        )

    def of_video(self, video: Video) -> LegalHold | None:
        """The hold that keeps a recording whole."""
        return (
            self.recordings.get(video.id)
            or self.shown.get(video.id)
            or self.of_camera(video.camera_id, video.start_time, video.end_time)
        )

    def of_tracklet(self, video: Video, tracklet_id: str, start: datetime, end: datetime) -> LegalHold | None:
        """The hold that keeps a single tracklet, which was seen from `start` to `end`."""
        return (
            self.recordings.get(video.id)
            or self.tracklets.get(tracklet_id)
            or self.of_camera(video.camera_id, start, end)
        )

    def of_camera(self, camera_id: int, start: datetime | None, end: datetime | None) -> LegalHold | None:
        """The hold that keeps something of a camera between two times; None: open."""
        for hold in self.cameras:
            begins = hold.start is None or end is None or hold.start <= end
            ends = hold.end is None or start is None or start <= hold.end
            if hold.camera_id == camera_id and begins and ends:
                return hold
        return None


def refuse(hold: LegalHold | None, what: str) -> None:
    """Raise Held if there is a hold on what is about to go or to change."""
    if hold is not None:
        raise Held(f"{what} is under legal hold {hold.id}: {hold.reason}", [hold.id])


def _check(row: LegalHold) -> None:
    given = {
        HoldKind.RECORDING: row.video_id,
        HoldKind.CAMERA: row.camera_id,
        HoldKind.CASE: row.case_id,
    }
    named = [kind for kind, value in given.items() if value is not None]
    if named != [row.kind]:
        raise InvalidInput(f"a hold on a {row.kind} names the {row.kind} and nothing else")
    if row.kind != HoldKind.CAMERA and (row.start is not None or row.end is not None):
        raise InvalidInput(f"a hold on a {row.kind} is on all of it: only that of a camera has a stretch")
    if row.start is not None and row.end is not None and row.start >= row.end:
        raise InvalidInput(f"the stretch from {row.start} to {row.end} is empty")


def _require_subject(session: Session, row: LegalHold) -> None:
    found: object
    if row.video_id is not None:
        found = session.get(Video, known_id(row.video_id, "video"))
    elif row.case_id is not None:
        found = session.get(CaseFile, known_id(row.case_id, "case"))
    else:
        found = session.get(Camera, row.camera_id) if 0 < (row.camera_id or 0) < 2**31 else None
    if found is None:
        raise NotFound(f"no {row.kind} {row.video_id or row.case_id or row.camera_id}")


def _detail(row: LegalHold) -> dict[str, Any]:
    values = {
        "kind": row.kind,
        "video_id": row.video_id,
        "camera_id": row.camera_id,
        "case_id": row.case_id,
        "start": None if row.start is None else row.start.isoformat(),
        "end": None if row.end is None else row.end.isoformat(),
        "reason": row.reason,
    }
    return {name: value for name, value in values.items() if value is not None}


def _refined_from(session: Session, search_ids: Sequence[str]) -> list[str]:
    """The searches that some were refined from, however far back: they share their marks."""
    found: list[str] = []
    wanted = list(search_ids)
    while wanted:
        queries = session.scalars(select(Search.query).where(Search.id.in_(wanted))).all()
        parents = [(query.get("refined") or {}).get("parent") for query in queries]
        known = {*found, *search_ids}
        wanted = sorted({str(one) for one in parents if one is not None} - known)
        found += wanted
    return found


def _exclude(session: Session, *, alone: bool) -> None:
    """Let holds and erasures wait for each other: nothing goes while a hold is put on it.

    On SQLite a writing transaction excludes all others.
    """
    if session.get_bind().dialect.name == "postgresql":
        name = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"
        session.execute(text(f"SELECT {name}({_LOCK})"))
