"""The catalogue of cameras, videos and tracklets."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Unpack

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, defer

from gallery.catalogue import camera_rows, coverage
from gallery.catalogue.cameras import camera_name, camera_values
from gallery.catalogue.infos import tracklet_info, video_info
from gallery.disk.files import is_of
from gallery.disk.media import pending_thumbnails, thumbnails_directory
from gallery.errors import Conflict, InvalidInput, NotFound
from gallery.records.cameras import CameraChanges, CameraInfo, CameraSettings
from gallery.records.coverage import Coverage
from gallery.records.searching import DamagedSegment, Filters
from gallery.records.tracklets import TrackletInfo
from gallery.records.videos import ModelInfo, VideoInfo
from gallery.sql.chain import add_event
from gallery.sql.copying import copied
from gallery.sql.database import Database, batches
from gallery.sql.erasure_tables import PartErased
from gallery.sql.sight import ALL, Sight
from gallery.sql.tables import Camera, Clip, Model, SegmentVideo, Tracklet, Video
from gallery.validation import is_tracklet_id, known_id

MAX_LISTED = 1001  # the largest page of the API, and one more that tells whether there is another


class Catalogue:
    """Cameras, videos and tracklets by id and name; whatever is erased, or out of sight, is not found."""

    def __init__(self, database: Database, data_dir: Path, sight: Sight = ALL) -> None:
        self._database = database
        self._data_dir = data_dir
        self._sight = sight

    def add_camera(
        self, name: str, *, key_id: str | None = None, **settings: Unpack[CameraSettings]
    ) -> CameraInfo:
        """Record a camera under a unique name, and that `key_id` added it.

        Raises:
            Conflict: a camera has this name.
            InvalidInput: a value that is out of range or invalid.
        """
        values = camera_values({"name": name, **settings})
        row = Camera(**values, created_at=datetime.now(UTC))
        with _unique_name(values["name"]), self._database.write() as session:
            session.add(row)
            session.flush()
            add_event(session, "camera.add", key_id=key_id, subject=row.name)
        return copied(CameraInfo, row)

    def get_or_add_camera(self, name: str, **settings: Unpack[CameraSettings]) -> CameraInfo:
        """Return the camera of this name, as it is; record it when there is none.

        Raises:
            InvalidInput: a value that is out of range or invalid.
        """
        try:
            return self.camera_named(name)
        except NotFound:
            with suppress(Conflict):  # somebody else was faster
                return self.add_camera(name, **settings)
            return self.camera_named(name)

    def update_camera(
        self, camera_id: int, *, key_id: str | None = None, **changes: Unpack[CameraChanges]
    ) -> CameraInfo:
        """Change what is known of a camera: what is not named stays. Videos keep what they were indexed with.

        Raises:
            NotFound: no such camera.
            Conflict: another camera has the new name.
            InvalidInput: a value that is out of range or invalid.
        """
        self._sight.require(camera_id, f"no camera {camera_id}")
        with _unique_name(changes.get("name")), self._database.write() as session:
            return camera_rows.change(session, camera_id, changes, key_id)

    def remove_camera(self, camera_id: int, *, key_id: str | None = None) -> None:
        """Remove a camera, with the recordings of jobs that ended without a video of it.

        Raises:
            NotFound: no such camera.
            Conflict: it has videos, or recordings that wait or are being indexed.
        """
        self._sight.require(camera_id, f"no camera {camera_id}")
        try:
            with self._database.write() as session:
                camera_rows.remove(session, camera_id, key_id)
        except IntegrityError as error:
            raise Conflict(f"camera {camera_id} is being used") from error

    def camera(self, camera_id: int) -> CameraInfo:
        """Return a camera, or raise NotFound."""
        with self._database.read() as session:
            found = camera_rows.camera_row(session, camera_id)
        self._sight.require(found.id, f"no camera {camera_id}")
        return copied(CameraInfo, found)

    def camera_named(self, name: str) -> CameraInfo:
        """Return the camera of this name, or raise NotFound."""
        try:
            known_as = camera_name(name)
        except InvalidInput as error:
            raise NotFound(f"no camera {name!r}"[:200]) from error
        with self._database.read() as session:
            row = _camera_named(session, known_as)
        if row is None:
            raise NotFound(f"no camera {name!r}")
        self._sight.require(row.id, f"no camera {name!r}")
        return copied(CameraInfo, row)

    def require_site(self, name: str) -> None:
        """Raise NotFound unless a camera is at the site of this name."""
        with self._database.read() as session:
            ids = session.scalars(select(Camera.id).where(Camera.site == name)).all()
        if not ids:
            raise NotFound(f"no site {name!r}")
        self._sight.require(next(filter(self._sight.sees, ids), ids[0]), f"no site {name!r}")

    def cameras(self) -> list[CameraInfo]:
        """Return all cameras, by name."""
        query = select(Camera).where(*self._sight.among(Camera.id)).order_by(Camera.name)
        with self._database.read() as session:
            return [copied(CameraInfo, row) for row in session.scalars(query)]

    def models(self) -> list[ModelInfo]:
        """Return the models whose embeddings were ever written, oldest first.

        The card of an adapted one names cameras and recordings: a limited sight does not get that part.
        """
        hidden = {"adaptation"} if self._sight.limited else frozenset[str]()
        with self._database.read() as session:
            rows = session.scalars(select(Model).order_by(Model.created_at, Model.id))
            return [
                copied(ModelInfo, row, card={key: row.card[key] for key in row.card if key not in hidden})
                for row in rows
            ]

    def videos(
        self, *, camera_id: int | None = None, after: str | None = None, limit: int = 100
    ) -> list[VideoInfo]:
        """List videos in the order of their ids; `after` is the last id of the page before."""
        query = select(Video).where(*self._sight.among(Video.camera_id))
        query = query.order_by(Video.id).limit(_checked_limit(limit))
        if camera_id is not None:
            query = query.where(Video.camera_id == self.camera(camera_id).id)
        if after is not None:
            query = query.where(Video.id > known_id(after, "video"))
        with self._database.read() as session:
            return [video_info(row) for row in session.scalars(query)]

    def video(self, video_id: str) -> VideoInfo:
        """Return a video, or raise NotFound."""
        with self._database.read() as session:
            return video_info(_video(session, video_id, self._sight))

    def find_video(self, content_hash: str) -> VideoInfo | None:
        """Return the video whose file has this SHA-256, if there is one."""
        if not _is_hash(content_hash):
            return None
        with self._database.read() as session:
            mine = (Video.content_hash == content_hash, *self._sight.among(Video.camera_id))
            row = session.scalar(select(Video).where(*mine))
            return None if row is None else video_info(row)

    def is_indexed(self, content_hash: str, model_id: str) -> VideoInfo | None:
        """Return the video whose file has this SHA-256, if it has embeddings of this model."""
        if not _is_hash(content_hash):
            return None
        query = select(Video).join(SegmentVideo).where(Video.content_hash == content_hash)
        query = query.where(*self._sight.among(Video.camera_id))
        with self._database.read() as session:
            row = session.scalar(query.where(SegmentVideo.model_id == model_id))
            return None if row is None else video_info(row)

    def tracklet(self, tracklet_id: str, *, with_boxes: bool = False) -> TrackletInfo:
        """Return a tracklet with its clips, and its boxes if asked for; or raise NotFound."""
        if not is_tracklet_id(tracklet_id):
            raise NotFound(f"no tracklet {tracklet_id!r}"[:200])
        with self._database.read() as session:
            row = session.get(Tracklet, tracklet_id)
            if row is None:
                raise NotFound(f"no tracklet {tracklet_id}")
            video = session.get_one(Video, row.video_id)
            self._sight.require(video.camera_id, f"no tracklet {tracklet_id}")
            clips = session.scalars(select(Clip).where(Clip.tracklet_id == row.id).order_by(Clip.number))
            return tracklet_info(row, video, list(clips), with_boxes=with_boxes)

    def tracklets(self, ids: Sequence[str]) -> dict[str, TrackletInfo]:
        """Return those of the tracklets that are there, with their clips, by id."""
        wanted = sorted({i for i in ids if is_tracklet_id(i)})
        found: dict[str, TrackletInfo] = {}
        with self._database.read() as session:
            for some in batches(wanted):
                query = select(Tracklet).where(Tracklet.id.in_(some))
                if self._sight.limited:
                    query = query.join(Video).where(*self._sight.among(Video.camera_id))
                found |= {
                    t.id: t for t in _with_clips(session, session.scalars(query.options(_NO_BOXES)).all())
                }
        return found

    def tracklets_of(
        self, video_id: str, *, after: int = -1, limit: int = MAX_LISTED, with_boxes: bool = False
    ) -> list[TrackletInfo]:
        """List the tracklets of a video by number, with their boxes if asked for.

        `after` is the last number of the page before.

        Raises:
            NotFound: no such video.
        """
        query = select(Tracklet).where(Tracklet.video_id == video_id, Tracklet.number > after)
        query = query.order_by(Tracklet.number).limit(_checked_limit(limit))
        if not with_boxes:
            query = query.options(_NO_BOXES)
        with self._database.read() as session:
            _video(session, video_id, self._sight)
            return _with_clips(session, session.scalars(query).all(), with_boxes=with_boxes)

    def tracklet_numbers(self, video_id: str) -> list[int]:
        """List the numbers of a video's tracklets; those of erased ones are missing. Raises NotFound."""
        query = select(Tracklet.number).where(Tracklet.video_id == video_id).order_by(Tracklet.number)
        with self._database.read() as session:
            _video(session, video_id, self._sight)
            return list(session.scalars(query))

    def erased_stretches(self, video_id: str) -> list[tuple[int, int]]:
        """List the stretches that were erased from a video, in µs since its first frame."""
        query = select(PartErased.start_us, PartErased.end_us).where(PartErased.video_id == video_id)
        with self._database.read() as session:
            if self._sight.limited:
                _video(session, video_id, self._sight)
            found = session.execute(query.where(PartErased.start_us.is_not(None))).all()
        return sorted((start, end) for start, end in found if start is not None and end is not None)

    def coverage(
        self,
        filters: Filters,
        model_id: str,
        *,
        damaged: Sequence[DamagedSegment] = (),
        change: int | None = None,
    ) -> Coverage:
        """Say what of each camera an answer under these filters rests on.

        `damaged` and `change` as in the ranking: what became searchable after that was not searched.

        Raises:
            InvalidInput: a time without a zone.
        """
        with self._database.read() as session:
            segments = [one.segment_id for one in damaged]
            return coverage.measure(session, filters, model_id, segments, change, self._sight)

    def thumbnail_path(self, tracklet_id: str) -> Path:
        """Return the file of a tracklet's thumbnail strip (JPEG), or raise NotFound."""
        if not is_tracklet_id(tracklet_id):
            raise NotFound(f"no tracklet {tracklet_id!r}"[:200])
        missing = f"no thumbnail of tracklet {tracklet_id}"
        with self._database.read() as session:
            row = session.get(Tracklet, tracklet_id, options=[_NO_BOXES])
            if row is not None:
                self._sight.require(session.get_one(Video, row.video_id).camera_id, missing)
        if row is not None:
            name = f"{row.number}.jpg"
            # The strips of a video that was indexed anew wait beside the old ones until they are put there.
            waiting = pending_thumbnails(self._data_dir, row.video_id) / name
            if is_of(waiting, row.thumbnail_sha256):
                return waiting
            path = thumbnails_directory(self._data_dir, row.video_id) / name
            if path.is_file():
                return path
        raise NotFound(missing)


_NO_BOXES = defer(Tracklet.boxes, raiseload=True)


def _is_hash(text: str) -> bool:
    return re.fullmatch("[0-9a-f]{64}", text) is not None


@contextmanager
def _unique_name(name: str | None) -> Iterator[None]:
    """Turn the database's complaint about a second camera of a name into a Conflict."""
    try:
        yield
    except IntegrityError as error:
        raise Conflict(f"there is a camera {name!r} already") from error


def _camera_named(session: Session, name: str) -> Camera | None:
    return session.scalar(select(Camera).where(Camera.name == name))


def _video(session: Session, video_id: str, sight: Sight) -> Video:
    row = session.get(Video, known_id(video_id, "video"))
    if row is None:
        raise NotFound(f"no video {video_id}")
    sight.require(row.camera_id, f"no video {video_id}")
    return row


def _with_clips(
    session: Session, rows: Sequence[Tracklet], *, with_boxes: bool = False
) -> list[TrackletInfo]:
    """Join tracklets with their clips and videos: one query a table."""
    clips = defaultdict(list)
    query = select(Clip).where(Clip.tracklet_id.in_([row.id for row in rows])).order_by(Clip.number)
    for clip in session.scalars(query):
        clips[clip.tracklet_id].append(clip)
    video_ids = {row.video_id for row in rows}
    videos = {row.id: row for row in session.scalars(select(Video).where(Video.id.in_(video_ids)))}
    return [tracklet_info(row, videos[row.video_id], clips[row.id], with_boxes=with_boxes) for row in rows]


def _checked_limit(limit: int) -> int:
    if not 1 <= limit <= MAX_LISTED:
        raise InvalidInput(f"limit must be 1 to {MAX_LISTED}, not {limit}")
    return limit
