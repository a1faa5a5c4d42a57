"""Objects that a gallery knows, to tell a store that refuses one of them from one that refuses all."""

from sqlalchemy import select

from gallery.jobs.state import QUEUED
from gallery.object_urls import SCHEME
from gallery.sql.database import Database
from gallery.sql.tables import JobRecording, Video


def known_objects(database: Database, most: int = 3) -> list[str]:
    """URLs of the objects that were indexed last, and of those that were filed last: `most` of each."""
    indexed = select(Video.path).where(Video.path.startswith(SCHEME))
    filed = select(JobRecording.path).where(
        JobRecording.path.startswith(SCHEME), JobRecording.state == QUEUED
    )
    with database.read() as session:
        return [
            *session.scalars(indexed.order_by(Video.indexed_at.desc()).limit(most)),
            *session.scalars(filed.order_by(JobRecording.job_id.desc(), JobRecording.number).limit(most)),
        ]
