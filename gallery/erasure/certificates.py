"""Certificates: what went, when, by whom, under which rule, and what remains; ids, counts and digests."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from gallery.errors import InvalidInput, NotFound
from gallery.records.erasure import ErasureInfo, ErasurePlan, ErasureProof, ErasureTarget
from gallery.sql.copying import copied
from gallery.sql.database import Database
from gallery.sql.documents import Document
from gallery.sql.erasure_tables import Erasure
from gallery.sql.tables import AuditEvent
from gallery.validation import json_object, known_id

FORMAT: Final = 1
MAX_LISTED: Final = 1000
PROOF: Final = Document(ErasureProof, "the proof of an erasure")


class Certificates:
    """The certificates of all erasures; none is ever changed or removed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, erasure_id: str) -> ErasureInfo:
        """Return an erasure with its certificate, or raise NotFound."""
        with self._database.read() as session:
            row = session.get(Erasure, known_id(erasure_id, "erasure"))
            if row is None:
                raise NotFound(f"no erasure {erasure_id}")
            return _info(session, row)

    def ids(self) -> list[str]:
        """The ids of all erasures, the oldest first."""
        with self._database.read() as session:
            return list(session.scalars(select(Erasure.id).order_by(Erasure.at, Erasure.id)))

    def waiting(self) -> bool:
        """Whether something that was erased may be on the disk still."""
        with self._database.read() as session:
            query = select(Erasure.id).where(Erasure.settled_at.is_(None)).limit(1)
            return session.scalar(query) is not None

    def list(self, *, after: str | None = None, limit: int = 100) -> list[ErasureInfo]:
        """List erasures, the newest first; `after` is the id of the last one of the page before.

        Raises:
            NotFound: no such erasure to continue after.
            InvalidInput: a limit out of range.
        """
        if not 1 <= limit <= MAX_LISTED:
            raise InvalidInput(f"limit must be 1 to {MAX_LISTED}, not {limit}")
        query = select(Erasure).order_by(Erasure.at.desc(), Erasure.id.desc()).limit(limit)
        with self._database.read() as session:
            if after is not None:
                last = session.get(Erasure, known_id(after, "erasure"))
                if last is None:
                    raise NotFound(f"no erasure {after}")
                same = (Erasure.at == last.at) & (Erasure.id < last.id)
                query = query.where((Erasure.at < last.at) | same)
            return [_info(session, row) for row in session.scalars(query).all()]


def digest_of(certificate: Mapping[str, Any]) -> str:
    """The SHA-256 of a certificate in its canonical form: keys sorted, no spaces, ASCII."""
    return hashlib.sha256(
        json.dumps(certificate, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
    ).hexdigest()


def make(
    plan: ErasurePlan,
    *,
    erasure_id: str,
    at: datetime,
    key_id: str | None,
    rule: Mapping[str, Any],
    marks: int,
    vectors: Mapping[str, Mapping[str, int]],
    digests: Mapping[str, str],
    photo_hashes: Mapping[str, str],
    database: str,
) -> dict[str, Any]:
    """Write down what goes, in the transaction in which it does.

    Args:
        plan: which is carried out.
        erasure_id: of the erasure.
        at: when, by the clock of the database.
        key_id: who does it; None: the command line, or a rule.
        rule: under which rule.
        marks: how many marks of hits go along.
        vectors: how many of tracklets and clips, by model.
        digests: of the tracklets that recordings have, of those that go whole and of those that lose some.
        photo_hashes: SHA-256 of the photos.
        database: its kind.
    """
    recordings = [
        {
            "id": one.id,
            "content_sha256": one.content_hash,
            "camera": one.camera,
            "start": one.start,
            "end": one.end,
            "tracklets": one.tracklets,
            "tracklets_sha256": digests[one.id],
        }
        for one in plan.recordings
    ]
    stretches = [
        {
            "recording": one.recording_id,
            "start": one.start,
            "end": one.end,
            "from_us": one.from_us,
            "to_us": one.to_us,
        }
        for one in plan.stretches
    ]
    shrunk = sorted({one.id.rpartition("-")[0] for one in plan.tracklets})
    counts = {
        "recordings": len(recordings),
        "tracklets": plan.tracklet_count,
        "stretches": len(stretches),
        "photos": len(plan.probes),
        "searches": len(plan.searches),
        "cases": len(plan.cases),
        "marks": marks,
        "vectors": sum(one["tracklets"] + one["clips"] for one in vectors.values()),
    }
    return json_object(
        {
            "format": FORMAT,
            "id": erasure_id,
            "at": at,
            "by": {"key_id": key_id},
            "rule": dict(rule),
            "target": _target(plan.target),
            "counts": counts,
            "erased": {
                "recordings": recordings,
                "tracklets": [one.id for one in plan.tracklets],
                "tracklets_sha256": {one: digests[one] for one in shrunk},
                "stretches": stretches,
                "photos": [{"id": one, "sha256": photo_hashes[one]} for one in plan.probes],
                "searches": list(plan.searches),
                "cases": list(plan.cases),
                "vectors": {model: dict(count) for model, count in vectors.items()},
            },
            "held": [
                {"kind": one.kind, "id": one.id, "hold": one.hold_id, "reason": one.reason}
                for one in plan.held
            ],
            "remains": [
                *({"what": one.what, "why": one.why, "ids": list(one.ids)} for one in plan.remains),
                _in_the_database(database),
            ],
        },
        "the certificate of an erasure",
    )


def _target(target: ErasureTarget) -> dict[str, Any]:
    values = {
        "kind": target.kind.value,
        "ids": list(target.ids) or None,
        "camera_id": target.camera_id,
        "start": target.start,
        "end": target.end,
        "search_id": target.search_id,
        "about": target.about,
    }
    return {name: value for name, value in values.items() if value is not None}


def _in_the_database(kind: str) -> dict[str, Any]:
    if kind == "postgresql":
        why = (
            "PostgreSQL keeps removed rows in its files and its log until it overwrites them: VACUUM FULL and"
            " the end of archived logs remove them"
        )
        return {"what": "database files", "why": why, "ids": []}
    why = "removed rows are overwritten in its file at once, and leave its log at compaction"
    return {"what": "database file", "why": why, "ids": []}


def _info(session: Session, row: Erasure) -> ErasureInfo:
    found = select(AuditEvent).where(AuditEvent.subject == row.id, AuditEvent.action == "erasure")
    event = session.scalars(found.limit(1)).one_or_none()  # old events may have been removed
    return copied(
        ErasureInfo,
        row,
        event_id=None if event is None else event.id,
        event_digest=None if event is None else event.digest,
        proof=None if row.proof is None else PROOF.load(row.proof),
    )
