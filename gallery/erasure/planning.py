"""The plan of an erasure: what goes, what legal holds keep, what it does not reach; listed first."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gallery.catalogue.holds import Holding
from gallery.erasure.kept import KeptCertificate
from gallery.erasure.remaining import remaining
from gallery.erasure.repeating import resolve_again
from gallery.erasure.resolving import Resolved, resolve
from gallery.erasure.retention import due
from gallery.records.erasure import (
    ErasureKind,
    ErasurePlan,
    ErasureTarget,
    HeldBack,
    PlannedRecording,
    PlannedStretch,
    PlannedTracklet,
)
from gallery.sql.database import batches
from gallery.sql.erasure_tables import LegalHold
from gallery.sql.tables import Camera, Mark, Tracklet, Video


def make_plan(
    session: Session, target: ErasureTarget, again: KeptCertificate | None = None
) -> tuple[ErasurePlan, Resolved]:
    """Say what an erasure would take now; returns the rows that go, too: without what is held.

    `again`: the certificate that is repeated. Holds that were there before it were lifted for it, so those
    count that were put on since.

    Raises:
        NotFound: something that the target names by id is not there.
        InvalidInput: it names nothing, or more than one erasure may take.
    """
    holding = Holding.read(session, since=None if again is None else again.at)
    if again is not None:
        found = resolve_again(session, again.erased)
    elif target.kind == ErasureKind.RETENTION:
        found = due(session, holding, (target.about or {}).get("rule"))
    else:
        found = resolve(session, target)
    held = _keep_held(found, holding)
    cameras = {row.id: row.name for row in session.execute(select(Camera.id, Camera.name))}
    plan = ErasurePlan(
        target=target,
        recordings=[
            PlannedRecording(
                row.id,
                row.content_hash,
                cameras[row.camera_id],
                row.start_time,
                row.end_time,
                row.tracklet_count,
                row.owned,
            )
            for _, row in sorted(found.videos.items())
        ],
        tracklets=[
            PlannedTracklet(
                name, cameras[found.stay[video].camera_id], *_times(found.stay[video], start, end)
            )
            for video, parts in sorted(found.parts.items())
            for name, _, start, end in parts
        ],
        stretches=[
            PlannedStretch(video, *_times(found.stay[video], *cut), *cut)
            for video, cut in sorted(found.cuts.items())
        ],
        probes=sorted(found.probes),
        searches=sorted(found.searches),
        cases=sorted(found.cases),
        marks=_count_marks(session, found),
        held=held,
        remains=remaining(session, found, held),
        digest=_digest(target, found, held),
    )
    return plan, found


def _times(video: Video, start_us: int, end_us: int) -> tuple[datetime, datetime]:
    """When something of a video began and ended."""
    return (
        video.start_time + timedelta(microseconds=start_us),
        video.start_time + timedelta(microseconds=end_us),
    )


def _keep_held(found: Resolved, holding: Holding) -> list[HeldBack]:
    """Take what is held out of what was found, and name it."""
    held: list[HeldBack] = []

    def keep(kind: str, one: str, hold: LegalHold | None) -> bool:
        if hold is not None:
            held.append(HeldBack(kind, one, hold.id, hold.reason))
        return hold is not None

    for name, row in sorted(found.videos.items()):
        if keep("recording", name, holding.of_video(row)):
            del found.videos[name]
    for name, parts in sorted(found.parts.items()):
        video = found.stay[name]
        left = [
            seen
            for seen in parts
            if not keep("tracklet", seen[0], holding.of_tracklet(video, seen[0], *_times(video, *seen[2:])))
        ]
        found.parts[name] = left
        if not left:
            del found.parts[name]
    for name, cut in sorted(found.cuts.items()):
        video = found.stay[name]
        hold = holding.recordings.get(name) or holding.of_camera(video.camera_id, *_times(video, *cut))
        if keep("stretch", name, hold):
            del found.cuts[name]
    for name in sorted(found.cases):
        if keep("case", name, holding.cases.get(name)):
            del found.cases[name]
    for kind, rows in (("search", found.searches), ("photo", found.probes)):
        for name in sorted(rows):
            if keep(kind, name, holding.items.get(name)):
                del rows[name]
    return held


def _count_marks(session: Session, found: Resolved) -> int:
    """Changes of marks that are in force and go along."""
    count = 0
    valid = (Mark.undone_at.is_(None), Mark.verdict.is_not(None))
    for some in batches(sorted(found.searches)):
        query = select(func.count()).select_from(Mark).where(Mark.search_id.in_(some), *valid)
        count += session.execute(query).scalar_one()
    tracklets = [seen[0] for parts in found.parts.values() for seen in parts]
    for some in batches(tracklets):
        query = select(func.count()).select_from(Mark).where(Mark.tracklet_id.in_(some), *valid)
        count += session.execute(query).scalar_one()
    for some in batches(sorted(found.videos)):
        own = Mark.tracklet_id.in_(select(Tracklet.id).where(Tracklet.video_id.in_(some)))
        query = select(func.count()).select_from(Mark).where(own, *valid)
        count += session.execute(query).scalar_one()
    return count


def _digest(target: ErasureTarget, found: Resolved, held: Sequence[HeldBack]) -> str:
    """A digest of all that goes and all that is held: another list has another one."""
    what: Mapping[str, Any] = {
        "kind": target.kind,
        "recordings": [
            [row.id, row.tracklets_change, row.tracklet_count] for _, row in sorted(found.videos.items())
        ],
        "tracklets": sorted(
            [seen[0], found.stay[video].tracklets_change]
            for video, parts in found.parts.items()
            for seen in parts
        ),
        "stretches": sorted([video, *cut] for video, cut in found.cuts.items()),
        "probes": sorted(found.probes),
        "searches": sorted(found.searches),
        "cases": sorted(found.cases),
        "held": sorted([one.kind, one.id, one.hold_id] for one in held),
    }
    return hashlib.sha256(json.dumps(what, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
