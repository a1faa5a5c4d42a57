"""Recordings to file jobs with."""

from datetime import UTC, datetime

from gallery.records.jobs import NewRecording
from gallery.sql.database import Database
from gallery.sql.tables import Camera

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def add_camera(database: Database, name: str = "door") -> int:
    """Add a camera's row and return its id."""
    with database.write() as session:
        camera = Camera(name=name, time_zone="UTC", created_at=START)
        session.add(camera)
        session.flush()
        return camera.id


def recording(camera_id: int, path: str = "/media/a.mp4", **changes: object) -> NewRecording:
    """A recording to file, with whatever should differ."""
    values: dict[str, object] = {
        "camera_id": camera_id,
        "path": path,
        "file_name": path.rsplit("/", 1)[-1],
        "owned": False,
        "start_time": START,
    }
    return NewRecording(**{**values, **changes})  # type: ignore[arg-type]


def recordings(camera_id: int, count: int) -> list[NewRecording]:
    """Several recordings of one camera."""
    return [recording(camera_id, f"/media/{number}.mp4") for number in range(count)]
