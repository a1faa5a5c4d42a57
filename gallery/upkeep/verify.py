"""Verifying: is everything that the catalogue names as it was written, and the catalogue itself?

Reads all rows, all files in the gallery's folder and all vectors, but recordings that were indexed in place.
What is erased, compacted or swept meanwhile is no fault.
"""

from dataclasses import dataclass

from sqlalchemy import select

from gallery.disk.places import Places
from gallery.sql.checking import check_database, missing_refusals
from gallery.sql.database import Database
from gallery.sql.tables import Model, Probe, Segment, Video
from gallery.upkeep.faults import DamagedVideo, Fault, Part, Unnamed
from gallery.upkeep.files import check_model, check_probe, check_video
from gallery.upkeep.findings import Findings
from gallery.upkeep.leftovers import find_leftovers
from gallery.upkeep.recordings import check_recordings
from gallery.upkeep.rows import check_rows
from gallery.upkeep.segments import check_clusters, check_segment
from gallery.upkeep.trail import check_audit
from gallery.vectors.segments import Segments


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was looked at, and what is wrong.

    Attributes:
        segments, vector_bytes, vectors, videos, rows, events: how much was compared.
        unsealed: videos whose rows have no checksum: an earlier version wrote them.
        lost: strips that repair has marked as lost, as their recordings are gone.
        away: recordings, indexed in place, that are not where they were.
        faults: everything that is wrong.
        damaged: videos with damaged vectors or rows.
        strips: videos with thumbnail strips that are not what was written, or marked as lost.
        unnamed, empty, clusters: what `mend` puts right; see `Findings`.
    """

    segments: int
    vector_bytes: int
    vectors: int
    videos: int
    rows: int
    events: int
    unsealed: int
    lost: int
    away: int
    faults: tuple[Fault, ...]
    damaged: tuple[DamagedVideo, ...]
    strips: tuple[str, ...]
    unnamed: tuple[Unnamed, ...]
    empty: tuple[str, ...]
    clusters: tuple[str, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """A sentence for everything that is wrong."""
        return tuple(fault.what for fault in self.faults)


def verify(database: Database, kept: Segments, places: Places) -> VerifyReport:
    """Compare everything with its checksum, with what embeddings can be, and with the rest of the record."""
    found, data_dir = Findings(), kept.data_dir
    for problem in check_database(database):
        found.add(Part.ROWS, problem, advice="restore a backup")
    for problem in missing_refusals(database):
        found.add(Part.AUDIT, problem, advice="find out who took that away, and restore a backup")
    with database.read() as session:
        segments = list(session.scalars(select(Segment).order_by(Segment.id)))
        videos = list(session.scalars(select(Video.id).order_by(Video.id)))
        probes = list(session.scalars(select(Probe.id).order_by(Probe.id)))
        models = list(session.scalars(select(Model.id).where(Model.files.is_not(None)).order_by(Model.id)))
    for segment in segments:
        check_segment(database, kept, segment, found)
        check_clusters(kept, segment.id, found)
    for video_id in videos:
        check_video(database, data_dir, video_id, found)
    for probe_id in probes:
        check_probe(database, data_dir, probe_id, found)
    for model_id in models:
        check_model(database, data_dir, model_id, found)
    check_rows(database, data_dir, found)
    check_recordings(database, places, found)
    events = check_audit(database, found)
    find_leftovers(database, data_dir, found)
    return VerifyReport(
        segments=len(segments),
        vector_bytes=found.vector_bytes,
        vectors=found.vectors,
        videos=len(videos),
        rows=found.rows,
        events=events,
        unsealed=found.unsealed,
        lost=found.lost,
        away=found.away,
        faults=tuple(found.faults),
        damaged=tuple(sorted(found.damaged, key=lambda one: (one.video_id, one.model_id))),
        strips=tuple(sorted(found.strips - {one.video_id for one in found.damaged})),
        unnamed=tuple(sorted(found.unnamed, key=lambda one: (one.segment_id, one.video_id))),
        empty=tuple(sorted(found.empty)),
        clusters=tuple(sorted(found.clusters)),
    )
