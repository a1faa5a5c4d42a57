"""Proof: searching with the vectors that were erased finds nothing of it, and its rows and files are gone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select

from gallery.disk.media import cache_directory, pending_thumbnails, thumbnails_directory
from gallery.erasure.certificates import PROOF
from gallery.errors import CorruptSegment, VectorsUnavailable
from gallery.records.erasure import ErasureProof
from gallery.records.searching import RankBy
from gallery.sql.chain import add_event
from gallery.sql.database import Database, batches
from gallery.sql.erasure_tables import Erasure
from gallery.sql.tables import SegmentVideo, Tracklet, Video
from gallery.vectors.block import Rows
from gallery.vectors.segments import Segments
from gallery.vectors.snapshots import Snapshots
from gallery.writing.erase import Leaving

MOST_VECTORS: Final = 100  # of each model, evenly over all that went
HITS: Final = 20
UNREAD: Final = "Vectors of {} segments could not be read."

Features = NDArray[np.float32]


@dataclass(slots=True)
class Sample:
    """Vectors of what is about to be erased.

    Attributes:
        vectors: by model, (N, D), of length one.
        total: how many there are of all models.
        ids: of the tracklets that are named singly; of whole videos, the videos.
        videos: that go whole.
        unread: segments that could not be read.
    """

    vectors: dict[str, Features] = field(default_factory=dict)
    total: int = 0
    ids: frozenset[str] = frozenset()
    videos: frozenset[str] = frozenset()
    unread: int = 0

    def has(self, tracklet_id: str) -> bool:
        """Whether a hit is something that was erased."""
        return tracklet_id in self.ids or tracklet_id.partition("-")[0] in self.videos


def take_sample(database: Database, kept: Segments, leaving: Leaving) -> Sample:
    """Read vectors of what is about to be erased, before they are gone."""
    sample = Sample(
        ids=frozenset(f"{video}-{number}" for video, own in leaving.numbers.items() for number in own),
        videos=frozenset(leaving.videos),
    )
    places = _places(database, leaving)
    for model_id, segments in places.items():
        found: list[Features] = []
        count = 0
        for segment_id, videos in segments.items():
            try:
                taken, of = _vectors(kept.open(segment_id), videos, leaving)
            except (CorruptSegment, VectorsUnavailable):
                sample.unread += 1  # what is damaged, or away, can be erased all the same
                continue
            found.append(taken)
            count += of
        sample.total += count
        vectors = np.concatenate(found) if found else np.zeros((0, 1), np.float32)
        if len(vectors):
            chosen = np.unique(np.linspace(0, len(vectors) - 1, MOST_VECTORS).astype(np.int64))
            sample.vectors[model_id] = vectors[chosen]
    return sample


def _places(database: Database, leaving: Leaving) -> dict[str, dict[str, list[str]]]:
    """The segments that hold what leaves, by model, each with the videos in question."""
    places: dict[str, dict[str, list[str]]] = {}
    columns = (SegmentVideo.model_id, SegmentVideo.segment_id, SegmentVideo.video_id)
    wanted = sorted({*leaving.videos, *leaving.numbers})
    with database.read() as session:
        for some in batches(wanted):
            query = select(*columns).where(SegmentVideo.video_id.in_(some)).order_by(SegmentVideo.video_id)
            for model_id, segment_id, video_id in session.execute(query):
                places.setdefault(model_id, {}).setdefault(segment_id, []).append(video_id)
    return places


def _vectors(rows: Rows, videos: Sequence[str], leaving: Leaving) -> tuple[Features, int]:
    """At most `MOST_VECTORS` vectors of a segment that leave, (N, D), and how many leave."""
    going: list[NDArray[np.int64]] = []
    for video_id in videos:
        for ordinal in np.flatnonzero(rows.videos["id"] == video_id.encode()).tolist():
            first, count = int(rows.videos["first"][ordinal]), int(rows.videos["count"][ordinal])
            own = np.arange(first, first + count)
            numbers = leaving.numbers.get(video_id)
            going.append(own if numbers is None else own[np.isin(rows.numbers(own), numbers)])
    places = np.concatenate(going) if going else np.zeros(0, np.int64)
    chosen = places[
        np.unique(np.linspace(0, max(0, len(places) - 1), MOST_VECTORS).astype(np.int64))[: len(places)]
    ]
    vectors = rows.vectors.take(chosen).astype(np.float32)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    sound = np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0)
    return vectors[sound] / lengths[sound], len(places)


def prove(database: Database, data_dir: Path, snapshots: Snapshots, erasure_id: str, sample: Sample) -> None:
    """Search with the vectors of a sample, look for rows and files, and record what was found."""
    found = searched = 0
    for model_id, vectors in sample.vectors.items():
        was_loaded = snapshots.is_loaded(model_id)
        snapshot = snapshots.newest(model_id)
        for vector in vectors:
            hits = snapshot.search(vector, limit=HITS, by=RankBy.COSINE).hits
            found += sum(sample.has(hit.tracklet_id) for hit in hits)
            searched += 1
        if not was_loaded:
            snapshots.forget(model_id)
    with database.read() as session:
        certificate = session.get_one(Erasure, erasure_id).certificate
    proof = ErasureProof(
        at=datetime.now(UTC),
        vectors=(searched, sample.total),
        models=sorted(sample.vectors),
        found=found,
        rows=count_rows(database, certificate),
        files=len(list(files_left(data_dir, database, certificate))),
        note=UNREAD.format(sample.unread) if sample.unread else None,
    )
    record(database, erasure_id, proof)


def record(database: Database, erasure_id: str, proof: ErasureProof) -> None:
    """Put a proof beside the certificate, and on record."""
    with database.write() as session:
        row = session.get_one(Erasure, erasure_id, with_for_update=True)
        if row.proof is not None:
            return
        row.proof = PROOF.dump(proof)
        detail = {
            "vectors": list(proof.vectors),
            "found": proof.found,
            "rows": proof.rows,
            "files": proof.files,
        }
        add_event(session, "erasure.prove", subject=erasure_id, detail=detail)


def count_rows(database: Database, certificate: Mapping[str, Any]) -> int:
    """Count the rows of what was erased that are still there; what was indexed since is not counted."""
    count, erased = 0, certificate["erased"]
    at = datetime.fromisoformat(certificate["at"])
    with database.read() as session:
        for some in batches(erased["tracklets"]):
            query = select(func.count()).select_from(Tracklet).where(Tracklet.id.in_(some))
            query = query.join(Video, Video.id == Tracklet.video_id).where(Video.indexed_at < at)
            count += session.execute(query).scalar_one()
        for some in batches([one["id"] for one in erased["recordings"]]):
            query = select(func.count()).select_from(Video)
            query = query.where(Video.id.in_(some), Video.indexed_at < at)
            count += session.execute(query).scalar_one()
    return count


def files_left(data_dir: Path, database: Database, certificate: Mapping[str, Any]) -> Iterator[Path]:
    """Name strips, cut clips and photos of what was erased that are in the gallery's folder."""
    erased = certificate["erased"]
    recordings = [one["id"] for one in erased["recordings"]]
    there: set[str] = set()
    with database.read() as session:
        for some in batches(recordings):
            there.update(session.scalars(select(Video.id).where(Video.id.in_(some))))
    for video_id in (one for one in recordings if one not in there):
        for folder in (thumbnails_directory, cache_directory, pending_thumbnails):
            if folder(data_dir, video_id).exists():
                yield folder(data_dir, video_id)
    for tracklet_id in erased["tracklets"]:
        video_id, _, number = tracklet_id.partition("-")
        strip = thumbnails_directory(data_dir, video_id) / f"{number}.jpg"
        if strip.exists():
            yield strip
    for photo in erased["photos"]:
        yield from (data_dir / "probes").glob(f"{photo['id']}.*")
