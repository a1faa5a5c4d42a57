"""What an erasure does not reach, with the reason: who erases wants to know where else to look."""

from collections.abc import Container, Iterator, Sequence
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gallery.erasure.resolving import Resolved
from gallery.investigation.cases import photos_of
from gallery.records.erasure import HeldBack, Remaining
from gallery.sql.case_tables import CaseItem
from gallery.sql.database import batches
from gallery.sql.tables import AuditEvent, JobRecording, Model, ModelVideo, Search

_PACKAGE: Final = "evidence.package"
_MOST_PACKAGES: Final = 10_000


def remaining(session: Session, found: Resolved, held: Sequence[HeldBack]) -> list[Remaining]:
    """Name the copies and traces that stay."""
    return [
        *_held(held),
        *_recordings(found),
        *_models(session, sorted({*found.videos, *found.stay})),
        *_packages(session, found),
        *_traces(session, found),
        Remaining(
            "backups",
            "copies of the gallery that were made before hold all of it until they are removed; restoring "
            "one brings it back",
        ),
    ]


def _held(held: Sequence[HeldBack]) -> list[Remaining]:
    if not held:
        return []
    return [Remaining("held", "a legal hold keeps it: see `held`", [f"{one.kind} {one.id}" for one in held])]


def _recordings(found: Resolved) -> Iterator[Remaining]:
    filed = [video_id for video_id, row in sorted(found.videos.items()) if not row.owned]
    if filed:
        yield Remaining(
            "recording files", "they were not uploaded, and lie where they were filed from", filed
        )
    if found.stay:
        yield Remaining(
            "recordings", "they stay, and show what was erased from them as before", sorted(found.stay)
        )


def _models(session: Session, video_ids: Sequence[str]) -> Iterator[Remaining]:
    ids: set[str] = set()
    for some in batches(video_ids):
        ids.update(session.scalars(select(ModelVideo.model_id).where(ModelVideo.video_id.in_(some))))
    if ids:
        names = session.execute(select(Model.name, Model.id).where(Model.id.in_(ids)).order_by(Model.name))
        yield Remaining(
            "models",
            "they learnt from it, and contain what they learnt: adapt again, and remove them",
            [f"{name} {model_id[:12]}" for name, model_id in names],
        )


def _packages(session: Session, found: Resolved) -> Iterator[Remaining]:
    """Evidence packages that were made of searches or cases in which something of it was."""
    if not (found.videos or found.parts or found.probes or found.searches or found.cases):
        return
    singly = {seen[0] for parts in found.parts.values() for seen in parts}
    events = session.execute(
        select(AuditEvent.subject, AuditEvent.detail)
        .where(AuditEvent.action == _PACKAGE)
        .order_by(AuditEvent.id.desc())
        .limit(_MOST_PACKAGES)
    ).all()
    touched = {
        subject: _touches(session, found, singly, subject) for subject in {one.subject for one in events}
    }
    packages = [str(detail.get("package_id")) for subject, detail in events if touched[subject]]
    if packages:
        yield Remaining(
            "evidence packages", "they were handed out: ask those who have them to remove them", packages
        )


def _touches(session: Session, found: Resolved, singly: Container[str], subject: str | None) -> bool:
    if subject is None:
        return False
    if subject in found.cases or subject in found.searches:
        return True
    own = [subject, *session.scalars(select(CaseItem.subject_id).where(CaseItem.case_id == subject))]
    if not found.probes.keys().isdisjoint(own):
        return True
    for query, hits in session.execute(select(Search.query, Search.hits).where(Search.id.in_(own))):
        if any(_video(hit) in found.videos or hit["tracklet_id"] in singly for hit in hits):
            return True
        if not found.probes.keys().isdisjoint(photos_of(query)):
            return True
    return False


def _video(hit: dict[str, Any]) -> str:
    return str(hit["tracklet_id"]).partition("-")[0]


def _traces(session: Session, found: Resolved) -> Iterator[Remaining]:
    jobs = 0
    for some in batches(sorted(found.videos)):
        query = select(func.count()).select_from(JobRecording).where(JobRecording.video_id.in_(some))
        jobs += session.execute(query).scalar_one()
    if jobs:
        yield Remaining("jobs", f"{jobs} rows name the files that were indexed: they say what was done")
    yield Remaining(
        "answers and audit trail",
        "earlier answers name ids and scores of their hits, and the audit trail ids and digests; neither has "
        "pictures or features of people",
    )
