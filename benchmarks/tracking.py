"""How well are people found, followed and found again, against ground truth?

    python benchmarks/tracking.py --data DIR [--clips NAME ...] [--probes 5] [--json FILE]

DIR holds vtest.avi, tud-campus.webm and tud-stadtmitte.webm with their MOTChallenge ground truth NAME.gt.txt;
`--data samples --clips camera-1.mp4 ...` judges by simulated people.
All figures come from `index_video` into a gallery and from what the gallery then holds; only the detector's
own recall and precision are taken at its output. Everything is judged on the frames that the detector saw.

A box and a labelled person match when their IoU is at least .5, in each frame the assignment with most
matches; labels of confidence 0 are neither hit nor miss, and a box on one is left out. MOTA, IDF1 and IDSW
are those of motmetrics. Purity: of a tracklet's matched boxes, the share on its commonest person, over all
boxes. Per person: tracklets that are mostly on a labelled person, over all labelled persons.

Half-track I2V: the first half of each labelled person's time gives probes, detected boxes evenly spread over
it, embedded with the image network. The recordings are then indexed once more with a detector that does not
see people in their first half, so the tracklets, embedded with the video network, are of second halves, next
to everything that is nobody. Rank-1 over one gallery of all recordings; somebody without a tracklet is a
miss. The interval resamples persons, not probes, for probes of one person are alike.
"""

import argparse
import json
import tempfile
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import motmetrics
import numpy as np
from motmetrics.lap import linear_sum_assignment
from numpy.typing import NDArray

from gallery import Gallery, GallerySettings, TrackletInfo
from indexer.decode import open_recording
from indexer.embedding import ClipEmbedder
from indexer.networks import make_detector, make_embedder
from indexer.pipeline import index_video
from indexer.settings import IndexSettings
from indexer.types import Recording
from models.detector import ConsecutiveDetector, Detections, Detector
from models.embedder import Embedder
from models.preprocessing import Crop, Preprocessing

CLIPS: Final = ("vtest.avi", "tud-stadtmitte.webm", "tud-campus.webm")
# Whole frames, whose detections can be kept; CHANGES are what is really the default.
DEFAULT: Final = IndexSettings(detect_changes=False)
READ: Final = DEFAULT.model_copy(update={"detector_threshold": 0.3})  # the lowest of all variants
PLAIN: Final = {"still_motion": 0.0, "trim_score": 0.0, "split_cosine": 0.0}
EAGER: Final = {**PLAIN, "detector_threshold": 0.3, "track_score": 0.45, "min_height": 16.0}
# What each step is worth.
VARIANTS: Final[Mapping[str, Mapping[str, float]]] = {
    "eager: weak and small detections taken, no refinement": EAGER,
    "eager, things dropped": {**EAGER, "still_motion": DEFAULT.still_motion},
    "no refinement, tracks start at .45": {**PLAIN, "track_score": 0.45},
    "no refinement": PLAIN,
    "things dropped": {**PLAIN, "still_motion": DEFAULT.still_motion},
    "ends trimmed at .8": {**PLAIN, "trim_score": 0.8},
    "ends trimmed at .9": {**PLAIN, "trim_score": 0.9},
    "switches split": {**PLAIN, "split_cosine": DEFAULT.split_cosine},
    "default: things dropped, switches split": {},
    "default, every frame": {"detect_fps": 1000.0},
    "default, 5 frames a second": {"detect_fps": 5.0},
}
CHANGES: Final = "default, looking only where something has changed"
Boxes = NDArray[np.float64]
Found = dict[int, dict[int, Boxes]]  # frame -> tracklet -> x1, y1, x2, y2


@dataclass(frozen=True)
class Labels:
    """One frame's persons: `ids` (N,), `boxes` (N, 4) x1, y1, x2, y2, `counted` (N,) or to be ignored."""

    ids: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    boxes: Boxes = field(default_factory=lambda: np.zeros((0, 4)))
    counted: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def match(self, boxes: Boxes) -> NDArray[np.int64]:
        """For each box the position of its label, or -1."""
        owners = np.full(len(boxes), -1, dtype=np.int64)
        if len(boxes) and len(self.ids):
            overlaps = iou(self.boxes, boxes)
            worth = np.where(overlaps >= 0.5, overlaps + 10 * self.counted[:, None] + 10, 0)
            for label, box in zip(*linear_sum_assignment(-worth), strict=True):
                if worth[label, box] > 0:
                    owners[box] = label
        return owners


def iou(first: Boxes, second: Boxes) -> Boxes:
    """Overlap of every box with every other, (N, M)."""
    corner = np.maximum(first[:, None, :2], second[None, :, :2])
    sides = (np.minimum(first[:, None, 2:], second[None, :, 2:]) - corner).clip(min=0)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    overlap = sides.prod(axis=2)
    return np.asarray(overlap / (areas[0][:, None] + areas[1][None] - overlap))


@dataclass
class Clip:
    """A recording with its ground truth, and what the detector finds on each frame it was shown."""

    path: Path
    labels: dict[int, Labels]
    frames: dict[int, int] = field(default_factory=dict)  # checksum of a picture -> its number
    found: dict[int, Detections] = field(default_factory=dict)  # number -> detections

    @classmethod
    def read(cls, path: Path, detector: Detector) -> "Clip":
        """Read ground truth, find people on every frame once."""
        rows = np.loadtxt(path.with_suffix(".gt.txt"), delimiter=",")
        corners = np.column_stack([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]])
        clip = cls(path, {})
        for number in np.unique(rows[:, 0]):
            of = rows[:, 0] == number
            clip.labels[int(number) - 1] = Labels(rows[of, 1].astype(int), corners[of], rows[of, 6] > 0)
        with open_recording(path) as recorded:
            for frame in recorded.frames():
                clip.frames[zlib.crc32(frame.image.data)] = frame.index
                clip.found[frame.index] = detector.detect([frame.image])[0]
        return clip

    def above(self, threshold: float) -> "Clip":
        """The same as if the detector had had this threshold."""
        found = {
            number: Detections(seen.boxes[seen.scores > threshold], seen.scores[seen.scores > threshold])
            for number, seen in self.found.items()
        }
        return replace(self, found=found)

    def label(self, frame: int) -> Labels:
        """The persons on a frame."""
        return self.labels.get(frame, Labels())

    def halves(self) -> dict[int, float]:
        """The frame number in the middle of each counted person's time."""
        seen = defaultdict(list)
        for number, labels in self.labels.items():
            for person in labels.ids[labels.counted]:
                seen[int(person)].append(number)
        return {person: (min(numbers) + max(numbers)) / 2 for person, numbers in seen.items()}

    def in_first_half(self, frame: int) -> list[tuple[int, int]]:
        """Detections, by position, on people who are in their first half, with the person."""
        labels, halves = self.label(frame), self.halves()
        owners = labels.match(self.found[frame].boxes.astype(np.float64))
        people = [(box, int(labels.ids[owner])) for box, owner in enumerate(owners) if owner >= 0]
        return [(box, person) for box, person in people if person in halves and frame < halves[person]]


class Recalled:
    """The detector's findings from memory, those in the first half of people's time left out if asked.

    `shown` are the frames it was asked for.
    """

    name, device = "recalled", "cpu"

    def __init__(self, clip: Clip, *, second_halves: bool = False) -> None:
        self.shown: list[int] = []
        self._clip, self._second_halves = clip, second_halves

    def detect(self, frames: Sequence[Crop]) -> list[Detections]:
        """See Detector."""
        numbers = [self._clip.frames[zlib.crc32(frame.data)] for frame in frames]
        self.shown += numbers
        return [self._recall(number) for number in numbers]

    def _recall(self, number: int) -> Detections:
        found = self._clip.found[number]
        hidden = [box for box, _ in self._clip.in_first_half(number)] if self._second_halves else []
        return Detections(np.delete(found.boxes, hidden, axis=0), np.delete(found.scores, hidden))


class InParts(Recalled):
    """The detector itself, looking only where something has changed; what it found is kept in the clip."""

    def __init__(self, clip: Clip, detector: ConsecutiveDetector) -> None:
        super().__init__(clip)
        self._detector = detector

    def detect_consecutive(self, frames: Sequence[Crop]) -> list[Detections]:
        """See ConsecutiveDetector."""
        numbers = [self._clip.frames[zlib.crc32(frame.data)] for frame in frames]
        found = self._detector.detect_consecutive(frames)
        self._clip.found.update(zip(numbers, found, strict=True))
        self.shown += numbers
        return found


class NoEmbedder:
    """Takes no time, where nobody looks at features."""

    id, name, dimension, device = "0" * 64, "none", 2, "cpu"
    warning: str | None = None
    card: Mapping[str, Any] = {}
    preprocessing = Preprocessing()

    def embed_clips(self, clips: Sequence[Sequence[Crop]]) -> NDArray[np.float32]:
        """See Embedder."""
        return np.ones((len(clips), 2), dtype=np.float32)


@contextmanager
def new_gallery() -> Iterator[Gallery]:
    with tempfile.TemporaryDirectory() as folder:
        settings = GallerySettings(data_dir=Path(folder), database_url=None)
        with Gallery.open(settings, create=True) as gallery:
            yield gallery


def index(
    gallery: Gallery, embedder: ClipEmbedder, detector: Detector, clip: Clip, settings: IndexSettings
) -> tuple[list[TrackletInfo], dict[str, int]]:
    """Index a recording; its tracklets with their boxes, and the counters."""
    camera = gallery.catalogue.get_or_add_camera(clip.path.stem)
    recording = Recording(clip.path, camera.id, datetime(2026, 1, 1, tzinfo=UTC), clip.path.name)
    report = index_video(gallery, embedder, detector, recording, settings)
    listed = gallery.catalogue.tracklets_of(report.video.id)
    return [gallery.catalogue.tracklet(t.id, with_boxes=True) for t in listed], dict(report.counters)


def by_frame(tracklets: Sequence[TrackletInfo]) -> Found:
    found: Found = defaultdict(dict)
    for tracklet in tracklets:
        assert tracklet.boxes is not None
        for box in tracklet.boxes:
            left, top = float(box["x"]), float(box["y"])
            corners = np.array([left, top, left + float(box["w"]), top + float(box["h"])])
            found[int(box["frame"])][tracklet.number] = corners
    return found


def owners_of(clip: Clip, found: Found) -> dict[int, Counter[int]]:
    """The persons that each tracklet's boxes lie on; 0 is nobody, -1 somebody to be ignored."""
    owners: dict[int, Counter[int]] = defaultdict(Counter)
    for number, tracked in found.items():
        labels = clip.label(number)
        for tracklet, label in zip(tracked, labels.match(np.array(list(tracked.values()))), strict=True):
            person = 0 if label < 0 else int(labels.ids[label]) if labels.counted[label] else -1
            owners[tracklet][person] += 1
    return owners


def mostly_on(owners: Counter[int]) -> int:
    """The person most of a tracklet's boxes lie on; 0 if on nobody, -1 if on somebody to be ignored."""
    return max(owners, key=lambda person: (owners[person], person))


def tracking(clip: Clip, detector: Recalled, tracklets: Sequence[TrackletInfo]) -> dict[str, float]:
    """All figures about boxes and tracklets of one recording."""
    found = by_frame(tracklets)
    accumulator = motmetrics.MOTAccumulator(auto_id=True)
    hits = boxes = persons = 0
    for number in sorted(detector.shown):  # batches run side by side
        labels = clip.label(number)
        raw = labels.match(clip.found[number].boxes.astype(np.float64))
        ignored = (raw >= 0) & ~labels.counted[raw] if len(labels.ids) else np.zeros(len(raw), dtype=bool)
        hits, boxes = hits + int(((raw >= 0) & ~ignored).sum()), boxes + int((~ignored).sum())
        persons += int(labels.counted.sum())
        tracked = found.get(number, {})
        places = np.array(list(tracked.values())).reshape(-1, 4)
        owner = labels.match(places)
        kept = [i for i, label in enumerate(owner) if label < 0 or labels.counted[label]]
        overlaps = iou(labels.boxes[labels.counted], places[kept])
        distances = np.where(overlaps >= 0.5, 1 - overlaps, np.nan)
        accumulator.update(labels.ids[labels.counted], np.array(list(tracked), dtype=int)[kept], distances)
    names = ["mota", "idf1", "num_switches", "recall", "precision"]
    figures = motmetrics.metrics.create().compute(accumulator, metrics=names, name="clip").iloc[0]
    owners = owners_of(clip, found)
    on_people = [{p: n for p, n in owner.items() if p > 0} for owner in owners.values()]
    matched = sum(sum(owner.values()) for owner in on_people)
    best = [mostly_on(owner) for owner in owners.values()]
    return {
        "detector_recall": hits / persons,
        "detector_precision": hits / max(boxes, 1),
        **{name: float(figures[name]) for name in names},
        "tracklets": len(tracklets),
        "persons": len(clip.halves()),
        "persons_found": len({person for person in best if person > 0}),
        "tracklets_per_person": sum(person > 0 for person in best) / len(clip.halves()),
        "tracklets_on_nobody": sum(person == 0 for person in best),
        "purity": sum(max(owner.values(), default=0) for owner in on_people) / max(matched, 1),
    }


def probes_of(clip: Clip, each: int) -> list[tuple[int, Crop]]:
    """Persons with crops of detected boxes, evenly spread over the first half of their time."""
    places: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number in sorted(clip.found):
        for box, person in clip.in_first_half(number):
            places[person].append((number, box))
    wanted: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for person, seen in places.items():
        for at in sorted({int(x) for x in np.linspace(0, len(seen) - 1, each + 2)[1:-1]}):
            wanted[seen[at][0]].append((person, seen[at][1]))
    probes = []
    with open_recording(clip.path) as recorded:
        for frame in recorded.frames():
            for person, box in wanted.get(frame.index, []):
                x1, y1, x2, y2 = clip.found[frame.index].boxes[box]
                corners = int(x1), int(y1), int(np.ceil(x2)), int(np.ceil(y2))
                crop = frame.image[corners[1] : corners[3], corners[0] : corners[2]]
                probes.append((person, np.ascontiguousarray(crop)))
    return probes


def half_track(clips: Sequence[Clip], embedder: Embedder, each: int) -> dict[str, Any]:
    """The half-track I2V protocol over all recordings."""
    people: dict[str, str] = {}  # tracklet -> recording and person
    ranks: dict[str, list[int]] = defaultdict(list)
    with new_gallery() as gallery:
        for clip in clips:
            detector = Recalled(clip, second_halves=True)
            tracklets, _ = index(gallery, embedder, detector, clip, DEFAULT)
            owners = owners_of(clip, by_frame(tracklets))
            people |= {t.id: f"{clip.path.stem} {mostly_on(owners[t.number])}" for t in tracklets}
        snapshot = gallery.snapshot(embedder.id)
        for clip in clips:
            probes = probes_of(clip, each)
            for (person, _), query in zip(
                probes, embedder.embed_images([crop for _, crop in probes]), strict=True
            ):
                key = f"{clip.path.stem} {person}"
                hits = [people[hit.tracklet_id] for hit in snapshot.search(query, limit=len(people)).hits]
                ranks[key].append(hits.index(key) + 1 if key in hits else len(hits) + 1)
    hit = [np.array([rank == 1 for rank in found]) for found in ranks.values()]
    draws = np.random.default_rng(0).integers(0, len(hit), (10_000, len(hit)))
    sums, counts = np.array([h.sum() for h in hit]), np.array([len(h) for h in hit])
    low, high = np.percentile(sums[draws].sum(axis=1) / counts[draws].sum(axis=1), (2.5, 97.5))
    everything = [rank for found in ranks.values() for rank in found]
    return {
        "protocol": "half-track I2V",
        "model": embedder.name,
        "probes": len(everything),
        "persons": len(ranks),
        "persons_without_tracklet": sum(key not in people.values() for key in ranks),
        "gallery_tracklets": len(people),
        "rank1": float(np.mean([rank == 1 for rank in everything])),
        "rank1_interval_95": [float(low), float(high)],
        "rank5": float(np.mean([rank <= 5 for rank in everything])),
        "rank1_chance": float(
            np.mean([list(people.values()).count(key) / len(people) for key in ranks for _ in ranks[key]])
        ),
    }


COLUMNS: Final = {
    "detector_recall": ".3f",
    "detector_precision": ".3f",
    "recall": ".3f",
    "precision": ".3f",
    "mota": ".3f",
    "idf1": ".3f",
    "num_switches": ".0f",
    "tracklets": ".0f",
    "tracklets_on_nobody": ".0f",
    "persons_found": ".0f",
    "tracklets_per_person": ".2f",
    "purity": ".3f",
}

COUNTED: Final = ("frames_decoded", "frames_bad", "frames_detected", "detections", "clips")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--clips", nargs="+", default=CLIPS)
    parser.add_argument("--probes", type=int, default=5, help="of each person")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    options = parser.parse_args()
    detector = make_detector(READ)
    clips = [Clip.read(options.data / name, detector) for name in options.clips]
    results: dict[str, Any] = {"detector": detector.name, "tracking": {}}
    for variant, changes in {**VARIANTS, CHANGES: {"detect_changes": True}}.items():
        print(f"\n{variant}\n{'':18}" + "".join(f"{column[:12]:>13}" for column in COLUMNS))
        settings = DEFAULT.model_copy(update=dict(changes))
        for clip in (clip.above(settings.detector_threshold) for clip in clips):
            shown = Recalled(clip)
            if settings.detect_changes:
                real = make_detector(settings)
                assert isinstance(real, ConsecutiveDetector)
                shown = InParts(clip, real)
            with new_gallery() as gallery:
                tracklets, counters = index(gallery, NoEmbedder(), shown, clip, settings)
            figures = tracking(clip, shown, tracklets)
            results["tracking"].setdefault(variant, {})[clip.path.stem] = {**figures, "counters": counters}
            print(f"{clip.path.stem:18}" + "".join(f"{figures[c]:13{form}}" for c, form in COLUMNS.items()))
            dropped = {name: counters[name] for name in counters if name not in COUNTED}
            print(f"{'':18}{dropped}")
    seen = [clip.above(DEFAULT.detector_threshold) for clip in clips]
    results["search"] = half_track(seen, make_embedder(DEFAULT), options.probes)
    print(f"\n{json.dumps(results['search'], indent=1)}")
    if options.json:
        options.json.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
