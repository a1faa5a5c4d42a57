"""Recordings: are those that were uploaded still what they were, and the others still where they were?"""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import select

from gallery.disk.places import Places
from gallery.errors import ObjectsUnavailable
from gallery.jobs.state import QUEUED, RUNNING
from gallery.object_urls import is_object
from gallery.sql.database import Database
from gallery.sql.tables import JobRecording, Video
from gallery.upkeep.faults import Part
from gallery.upkeep.files import sha256_of
from gallery.upkeep.findings import Findings


def check_recordings(database: Database, places: Places, found: Findings) -> None:
    """Compare uploaded recordings with their checksums, and look for those that were indexed in place.

    The latter are their owner's: that one is away is no fault of the gallery, and counted.
    """
    with database.read() as session:
        videos = list(session.scalars(select(Video).order_by(Video.id)))
        waiting = select(JobRecording.id, JobRecording.path).where(
            JobRecording.owned, JobRecording.state.in_([QUEUED, RUNNING])
        )
        filed = [(key, Path(path)) for key, path in session.execute(waiting.order_by(JobRecording.id))]
    lost = _lost_objects([video.path for video in videos if is_object(video.path)], places)
    for video in videos:
        if not video.owned:
            found.away += video.path in lost if is_object(video.path) else not Path(video.path).exists()
        elif sha256_of(Path(video.path)) != video.content_hash and _is_still(database, video):
            what = f"video {video.id}: its uploaded recording is not what was indexed"
            found.add(
                Part.FILES,
                what,
                advice="searches find it, but no clip can be cut: erase it, or upload it again",
            )
    for recording_id, path in filed:
        if not path.is_file() and _waits(database, recording_id):
            what = f"recording {recording_id} of a job was uploaded and is not there"
            found.add(Part.FILES, what, advice="cancel the job, and upload it again")


def _lost_objects(urls: Sequence[str], places: Places) -> set[str]:
    """Those that are not there; all that are left to ask for when the store does not answer."""
    lost = set()
    for number, url in enumerate(urls):
        try:
            if not places.is_there(url):
                lost.add(url)
        except ObjectsUnavailable:
            return lost | set(urls[number:])
    return lost


def _is_still(database: Database, video: Video) -> bool:
    with database.read() as session:
        row = session.get(Video, video.id)
    return row is not None and row.path == video.path


def _waits(database: Database, recording_id: str) -> bool:
    with database.read() as session:
        row = session.get(JobRecording, recording_id)
    return row is not None and row.state in {QUEUED, RUNNING}
