"""The I2V figure through the product: a test gallery imported, every query photo asked over REST.

Each camera of the data set becomes a camera of the gallery. It is imported in parts, each with a day of its
own, for an answer holds at most 1000 hits: every query is asked once a part, and the parts together rank all
of it. Whatever happens, what was imported is erased.
"""

import io
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

from gallery import CameraInfo, Gallery, RankBy
from indexer.importers.crops import CropTracklet
from indexer.importers.mars import CropFolder, import_tracklets
from indexer.settings import IndexSettings
from models.datasets.frames import read_frame
from models.datasets.records import Dataset, Tracklet
from models.embedder import MAX_CLIP_FRAMES, Embedder, Features
from models.evaluation.evaluate import Compared, Seen, judge, judged_splits, several_cameras
from models.evaluation.protocols import EvaluationProtocol
from sightline.client import Client
from sightline.failures import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from models.evaluation.report import Evaluation

PART: Final = 1000  # tracklets: as many hits as an answer can hold
FIRST_DAY: Final = datetime(2000, 1, 1, tzinfo=UTC)

Progress = Callable[[str, int, int], None]
"""As in models.evaluation.protocols."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Tracklets of one camera, their numbers in the whole gallery, and the day they are imported on."""

    camera: CameraInfo
    number: int
    day: datetime
    rows: Sequence[int]
    tracklets: Sequence[Tracklet]


def evaluate_through(
    client: Client,
    gallery: Gallery,
    embedder: Embedder,
    dataset: Dataset,
    *,
    root: "Path",
    progress: Progress,
    seen: Seen | None = None,
) -> "Iterator[Evaluation]":
    """Judge a model by what the service answers: by cosine, then by standard score where that may differ.

    Args:
        client: the service, which must read `gallery` and use the model of `embedder`.
        gallery: where the test gallery lies for as long as this takes, beside what is there.
        embedder: imports it.
        dataset: its queries and galleries.
        root: of the data set; the imported videos' path.
        progress: told of gallery frames ("videos") and queries ("images").
        seen: as in models.evaluation.evaluate.

    Raises:
        CommandError: the service cannot be reached, refuses, or answers from another gallery or model.
        BadDataset, MalformedImport: a picture cannot be read, or no query has a match.
        GalleryError: the gallery refused.
    """
    splits = judged_splits(dataset)
    queries = {t: i for i, t in enumerate(dict.fromkeys(t for split in splits for t in split.query))}
    ranked = {t: i for i, t in enumerate(dict.fromkeys(t for split in splits for t in split.gallery))}
    with _parts(gallery, list(ranked)) as parts:
        _check(client, embedder, next(iter(queries)), parts[0])
        _import(gallery, embedder, root, parts, progress)
        scores = np.empty((len(RankBy), len(queries), len(ranked)), dtype=np.float32)
        for number, query in enumerate(queries):
            scores[:, number] = _ask(client, embedder, query, parts)
            progress("images", number + 1, len(queries))
    for by, distances in zip((RankBy.COSINE, RankBy.STANDARD_SCORE), -scores, strict=True):
        compared = []
        for split in splits:
            of_split = np.ix_([queries[t] for t in split.query], [ranked[t] for t in split.gallery])
            compared.append(Compared(split, distances[of_split]))
        named = (dataset.name, EvaluationProtocol.I2V, embedder.name, embedder.id)
        if by is RankBy.COSINE:
            yield judge(*named, compared, seen=seen)
        elif several_cameras(dataset):
            yield judge(*named, compared, ranked_by=by)


@contextmanager
def _parts(gallery: Gallery, tracklets: Sequence[Tracklet]) -> Iterator[list[_Part]]:
    """Cameras for the parts of a gallery, which go at the end with all they have by then."""
    run = secrets.token_hex(4)
    cameras: list[CameraInfo] = []
    try:
        parts = []
        for number in sorted({tracklet.camera for tracklet in tracklets}):
            cameras.append(gallery.catalogue.add_camera(f"evaluation {run} camera {number}"))
            own = [row for row, tracklet in enumerate(tracklets) if tracklet.camera == number]
            for day, first in enumerate(range(0, len(own), PART)):
                rows = own[first : first + PART]
                start = FIRST_DAY + timedelta(days=day)
                parts.append(_Part(cameras[-1], number, start, rows, [tracklets[row] for row in rows]))
        yield parts
    finally:
        for camera in cameras:
            for video in gallery.catalogue.videos(camera_id=camera.id):
                gallery.erase_video(video.id)
            gallery.catalogue.remove_camera(camera.id)


def _check(client: Client, embedder: Embedder, query: Tracklet, part: _Part) -> None:
    """Find out before the work what would fail after it: key, model, or a service of another gallery."""
    with client.probe(_png(query)) as probe:
        _search(client, embedder, probe, part)


def _import(
    gallery: Gallery, embedder: Embedder, root: "Path", parts: Sequence[_Part], progress: Progress
) -> None:
    # As TKP's test code does, whatever the settings say.
    settings = IndexSettings(clip_frames=MAX_CLIP_FRAMES)
    total = sum(len(tracklet.frames) for part in parts for tracklet in part.tracklets)
    done = 0
    for part in parts:
        prefix = part.camera.name.removesuffix(str(part.number))
        folder = CropFolder(root.absolute(), prefix, part.day, salt=f"{part.camera.name} {part.day}")
        crops = [
            CropTracklet(f"{t.identity:04d}", i, range(1, len(t.frames) + 1), t.frames)
            for i, t in enumerate(part.tracklets)
        ]
        import_tracklets(gallery, embedder, folder, {part.number: crops}, settings)
        done += sum(len(tracklet.frames) for tracklet in part.tracklets)
        progress("videos", done, total)


def _ask(client: Client, embedder: Embedder, query: Tracklet, parts: Sequence[_Part]) -> Features:
    """Cosines and standard scores of a query and the whole gallery: (2, G)."""
    scores = np.full((2, sum(len(part.tracklets) for part in parts)), np.nan, dtype=np.float32)
    with client.probe(_png(query)) as probe:
        for part in parts:
            for hit in _search(client, embedder, probe, part):
                # Numbers count from 0 in the order of the import.
                row = part.rows[int(hit["tracklet_id"].rpartition("-")[2])]
                scores[:, row] = hit["score"], hit["standard_score"]
    missing = int(np.isnan(scores).any(axis=0).sum())
    if missing:
        raise CommandError(
            f"the service left {missing} of {scores.shape[1]} tracklets out of an answer",
            "let nobody erase videos meanwhile",
        )
    return scores


def _search(client: Client, embedder: Embedder, probe: dict[str, Any], part: _Part) -> list[dict[str, Any]]:
    # The picture is the person: the box is all of it, whatever the detector says.
    whole = {"probe_id": probe["id"], "box": [0, 0, probe["width"], probe["height"]]}
    day = {"start": part.day.isoformat(), "end": (part.day + timedelta(days=1)).isoformat()}
    question = {"probes": [whole], "cameras": [part.camera.name], "limit": PART, **day}
    answer = client.post("/v1/searches", question)
    if answer["model"]["id"] != embedder.id:
        raise CommandError(
            f"the service answers with another model, {answer['model']['name']} "
            f"({answer['model']['id'][:12]}), not {embedder.name} ({embedder.id[:12]})",
            "start it with SIGHTLINE_MODEL, or choose with --model",
        )
    hits: list[dict[str, Any]] = answer["hits"]
    return hits


def _png(query: Tracklet) -> bytes:
    """The first picture of a query, its pixels as the offline figure sees them."""
    buffer = io.BytesIO()
    Image.fromarray(read_frame(query.frames[0])).save(buffer, "PNG")
    return buffer.getvalue()
