"""The SQL catalogue: every table of the record. Alembic migrations alone change the schema.

Ids that leave the system are strings; a video's id is the head of its content hash and a tracklet's id is the
video's id and a running number, so indexing the same file again yields the same rows.
Times are UTC. Times inside a video are microseconds since its first frame, from PTS and time base.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, composite, mapped_column

from gallery.records.jobs import FiledFile
from gallery.sql.access_tables import CameraGroup, CameraGroupMember, SignIn  # noqa: F401  (part of METADATA)
from gallery.sql.base import Base
from gallery.sql.calibration_table import Calibration  # noqa: F401  (part of METADATA)
from gallery.sql.case_tables import CaseFile, CaseItem, CaseNote  # noqa: F401  (part of METADATA)
from gallery.sql.erasure_tables import (  # noqa: F401  (part of METADATA)
    Erasure,
    LegalHold,
    PartErased,
    RetentionRule,
)
from gallery.sql.job_tables import Watched, Webhook, WebhookDelivery  # noqa: F401  (part of METADATA)


class GalleryState(Base):
    """One row: the change sequence.

    The transaction that makes a change visible increments it, so the row lock puts changes in commit order
    and a reader that has seen change n has seen every change before n.
    """

    __tablename__ = "gallery_state"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    change: Mapped[int] = mapped_column(BigInteger)


class Camera(Base):
    """A fixed viewpoint."""

    __tablename__ = "camera"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    site: Mapped[str | None]
    time_zone: Mapped[str]  # IANA name; only for showing local time
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    detector_input: Mapped[int | None]  # long side of the detector's input; None = default
    pixel_aspect: Mapped[float | None]  # width / height of a pixel where the file does not say; None = square
    created_at: Mapped[datetime]


class Video(Base):
    """One recorded file of one camera."""

    __tablename__ = "video"
    __table_args__ = (
        Index("ix_video_camera_start", "camera_id", "start_time"),
        Index("ix_video_path", "path", postgresql_using="hash"),  # a tree takes 2,700 bytes at most
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)  # first 32 hex digits of content_hash
    content_hash: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256 of the file
    camera_id: Mapped[int] = mapped_column(ForeignKey("camera.id"))
    file_name: Mapped[str]
    path: Mapped[str]  # where the recording lies now
    owned: Mapped[bool]  # uploaded to us: erasing the video removes the file too
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    start_time: Mapped[datetime]
    end_time: Mapped[datetime]
    duration_us: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int]
    height: Mapped[int]
    frames_decoded: Mapped[int]
    frames_bad: Mapped[int]
    tracklet_count: Mapped[int]
    # The change that made its tracklets what they are: searches of changes before it saw other people under
    # the same ids. Stays where a video is indexed anew and the same tracklets are found.
    tracklets_change: Mapped[int] = mapped_column(BigInteger, server_default="0")
    report: Mapped[dict[str, Any]]  # a VideoReport
    indexed_at: Mapped[datetime]
    # What the file system said of the file when it was read; None: not known (imported, or an older gallery).
    file_mtime_ns: Mapped[int | None] = mapped_column(BigInteger)
    file_ctime_ns: Mapped[int | None] = mapped_column(BigInteger)
    file_inode: Mapped[int | None] = mapped_column(BigInteger)
    rows_sha256: Mapped[str | None] = mapped_column(String(64))  # see gallery.catalogue.digests; None: older


class VideoInterval(Base):
    """A stretch of time from which a video has pictures; between its intervals it has none.

    In µs since 1970, as in the columns of segments: coverage compares the intervals of many videos.
    """

    __tablename__ = "video_interval"

    video_id: Mapped[str] = mapped_column(ForeignKey("video.id", ondelete="CASCADE"), primary_key=True)
    start_us: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    end_us: Mapped[int] = mapped_column(BigInteger)


class Tracklet(Base):
    """One person followed without a break in one video."""

    __tablename__ = "tracklet"
    __table_args__ = (UniqueConstraint("video_id", "number"),)

    id: Mapped[str] = mapped_column(String(40), primary_key=True)  # "<video id>-<number>"
    video_id: Mapped[str] = mapped_column(ForeignKey("video.id", ondelete="CASCADE"))
    number: Mapped[int]  # from 0, in order of first appearance
    start_us: Mapped[int] = mapped_column(BigInteger)
    end_us: Mapped[int] = mapped_column(BigInteger)
    frame_count: Mapped[int]
    quality: Mapped[dict[str, Any]]  # median box height, sharpness, detector score
    boxes: Mapped[bytes] = mapped_column(LargeBinary)  # see gallery.catalogue.boxes
    thumbnail_sha256: Mapped[str | None] = mapped_column(String(64))  # None: written by an older version


class Clip(Base):
    """At most 32 consecutive sampled frames of a tracklet: what the video network embeds."""

    __tablename__ = "clip"

    tracklet_id: Mapped[str] = mapped_column(ForeignKey("tracklet.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    start_us: Mapped[int] = mapped_column(BigInteger)
    end_us: Mapped[int] = mapped_column(BigInteger)
    frame_count: Mapped[int]


class Model(Base):
    """A model that the gallery keeps, or holds embeddings of: networks + preprocessing + weights."""

    __tablename__ = "model"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)  # SHA-256 of the weights
    name: Mapped[str]
    dimension: Mapped[int]
    card: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    # SHA-256 by name of its files in gallery.disk.media.model_directory; None: only embeddings are here
    files: Mapped[dict[str, Any] | None]


class ModelVideo(Base):
    """A video that an adapted model learnt from; the row outlives the video, and then says when it went."""

    __tablename__ = "model_video"

    model_id: Mapped[str] = mapped_column(ForeignKey("model.id", ondelete="CASCADE"), primary_key=True)
    video_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    erased_at: Mapped[datetime | None]


class Promotion(Base):
    """A model became the one in use. The last promotion that was not undone says which model that is."""

    __tablename__ = "promotion"

    id: Mapped[int] = mapped_column(primary_key=True)
    model_id: Mapped[str] = mapped_column(ForeignKey("model.id", ondelete="CASCADE"))
    key_id: Mapped[str | None] = mapped_column(String(32))  # who did it
    change: Mapped[int] = mapped_column(BigInteger)  # the change that made it so
    created_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]


class Segment(Base):
    """An immutable directory of vectors: one video when written, several after compaction."""

    __tablename__ = "segment"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    model_id: Mapped[str] = mapped_column(ForeignKey("model.id"))
    tracklet_count: Mapped[int]
    clip_count: Mapped[int]
    change: Mapped[int] = mapped_column(BigInteger)  # the change that made it visible
    created_at: Mapped[datetime]
    manifest_sha256: Mapped[str | None] = mapped_column(String(64))  # None: written by an older version


class SegmentVideo(Base):
    """The videos in a segment; with `model_id`, each video is indexed with each model at most once."""

    __tablename__ = "segment_video"

    video_id: Mapped[str] = mapped_column(ForeignKey("video.id", ondelete="CASCADE"), primary_key=True)
    model_id: Mapped[str] = mapped_column(ForeignKey("model.id"), primary_key=True)
    segment_id: Mapped[str] = mapped_column(ForeignKey("segment.id"), index=True)
    # The change that made the video searchable with the model; compaction and corrections leave it as it is.
    # None: by an older version.
    change: Mapped[int | None] = mapped_column(BigInteger)


class Tombstone(Base):
    """A video erased from a segment that still holds its vectors until compaction."""

    __tablename__ = "tombstone"

    segment_id: Mapped[str] = mapped_column(ForeignKey("segment.id", ondelete="CASCADE"), primary_key=True)
    video_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    change: Mapped[int] = mapped_column(BigInteger)


class TrackletTombstone(Base):
    """A single tracklet erased from a segment that still holds its vectors until compaction."""

    __tablename__ = "tracklet_tombstone"

    segment_id: Mapped[str] = mapped_column(ForeignKey("segment.id", ondelete="CASCADE"), primary_key=True)
    video_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    change: Mapped[int] = mapped_column(BigInteger)


class Job(Base):
    """One request for work that takes long. Its state is derived from its recordings."""

    __tablename__ = "job"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12), server_default="index")  # index reindex adapt
    options: Mapped[dict[str, Any]] = mapped_column(server_default="{}")  # a ReindexOptions or AdaptOptions
    key_id: Mapped[str | None] = mapped_column(String(32))  # who filed it
    idempotency_key: Mapped[str | None] = mapped_column(unique=True)  # "<key_id>:<what the caller sent>"
    request_hash: Mapped[str] = mapped_column(String(64))
    cancel_requested: Mapped[bool]
    created_at: Mapped[datetime]


class JobRecording(Base):
    """One recording of a job: the unit that a worker leases.

    An adaptation learns from many recordings: its job has one row, of no camera.
    """

    __tablename__ = "job_recording"
    __table_args__ = (
        UniqueConstraint("job_id", "number"),
        Index("ix_job_recording_claim", "state", "lease_until"),
        Index("ix_job_recording_path", "path", postgresql_using="hash"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"))
    number: Mapped[int]
    camera_id: Mapped[int | None] = mapped_column(ForeignKey("camera.id"))
    path: Mapped[str]
    file_name: Mapped[str]
    owned: Mapped[bool]
    start_time: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(12))  # queued running succeeded skipped failed cancelled
    reason: Mapped[str | None]  # why it was skipped or failed
    video_id: Mapped[str | None] = mapped_column(String(32))
    attempts: Mapped[int]  # times leased; with `worker` the fence against late writes
    worker: Mapped[str | None]
    lost_workers: Mapped[list[Any]]  # names of those that let their lease run out, in order
    lease_until: Mapped[datetime | None]
    stage: Mapped[str | None]
    progress: Mapped[float]  # 0..1
    counters: Mapped[dict[str, Any]]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    filed: Mapped[FiledFile | None] = composite(
        mapped_column("filed_size", BigInteger, nullable=True),
        mapped_column("filed_mtime_ns", BigInteger, nullable=True),
        mapped_column("filed_ctime_ns", BigInteger, nullable=True),
        mapped_column("filed_sha256", String(64), nullable=True),
    )  # its file as it was then; None: nobody looked


class ApiKey(Base):
    """A key of the API: only its hash is stored."""

    __tablename__ = "api_key"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    name: Mapped[str]
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256 of a 256-bit random secret
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    scopes: Mapped[list[Any]]  # what it may do, values of Scope
    subject: Mapped[str | None] = mapped_column(
        unique=True, index=True
    )  # "<issuer>#<subject>" whom it stands for
    # Names of the camera groups that it is limited to; null: all cameras.
    camera_groups: Mapped[list[Any] | None]
    roles: Mapped[list[Any] | None]  # of its subject's last token, those that are mapped
    last_used_at: Mapped[datetime | None]  # to the minute


class Probe(Base):
    """An uploaded image and the persons found on it."""

    __tablename__ = "probe"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    key_id: Mapped[str | None] = mapped_column(String(32))
    image_hash: Mapped[str] = mapped_column(String(64))
    media_type: Mapped[str]
    width: Mapped[int]
    height: Mapped[int]
    persons: Mapped[list[Any]]  # of FoundPerson, best first
    created_at: Mapped[datetime]
    notices: Mapped[list[Any] | None]  # of Notice, about the photo; null in probes of before they were told


class Search(Base):
    """One asked question and its whole answer, so that pages never shift and it can be read again."""

    __tablename__ = "search"
    __table_args__ = (
        Index("ix_search_key_id", "key_id", "created_at", "id"),
        Index("ix_search_created_at", "created_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    key_id: Mapped[str | None] = mapped_column(String(32))
    query: Mapped[dict[str, Any]]  # a SearchQuery
    model_id: Mapped[str] = mapped_column(String(64))  # no foreign key: an empty gallery can be searched too
    model_name: Mapped[str]
    model_warning: Mapped[str | None]
    change: Mapped[int] = mapped_column(BigInteger)  # the snapshot that answered
    coverage: Mapped[dict[str, Any]]  # the coverage statement of the answer
    calibration: Mapped[dict[str, Any] | None]  # a SearchCalibration; null in searches of before it
    warnings: Mapped[list[Any]]
    hits: Mapped[list[Any]]  # of RecordedHit, best first
    created_at: Mapped[datetime]
    repeats: Mapped[dict[str, Any] | None]  # a SearchRepeat, if it asks an earlier search again
    marks_erased: Mapped[int] = mapped_column(server_default="0")  # marks that went with their recordings
    selections: Mapped[list[Any] | None]  # of Selection, one a probe; null in searches of before it
    notices: Mapped[list[Any] | None]  # of Notice, about the whole answer; null in searches of before it
    cameras: Mapped[list[Any] | None]  # ids of all that the caller saw, whatever was filtered; null: all


class Mark(Base):
    """A change of a mark: rows are added and undone, so that they are the history.

    Besides, a row takes what a second person says of it, the last word of which counts.

    The last row of a hit that is not undone is its mark; one without a verdict took the mark away.
    """

    __tablename__ = "mark"
    __table_args__ = (Index("ix_mark_search_id", "search_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    search_id: Mapped[str] = mapped_column(ForeignKey("search.id", ondelete="CASCADE"))
    tracklet_id: Mapped[str] = mapped_column(ForeignKey("tracklet.id", ondelete="CASCADE"), index=True)
    verdict: Mapped[str | None] = mapped_column(String(8))  # match not
    key_id: Mapped[str | None] = mapped_column(String(32))  # who did it
    created_at: Mapped[datetime]
    undone_by: Mapped[str | None] = mapped_column(String(32))
    undone_at: Mapped[datetime | None]
    confirmed_by: Mapped[str | None] = mapped_column(String(32))  # the second person's key
    confirmed_at: Mapped[datetime | None]
    agrees: Mapped[bool | None]  # whether the second person does


class AuditEvent(Base):
    """Who did what and when. Written before the answer leaves; see `gallery.sql.chain`. No row is changed."""

    __tablename__ = "audit_event"
    __table_args__ = (Index("ix_audit_event_subject", "subject", "id"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    at: Mapped[datetime]
    key_id: Mapped[str | None] = mapped_column(String(32))
    action: Mapped[str]
    subject: Mapped[str | None]
    detail: Mapped[dict[str, Any]]
    digest: Mapped[str] = mapped_column(String(64))  # of this event and the digest before it


class AuditHead(Base):
    """One row: the last audit event. Its lock puts events in the order in which they are hashed."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(String(64))


class AuditBase(Base):
    """One row once older events were removed: the last of those, which the first that is left is hashed with.

    The database refuses to remove it, to take it back, and to remove events beyond it.
    """

    __tablename__ = "audit_base"
    __table_args__ = (CheckConstraint("id = 1", name="single_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    event_id: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(String(64))


METADATA = Base.metadata  # of all tables above
