"""How fast are recordings indexed, and what does the pipeline cost above its stages?

    python benchmarks/indexing.py --data DIR [--rounds 3] [--workers N]

DIR holds vtest.avi, tud-campus.webm and tud-stadtmitte.webm. For each recording, in turns within one run:

bare      each stage's own work and nothing else: decoding with conversion to RGB; ONNX Runtime on tensors
          that are ready; the tracker on detections that are ready; the video network on batches that are
          ready; the gallery's writer on tracklets that are ready. Wall seconds with a thread a core, CPU
          seconds with one thread.
pipeline  `index_video` into an empty gallery.

Two ratios say what the pipeline adds: its time over the slowest stage alone, and over the bound that no
arrangement of the same stages can beat: the slowest stage, or all stages' CPU work spread over the cores if
that is more.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from gallery import (
    Completion,
    Gallery,
    GallerySettings,
    ModelInfo,
    NewTracklet,
    NewVideo,
    VideoInfo,
    VideoWriter,
)
from indexer.decode import open_recording
from indexer.networks import make_detector, make_embedder
from indexer.pipeline import index_video
from indexer.settings import IndexSettings
from indexer.track import Tracker
from indexer.types import Recording
from models import zoo
from models.detector import Detections, Detector
from models.detectors import nanodet
from models.detectors.onnx import open_session
from models.embedder import CPU_FRAMES, Embedder
from models.inference import optimise
from models.preprocessing import Crop, prepare

RECORDINGS = ("vtest.avi", "tud-campus.webm", "tud-stadtmitte.webm")
STAGES = ("decode", "detect", "track", "embed", "store")
START = datetime(2026, 3, 1, tzinfo=UTC)
CORES = len(os.sched_getaffinity(0))


@dataclass
class Noted:
    """What a recording's stages handed to each other in an undisturbed run."""

    detections: list[Detections] = field(default_factory=list)
    batches: list[list[list[Crop]]] = field(default_factory=list)
    tracklets: list[NewTracklet] = field(default_factory=list)
    video: NewVideo | None = None


class NotingDetector:
    """A detector that notes what it finds."""

    def __init__(self, detector: Detector, noted: Noted) -> None:
        self.name, self.device = detector.name, detector.device
        self._detector, self._noted = detector, noted

    def detect(self, frames: Sequence[Crop]) -> list[Detections]:
        """Find and note."""
        found = self._detector.detect(frames)
        self._noted.detections += found
        return found


class NotingEmbedder:
    """An embedder that notes the clips it is given."""

    def __init__(self, embedder: Embedder, noted: Noted) -> None:
        self.id, self.name, self.dimension = embedder.id, embedder.name, embedder.dimension
        self.device, self.card, self.warning = embedder.device, embedder.card, embedder.warning
        self.preprocessing = embedder.preprocessing
        self._embedder, self._noted = embedder, noted

    def embed_clips(self, clips: Sequence[Sequence[Crop]]) -> NDArray[np.float32]:
        """Note and embed."""
        self._noted.batches.append([list(clip) for clip in clips])
        return self._embedder.embed_clips(clips)


class NotingWriter(VideoWriter):
    """A writer that notes what it writes."""

    noted: Noted

    def add(self, tracklet: NewTracklet) -> str:
        """Note and add."""
        self.noted.tracklets.append(tracklet)
        return super().add(tracklet)

    def commit(
        self, video: NewVideo, completion: Completion | None = None, *, replace: bool = False
    ) -> VideoInfo:
        """Note and commit."""
        self.noted.video = video
        return super().commit(video, completion, replace=replace)


class NotingGallery(Gallery):
    """A gallery whose writer notes."""

    noted: Noted

    def writer(self, content_hash: str, model: ModelInfo) -> VideoWriter:
        """Make one that notes."""
        writer = NotingWriter(self._database, self._segments, content_hash, model)
        writer.noted = self.noted
        return writer


@contextmanager
def empty_gallery(kind: type[Gallery] = Gallery) -> Iterator[Gallery]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        gallery = stack.enter_context(
            kind.open(GallerySettings(data_dir=folder, database_url=None), create=True)
        )
        gallery.catalogue.add_camera("camera")
        yield gallery


@dataclass(frozen=True)
class Cost:
    """Seconds of one measurement."""

    wall: float = 0.0
    cpu: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.wall + other.wall, self.cpu + other.cpu)


class Clock:
    """Adds up `with clock:` blocks."""

    def __init__(self) -> None:
        self.cost = Cost()

    def __enter__(self) -> None:
        self._began = Cost(-time.perf_counter(), -time.process_time())

    def __exit__(self, *error: object) -> None:
        self.cost += self._began + Cost(time.perf_counter(), time.process_time())


class Bare:
    """Each stage alone on one recording, on what an undisturbed run noted."""

    def __init__(
        self, recording: Recording, settings: IndexSettings, embedder: Embedder, detector: Detector
    ) -> None:
        self.recording, self.settings = recording, settings
        self.model = zoo.load(settings.model or zoo.DEFAULT)
        self.network = optimise(self.model.network)
        self.noted = self._note(embedder, detector)

    def _note(self, real_embedder: Embedder, real_detector: Detector) -> Noted:
        noted = Noted()
        embedder = NotingEmbedder(real_embedder, noted)
        detector = NotingDetector(real_detector, noted)
        with empty_gallery(NotingGallery) as gallery:
            assert isinstance(gallery, NotingGallery)
            gallery.noted = noted
            index_video(gallery, embedder, detector, self.recording, self.settings)
        return noted

    def measure(self, threads: int) -> dict[str, Cost]:
        """Cost of each stage with so many threads."""
        torch.set_num_threads(threads)
        costs = {}
        for stage in STAGES:
            clock = Clock()
            if stage == "detect":
                self._detect(clock, threads)
            else:
                getattr(self, f"_{stage}")(clock)
            costs[stage] = clock.cost
        return costs

    def _decode(self, clock: Clock) -> None:
        with clock, open_recording(self.recording.path) as recorded:
            for _ in recorded.frames(fps=self.settings.detect_fps):
                pass

    def _detect(self, clock: Clock, threads: int) -> None:
        session, _ = open_session(nanodet.WEIGHTS, "cpu", threads)
        name, batch = session.get_inputs()[0].name, self.settings.detect_batch_on("cpu")
        with open_recording(self.recording.path) as recorded:
            images = [frame.image for frame in recorded.frames(fps=self.settings.detect_fps)]
        for start in range(0, len(images), batch):
            frames = images[start : start + batch]
            tensor = nanodet.prepare(frames, nanodet.input_shape(frames[0], self.settings.detector_input))
            with clock:
                session.run(None, {name: tensor})

    def _track(self, clock: Clock) -> None:
        tracker = Tracker(start_score=self.settings.track_score)
        with clock:
            for number, detections in enumerate(self.noted.detections):
                tracker.update(detections, number * 100_000)

    def _embed(self, clock: Clock) -> None:
        for clips in self.noted.batches:
            tensor = prepare([crop for clip in clips for crop in clip], self.model.preprocessing)
            with clock, torch.inference_mode():
                self.network.embed_frames(tensor, [len(clip) for clip in clips], CPU_FRAMES)

    def _store(self, clock: Clock) -> None:
        video = self.noted.video
        assert video is not None
        model = ModelInfo(self.model.id, self.model.name, self.model.dimension, self.model.card)
        with empty_gallery() as gallery, clock, gallery.writer(video.content_hash, model) as writer:
            for tracklet in self.noted.tracklets:
                writer.add(tracklet)
            writer.commit(video)


@dataclass
class Result:
    """Measurements of one recording, a list entry a round."""

    name: str
    seconds: float = 0.0  # length of the recording
    frames: int = 0
    crops: int = 0
    tracklets: int = 0
    alone: list[dict[str, Cost]] = field(default_factory=list)  # a thread a core
    single: list[dict[str, Cost]] = field(default_factory=list)  # one thread
    pipeline: list[Cost] = field(default_factory=list)
    stages: list[Mapping[str, float]] = field(default_factory=list)  # as the pipeline's report says


def measure(path: Path, settings: IndexSettings, rounds: int) -> Result:
    recording = Recording(path, 1, START, path.name)
    embedder, detector = make_embedder(settings), make_detector(settings)
    bare = Bare(recording, settings, embedder, detector)  # warms the networks up
    result = Result(path.name, crops=sum(len(clip) for batch in bare.noted.batches for clip in batch))
    for _ in range(rounds):
        result.single.append(bare.measure(1))
        result.alone.append(bare.measure(CORES))
        torch.set_num_threads(1)
        with empty_gallery() as gallery:
            clock = Clock()
            with clock:
                report = index_video(gallery, embedder, detector, recording, settings)
        result.pipeline.append(clock.cost)
        result.stages.append(report.stage_seconds)
        result.seconds, result.tracklets = report.video.duration_us / 1e6, report.video.tracklet_count
        result.frames = report.counters["frames_detected"]
    return result


def print_result(result: Result) -> None:
    print(
        f"\n### {result.name}: {result.seconds:.1f} s, {result.frames} frames detected on, "
        f"{result.crops} crops, {result.tracklets} tracklets\n"
    )
    print("| stage | alone, wall s | alone, CPU s | in the pipeline, s |")
    print("|---|---|---|---|")
    wall = {stage: min([costs[stage].wall for costs in result.alone]) for stage in STAGES}
    cpu = {stage: min([costs[stage].cpu for costs in result.single]) for stage in STAGES}
    for stage in STAGES:
        inside = min([stages[stage] for stages in result.stages])
        print(f"| {stage} | {wall[stage]:.2f} | {cpu[stage]:.2f} | {inside:.2f} |")
    took = min([cost.wall for cost in result.pipeline])
    slowest, spread = max(wall.values()), sum(cpu.values()) / CORES
    print(
        f"\nPipeline {took:.2f} s ({min([c.cpu for c in result.pipeline]):.2f} CPU s), "
        f"{result.seconds / took:.2f} times real time. Slowest stage alone {slowest:.2f} s, all CPU work "
        f"over {CORES} cores {spread:.2f} s: **{took / slowest:.2f}** of the slowest stage, "
        f"**{took / max(slowest, spread):.2f}** of the bound."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=RECORDINGS, action="append")
    parser.add_argument("--workers", type=int)
    arguments = parser.parse_args()
    settings = IndexSettings(workers=arguments.workers)
    for name in arguments.only or RECORDINGS:
        print_result(measure(arguments.data / name, settings, arguments.rounds))


if __name__ == "__main__":
    main()
