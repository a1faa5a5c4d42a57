"""Clusters for the large segments of large galleries, made and removed as the settings say.

One segment at a time, so that a worker can do it between recordings. They appear by one rename; a process
that dies leaves staging for the sweep. Then the change sequence goes on by one, so that searches see them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import func, select

from gallery.disk.files import move_durably, subdirectories
from gallery.disk.locks import Staging, only_one
from gallery.errors import CorruptSegment
from gallery.records.tracklets import FloatArray
from gallery.settings import EXACT_TRACKLETS, RECALL
from gallery.sql.changes import advance_change
from gallery.sql.database import Database
from gallery.sql.tables import Segment
from gallery.vectors.block import Rows
from gallery.vectors.clustering import Probes, make_clusters
from gallery.vectors.clusters import ClustersNote, DamagedClusters, read_note
from gallery.vectors.index import FlatVectors
from gallery.vectors.segment import MAPPED_FROM
from gallery.vectors.segments import Segments, clusters_root
from gallery.writing.compact import Source, sources

PROBES = 256  # tracklets that a search by clusters is measured with
_PROBE_SEGMENTS = 16  # segments that these come from, at most
OTHERS, OWN = "other cameras", "own camera"


@dataclass(frozen=True, slots=True)
class Clustering:
    """When clusters are made, and how good they are to be.

    Attributes:
        from_tracklets: models with fewer tracklets are searched exactly.
        goal: the share of the true best that a search is to find in each segment.
    """

    from_tracklets: int = EXACT_TRACKLETS
    goal: float = RECALL


@dataclass(frozen=True, slots=True)
class ClusteringReport:
    """What was done to clusters.

    Attributes:
        made: segment id and what its new clusters say of themselves; None: none were made.
        removed: how many segments lost theirs, as the gallery is not, or no longer, that large.
        damaged: segments that could not be read, or whose vectors are damaged.
    """

    made: tuple[str, ClustersNote] | None = None
    removed: int = 0
    damaged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Clustered:
    """How much of the gallery can be searched by clusters.

    Attributes:
        segments, tracklets: that can.
        recall: the least share of the true best that is found so, as measured; None: there are none.
        unsuited: segments that have clusters which find too little, and are searched exactly.
        damaged: segments whose clusters are damaged, and are searched exactly too.
    """

    segments: int = 0
    tracklets: int = 0
    recall: float | None = None
    unsuited: int = 0
    damaged: int = 0


def look_at_clusters(segments: Segments) -> Clustered:
    """Read what all clusters say of themselves."""
    notes, damaged = [], 0
    for directory in subdirectories(clusters_root(segments.data_dir)):
        try:
            notes.append(read_note(directory))
        except DamagedClusters:
            damaged += directory.exists()
    used = [note for note in notes if note.depths]
    return Clustered(
        segments=len(used),
        tracklets=sum(note.tracklets for note in used),
        recall=min((depth.recall for note in used for depth in note.depths), default=None),
        unsuited=len(notes) - len(used),
        damaged=damaged,
    )


def cluster_next(database: Database, segments: Segments, wanted: Clustering) -> ClusteringReport:
    """Make the clusters of one segment that wants some; remove those that are not wanted any more.

    Args:
        database: the catalogue.
        segments: where they lie.
        wanted: when, and how good.

    Raises:
        OSError: something cannot be written, such as on a full disk; nothing is left of it.
    """
    large = _large_models(database, wanted.from_tracklets)
    known = {directory.name for directory in subdirectories(clusters_root(segments.data_dir))}
    if not large and not known:
        return ClusteringReport()
    with only_one(segments.data_dir, "clusters") as mine:
        if not mine:
            return ClusteringReport()  # another process is at it
        all_sources = sources(database)
        unwanted = [one.id for one in all_sources if one.id in known and one.model_id not in large]
        removed = sum(segments.discard_clusters(segment_id) for segment_id in unwanted)
        if removed:
            _tell(database)
        made, damaged = _make_next(database, segments, all_sources, large, wanted.goal)
        return ClusteringReport(made, removed, damaged)


def orphan_clusters(database: Database, data_dir: Path) -> list[Path]:
    """List clusters of segments that no row names: what they are made of is gone."""
    found = subdirectories(clusters_root(data_dir))
    if not found:
        return []
    with database.read() as session:
        known = set(session.scalars(select(Segment.id)))
    return [directory for directory in found if directory.name not in known]


def _large_models(database: Database, from_tracklets: int) -> set[str]:
    count = func.sum(Segment.tracklet_count)
    query = select(Segment.model_id).group_by(Segment.model_id).having(count >= from_tracklets)
    with database.read() as session:
        return set(session.scalars(query))


def _make_next(
    database: Database, segments: Segments, everything: list[Source], large: set[str], goal: float
) -> tuple[tuple[str, ClustersNote] | None, tuple[str, ...]]:
    damaged = []
    for source in sorted(everything, key=lambda one: (-one.tracklets, one.id)):
        if source.tracklets < MAPPED_FROM:
            break
        if source.model_id in large and _wants(segments, source, goal):
            try:
                note = _make(database, segments, source, everything, goal)
            except CorruptSegment as error:
                damaged.append(error.segment_id)
                continue
            if note is not None:
                return (source.id, note), tuple(damaged)
    return None, tuple(damaged)


def _wants(segments: Segments, source: Source, goal: float) -> bool:
    """Whether a segment is searched from files, stays as it is for long, and has no clusters for this goal.

    What has erased tracklets is rewritten by the next compaction. Damaged clusters are made anew.
    """
    if source.camera_id is None or source.has_erased or segments.is_remote(source.id):
        return False
    directory = segments.clusters(source.id)
    try:
        return not directory.exists() or read_note(directory).goal != goal
    except DamagedClusters:
        return True


def _make(
    database: Database, segments: Segments, source: Source, everything: list[Source], goal: float
) -> ClustersNote | None:
    """Make the clusters of a segment and put them in their place; None: it was removed meanwhile."""
    staging = Staging(segments.data_dir)
    try:
        rows = segments.open(source.id)
        note = make_clusters(rows, _probes(segments, source, everything), goal, staging.directory)
        segments.discard_clusters(source.id)
        place = segments.clusters(source.id)
        move_durably(staging.directory, place)
        _tell(database)
        with database.read() as session:
            gone = session.get(Segment, source.id) is None
        if gone:  # what removed it may have looked for clusters before there were any
            segments.discard_clusters(source.id)
        return None if gone else note
    finally:
        staging.release()


def _tell(database: Database) -> None:
    with database.write() as session:
        advance_change(session)


def _probes(segments: Segments, source: Source, everything: list[Source]) -> Probes:
    """Tracklets of other cameras to measure with, or of the segment's own where the model has no others."""
    others = [
        one for one in everything if one.model_id == source.model_id and one.camera_id != source.camera_id
    ]
    found = _sampled(segments, sorted((one for one in others if one.tracklets), key=lambda one: one.id))
    if len(found):
        return Probes(found, OTHERS)
    return Probes(_sampled(segments, [source]), OWN)


def _sampled(segments: Segments, some: list[Source]) -> FloatArray:
    """At most `PROBES` tracklets of segments, evenly over these, none of them erased: (Q, D)."""
    evenly = np.unique(np.linspace(0, max(0, len(some) - 1), _PROBE_SEGMENTS).astype(np.int64))
    chosen = [some[at] for at in evenly[: len(some)].tolist()]
    found: list[FloatArray] = []
    for source in chosen:
        try:
            rows = segments.open(source.id)
            places = _living(rows, source)
        except CorruptSegment:
            continue  # damaged, or gone meanwhile: there are others
        if isinstance(rows.vectors, FlatVectors) and len(places):
            each = -(-PROBES // len(chosen))
            at = np.unique(np.linspace(0, len(places) - 1, each).astype(np.int64))
            vectors = rows.vectors.take(places[at]).astype(np.float32)
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
            sound = np.abs(lengths[:, 0] - 1) < 0.01  # as `check_vectors` wants them
            found.append(vectors[sound] / lengths[sound])
    return np.concatenate(found) if found else np.zeros((0, 1), np.float32)


def _living(rows: Rows, source: Source) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The rows of a segment that are not erased."""
    kept = np.isin(rows.videos["id"], np.array(sorted(source.videos)).astype("S32"))
    gone = {(video.encode(), number) for video, number in source.singly}
    places = np.flatnonzero(kept[rows.video_of_row])
    if not gone:
        return places
    names = rows.videos["id"][rows.video_of_row[places]].tolist()
    numbers = rows.numbers(places).tolist()
    alive = [key not in gone for key in zip(names, numbers, strict=True)]
    return places[np.array(alive, np.bool_)]
