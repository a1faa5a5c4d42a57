"""The door: everything that is recorded is reached through a Gallery."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, Unpack

from sqlalchemy import func, select

from gallery.backup.backup import BackupReport, back_up
from gallery.backup.restoring import restore
from gallery.catalogue.audit import Audit
from gallery.catalogue.catalogue import Catalogue
from gallery.catalogue.figures import figures
from gallery.catalogue.groups import Groups
from gallery.catalogue.holds import Holds
from gallery.catalogue.keys import Keys
from gallery.catalogue.known_objects import known_objects
from gallery.catalogue.sessions import Sessions
from gallery.database_urls import shown
from gallery.disk.files import make_private
from gallery.disk.places import Places
from gallery.disk.reserve import Reserve
from gallery.erasure.erasing import Erasures
from gallery.erasure.retention import RetentionRules
from gallery.erasure.settling import settle
from gallery.investigation.cases import Cases
from gallery.investigation.marks import Marks
from gallery.investigation.probes import Probes
from gallery.investigation.searches import Searches
from gallery.investigation.then import videos_then
from gallery.jobs.failures import Failures
from gallery.jobs.jobs import Jobs
from gallery.jobs.watching import WatchedFiles
from gallery.jobs.webhooks import Webhooks
from gallery.records.erasure import ErasureKind, ErasureTarget
from gallery.records.figures import Figures
from gallery.records.models import Comparison
from gallery.records.searches import SearchInfo, StillThere
from gallery.records.videos import ModelInfo, VideoChanges, VideoInfo
from gallery.registry.calibrations import Calibrations
from gallery.registry.comparison import compare_tracklets
from gallery.registry.models import Models
from gallery.settings import GallerySettings, ObjectSettings
from gallery.sql import schema
from gallery.sql.checking import check_database
from gallery.sql.condition import folder_takes_writes, takes_writes
from gallery.sql.database import Database, create_engine_for
from gallery.sql.sight import ALL, Sight
from gallery.sql.tables import Segment, SegmentVideo, Video
from gallery.upkeep.faults import Mended
from gallery.upkeep.mending import mend
from gallery.upkeep.strips import Strips
from gallery.upkeep.verify import VerifyReport, verify
from gallery.vectors.milvus import Milvus
from gallery.vectors.segments import Segments
from gallery.vectors.snapshot import Snapshot
from gallery.vectors.snapshots import Snapshots
from gallery.writing.adaptations import Adaptations
from gallery.writing.cluster import Clustered, Clustering, ClusteringReport, cluster_next, look_at_clusters
from gallery.writing.compact import DEFAULT_MAX_TRACKLETS, CompactionReport, compact
from gallery.writing.correct import correct_video
from gallery.writing.features import FeatureWriter
from gallery.writing.migrating import VectorMigration, migrate_vectors
from gallery.writing.sweep import SweepReport, sweep
from gallery.writing.writer import VideoWriter


class Gallery:
    """All that can be searched, and the record of what was done with it. Safe to share between threads.

    Attributes:
        data_dir: where the files lie; what is inside is the gallery's own affair.
        places: opens recordings, wherever they lie.
        catalogue: cameras, videos and tracklets.
        jobs: requests to index recordings.
        failures: their recordings that failed, to be tried again.
        watched: files of watched folders that became jobs.
        webhooks: who is told that a job has ended.
        keys: the keys of the API.
        sessions: who is signed in on the page.
        audit: what was done, by whom.
        probes: uploaded images.
        searches: asked questions and their answers.
        cases: photos, searches and notes that belong together.
        marks: verdicts on hits.
        adaptations: folders in which models learn the cameras of the gallery.
        groups: of cameras, which keys may be limited to.
        models: which are kept here, and which of them is in use.
        erasures: plans and certificates of what is to be gone.
        holds: what may not be erased.
        retention: rules by which things go by themselves.
        calibrations: what marks and tracklets of the gallery say of models' probabilities.
        strips: thumbnail strips that are not what was written, to be drawn anew.
    """

    def __init__(
        self,
        database: Database,
        data_dir: Path,
        sight: Sight = ALL,
        segments: Segments | None = None,
        places: Places | None = None,
    ) -> None:
        self._database = database
        self._sight = sight
        self.data_dir = data_dir
        self.places = places or Places(ObjectSettings(object_roots=()), data_dir)
        self._segments = segments = segments or Segments(data_dir)
        self._clustering = Clustering()
        self.catalogue = Catalogue(database, data_dir, sight)
        self.jobs = Jobs(database, sight=sight)
        self.failures = Failures(database, self.jobs, sight)
        self.watched = WatchedFiles(database)
        self.webhooks = Webhooks(database)
        self.keys = Keys(database)
        self.sessions = Sessions(database)
        self.groups = Groups(database)
        self.audit = Audit(database)
        self.probes = Probes(database, data_dir)
        self.searches = Searches(database, sight)
        self.cases = Cases(database, sight)
        self.marks = Marks(database, sight)
        self.models = Models(database, segments, sight)
        self.calibrations = Calibrations(database, sight)
        self.adaptations = Adaptations(database, data_dir)
        self.strips = Strips(database, data_dir)
        self._snapshots = Snapshots(database, segments)
        self.erasures = Erasures(database, segments, self._snapshots)
        self.holds = Holds(database)
        self.retention = RetentionRules(database)

    @classmethod
    def open(cls, settings: GallerySettings, *, create: bool = False) -> "Gallery":
        """Open the gallery that the settings name.

        Args:
            settings: where it lies.
            create: bring the database to the newest schema first, making it if need be, and sweep.

        Raises:
            SchemaMismatch: the database is not at the schema this code was written for.
            CatalogueUnavailable: the database cannot be reached.
            VectorsUnavailable: with `create`, Milvus cannot be reached where vectors are to go there.
        """
        if create:
            make_private(settings.data_dir)
            schema.upgrade(settings.resolved_database_url)
        database = Database(create_engine_for(settings))
        try:
            schema.check(database)
        except BaseException:
            database.close()
            raise
        data_dir = settings.data_dir.absolute()
        places = Places(settings, data_dir, others=partial(known_objects, database))
        gallery = cls(database, data_dir, segments=_segments(settings), places=places)
        gallery.erasures.folder = settings.erasure_dir
        gallery._clustering = Clustering(settings.exact_tracklets, settings.recall)
        if create:
            try:
                gallery.check_vectors()
            except BaseException:
                gallery.close()
                raise
            gallery.sweep()
            Reserve(gallery.data_dir).keep()
        return gallery

    def limited_to(self, camera_ids: frozenset[int]) -> "Gallery":
        """Return this gallery as one that holds nothing but these cameras, for who may see no others.

        What is of other cameras is not found, and moves no count, rank, score or probability. Each room asks
        `gallery.sql.sight.Sight`. Keys, groups and the audit trail are those of the whole gallery, and models
        too, as they are.
        """
        limited = Gallery(self._database, self.data_dir, Sight(camera_ids), self._segments, self.places)
        limited.audit, limited.keys, limited._snapshots = self.audit, self.keys, self._snapshots
        limited.erasures = self.erasures
        return limited

    @property
    def is_limited(self) -> bool:
        """Whether some cameras may be out of sight."""
        return self._sight.limited

    @property
    def database_name(self) -> str:
        """The URL of the database, without its password."""
        return shown(self._database.engine.url)

    @property
    def database_kind(self) -> str:
        """The kind of database: sqlite or postgresql."""
        return self._database.engine.dialect.name

    def writer(self, content_hash: str, model: ModelInfo) -> VideoWriter:
        """Make a writer for the video whose file has this SHA-256 (hex). Use it as a context manager.

        Raises:
            InvalidInput: no such hash or model can be.
        """
        return VideoWriter(self._database, self._segments, content_hash, model)

    def feature_writer(self, video: VideoInfo, model: ModelInfo) -> FeatureWriter:
        """Make a writer for another model's features of a video that is here. Use it as a context manager.

        Raises:
            InvalidInput: no such model can be.
        """
        return FeatureWriter(self._database, self._segments, video, model)

    def snapshot(self, model_id: str) -> Snapshot:
        """Return what can be searched now: every change committed before this call is in it.

        Asking again costs one small query while nothing changes. A model that nothing was indexed with has an
        empty snapshot.

        Segments that are missing or damaged are left out, and it names them.
        """
        return self._snapshots.seen(model_id, self._sight)

    def loaded_snapshot(self, model_id: str) -> tuple[int, float, int] | None:
        """Change, age in seconds and tracklets of the snapshot in memory; None: there is none."""
        return self._snapshots.loaded(model_id)

    def figures(self) -> Figures:
        """Count what the gallery holds, and how its jobs stand."""
        with self._database.read() as session:
            return figures(session)

    def searched_videos(self, search: SearchInfo) -> frozenset[str]:
        """Return the ids of the videos that a search was asked among and that are still here."""
        sight = self._sight.through(search.cameras)
        with self._database.read() as session:
            return videos_then(session, search.model_id, search.change, search.created_at, sight)

    def still_there(self, search: SearchInfo, tracklet_ids: Sequence[str]) -> StillThere:
        """Return those of the tracklets that are still what a search saw.

        Erased ones are not, nor are others that got their ids when recordings were indexed anew.
        """
        found = self.catalogue.tracklets(tracklet_ids)
        same = {one.id: one for one in found.values() if search.saw(one)}
        return StillThere(same, frozenset(found.keys() - same.keys()))

    def snapshot_of(self, search: SearchInfo) -> Snapshot:
        """Return the snapshot that a search was asked in, without what was erased since.

        It ranks as it did then while nothing is erased, corrected or indexed anew, whatever came since.
        """
        held = self.searched_videos(search)
        return self._snapshots.then(search.model_id, search.change, held, self._sight.through(search.cameras))

    def compare(self, before: str, after: str, *, probes: int = 200) -> Comparison:
        """Ask two models (by id) for the same tracklets: what would change if the second were in use."""
        return compare_tracklets(self.snapshot(before), self.snapshot(after), probes=probes)

    def forget(self, model_id: str) -> None:
        """Let go of a model's vectors in memory, once nobody is expected to search them soon."""
        self._snapshots.forget(model_id)

    def correct_video(
        self, video_id: str, *, key_id: str | None = None, **changes: Unpack[VideoChanges]
    ) -> VideoInfo:
        """Correct what was recorded of a video, without embedding it again; what is not named stays.

        Searches that begin afterwards find it at its right time and camera. The audit event is part of it.

        Raises:
            NotFound: no such video or camera.
            InvalidInput: a value that cannot be stored.
            Conflict: the path of a recording that was uploaded.
            CorruptSegment: the segment that holds its vectors is damaged; nothing was changed.
        """
        if self.is_limited:
            self.catalogue.video(video_id)  # or NotFound: it is not seen
            if "camera_id" in changes:
                self.catalogue.camera(changes["camera_id"])
        return correct_video(self._database, self._segments, video_id, changes, key_id)

    def erase_video(self, video_id: str, *, key_id: str | None = None) -> int:
        """Remove a video and all that was made from it: no search that begins afterwards finds it.

        Returns:
            How many marks of searches went with it.

        Raises:
            NotFound: no such video.
            Held: a legal hold keeps it.
        """
        if self.is_limited:
            self.catalogue.video(video_id)  # or NotFound: it is not seen
        target = ErasureTarget(kind=ErasureKind.RECORDINGS, ids=(video_id,))
        done = self.erasures.erase(target, key_id=key_id)
        return int(done.certificate["counts"]["marks"])

    def segment_count(self) -> int:
        """Count the segments of all models: many small ones are worth compacting."""
        with self._database.read() as session:
            return session.execute(select(func.count()).select_from(Segment)).scalar_one()

    def compact(self, *, max_tracklets: int = DEFAULT_MAX_TRACKLETS) -> CompactionReport:
        """Merge small segments up to `max_tracklets` each, and take erased vectors from the disk.

        Damaged segments stay as they are; the report names them. Erasures that have left the disk wholly then
        say so.
        """
        report = compact(self._database, self._segments, max_tracklets=max_tracklets)
        if settled := self._settle():
            report = replace(report, settled=len(settled))
        return report

    def cluster(self) -> ClusteringReport:
        """Make the clusters by which a large segment is searched approximately, if one still wants some.

        Only where the model's gallery has as many tracklets as the settings say; where it has fewer, they are
        removed. It takes seconds to minutes; call it again until nothing is made. Without clusters every
        search is exact.
        """
        return cluster_next(self._database, self._segments, self._clustering)

    def clustered(self) -> Clustered:
        """Say how much is searched by clusters, and how well."""
        return look_at_clusters(self._segments)

    def migrate_vectors(
        self, into_milvus: bool, progress: Callable[[int, int], None] = lambda _done, _all: None
    ) -> VectorMigration:
        """Move all vectors into Milvus or out of it, comparing each; again goes on with those that are left.

        `progress` is told how many segments have been looked at, of how many. Searches go on meanwhile.

        Raises:
            InvalidInput: nothing says where Milvus is.
            VectorsUnavailable: it cannot be reached; what was moved stays so.
        """
        segments = self._segments.towards(into_milvus)
        segments.check()
        return migrate_vectors(self._database, segments, progress)

    def _settle(self) -> list[str]:
        if not self.erasures.certificates.waiting():
            return []
        self.sweep()
        return [] if self._segments.is_waiting() else settle(self._database, self.data_dir)

    def sweep(self) -> SweepReport:
        """Remove what processes left behind that died; safe at any time."""
        self.adaptations.sweep()
        return sweep(self._database, self._segments)

    def verify(self) -> VerifyReport:
        """Look for whatever is wrong: reads all rows, all vectors and all files, and the audit trail."""
        return verify(self._database, self._segments, self.places)

    def mend(self, report: VerifyReport) -> Mended:
        """Mend what needs no recording: remove what nothing names, put right what follows from other rows."""
        counts = {"unnamed": len(report.unnamed), "empty": len(report.empty), "damaged": len(report.damaged)}
        self.audit.record("gallery.repair", detail=counts)
        return mend(self._database, self._segments, report)

    def check_vectors(self) -> str | None:
        """Return the version of Milvus where vectors go there; None where they go into files.

        Raises:
            VectorsUnavailable: it cannot be reached.
        """
        return self._segments.check()

    def check_database(self) -> list[str]:
        """Say what the database finds wrong with itself: a sentence each, none when it is sound.

        SQLite checks its file and its references; a PostgreSQL server has tools of its own for that.

        Raises:
            CatalogueDamaged: so much is damaged that it cannot even be checked.
        """
        return check_database(self._database)

    @property
    def schema_version(self) -> str:
        """The version of the schema that this program needs."""
        return schema.HEAD

    def schema_found(self) -> str | None:
        """The version that the database has now: it may be migrated under a running program. None: none."""
        return schema.revision(self._database)

    def unwritable(self) -> Literal["database", "folder"] | None:
        """Say what takes no writes, the database or the data folder; None: both do."""
        if not takes_writes(self._database):
            return "database"
        return None if folder_takes_writes(self.data_dir) else "folder"

    def holds_features_of(self, model_id: str) -> bool:
        """Tell whether a video has features of this model; true of a gallery without videos, too."""
        with self._database.read() as session:
            has = select(SegmentVideo.video_id).where(SegmentVideo.model_id == model_id).limit(1)
            return session.scalar(has) is not None or session.scalar(select(Video.id).limit(1)) is None

    def back_up(self, target: Path) -> BackupReport:
        """Copy the gallery into a new directory while it is used; `Gallery.restore` makes a gallery of it.

        It is recorded before anything is copied, so the copy tells of itself, and none is made unrecorded.

        Raises:
            Conflict: the directory is not empty.
            VectorsUnavailable: Milvus, which has vectors, cannot be reached.
            OSError: something cannot be read or written.
        """
        self.audit.record("gallery.backup", detail={"to": target.name})
        return back_up(self._database, self._segments, target)

    @staticmethod
    def restore(settings: GallerySettings, source: Path) -> BackupReport:
        """Make the gallery that the settings name from a backup; there must be none yet.

        Where vectors go into Milvus, those of the backup do too, in the end: what cannot be moved then stays
        in files, which are searched likewise.

        Raises:
            InvalidInput: no backup, or a file of it is not what was written.
            Conflict: there is a gallery already.
            VectorsUnavailable: Milvus cannot be reached where vectors are to go there; before anything is
                restored, or after all is, in files.
        """
        segments = _segments(settings)
        try:
            segments.check()
        finally:
            segments.close()
        report = restore(settings, source)
        if segments.into_milvus:
            with Gallery.open(settings) as restored:
                restored.migrate_vectors(into_milvus=True)
        return report

    def close(self) -> None:
        """Close all connections: to the database, to Milvus, and to the object store."""
        self.places.close()
        self._segments.close()
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _segments(settings: GallerySettings) -> Segments:
    milvus = None if settings.milvus_uri is None else Milvus.named(settings)
    return Segments(settings.data_dir.absolute(), milvus, into_milvus=settings.vectors == "milvus")
