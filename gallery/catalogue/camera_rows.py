"""Changes of cameras, inside a caller's transaction."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, cast

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from gallery.catalogue.cameras import camera_values
from gallery.catalogue.holds import Holding, refuse
from gallery.errors import Conflict, NotFound
from gallery.jobs.state import QUEUED, RUNNING
from gallery.records.cameras import CameraChanges, CameraInfo
from gallery.sql.chain import add_event
from gallery.sql.copying import copied
from gallery.sql.tables import Camera, Job, JobRecording, Video


def camera_row(session: Session, camera_id: int, *, lock: bool = False) -> Camera:
    """Return the row of a camera, or raise NotFound."""
    row = session.get(Camera, camera_id, with_for_update=lock) if 0 < camera_id < 2**31 else None
    if row is None:
        raise NotFound(f"no camera {camera_id}")
    return row


def change(session: Session, camera_id: int, changes: CameraChanges, key_id: str | None) -> CameraInfo:
    """Change what is known of a camera, and record what it was.

    Raises:
        NotFound: no such camera.
        InvalidInput: together with what stays, the values are out of range or invalid.
    """
    row = camera_row(session, camera_id, lock=True)
    before = asdict(copied(CameraInfo, row))
    known = cast("CameraChanges", {name: before[name] for name in CameraChanges.__annotations__})
    values: Mapping[str, Any] = camera_values({**known, **changes})
    for name, value in values.items():
        setattr(row, name, value)
    changed = {name: [before[name], value] for name, value in values.items() if before[name] != value}
    if changed:
        add_event(session, "camera.edit", key_id=key_id, subject=row.name, detail=changed)
    return copied(CameraInfo, row)


def remove(session: Session, camera_id: int, key_id: str | None) -> None:
    """Remove a camera and the recordings of jobs that ended without a video of it.

    Raises:
        NotFound: no such camera.
        Conflict: it has videos, or recordings that wait or are being indexed, or is under legal hold.
    """
    holding = Holding.read(session)
    row = camera_row(session, camera_id, lock=True)
    refuse(holding.of_camera(row.id, None, None), f"camera {row.name!r}")
    videos = _count(session, select(func.count()).where(Video.camera_id == row.id))
    if videos:
        raise Conflict(
            f"camera {row.name!r} has recordings ({videos}): erase them or give them another camera first"
        )
    mine = JobRecording.camera_id == row.id
    busy = _count(session, select(func.count()).where(mine, JobRecording.state.in_([QUEUED, RUNNING])))
    if busy:
        raise Conflict(f"camera {row.name!r} has {busy} recordings to index: cancel their jobs first")
    jobs = set(session.scalars(select(JobRecording.job_id).where(mine)))
    session.execute(delete(JobRecording).where(mine))
    left = select(JobRecording.job_id).where(JobRecording.job_id == Job.id)
    session.execute(delete(Job).where(Job.id.in_(jobs), ~left.exists()))
    add_event(session, "camera.delete", key_id=key_id, subject=row.name)
    session.delete(row)


def _count(session: Session, query: Any) -> int:
    return int(session.execute(query).scalar_one())
