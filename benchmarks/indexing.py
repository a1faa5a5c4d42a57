"""How fast are recordings indexed, and what does the pipeline cost above its stages?

    python -m benchmarks.indexing [--data DIR] [--rounds 2] [--scenes still three eight] [--device auto]

Scenes are made of the samples, and of vtest.avi in DIR (see benchmarks/scenes.py). Of each, in turns within
one run:

alone     each stage's own work on inputs that are ready and nothing else, on one thread: decoding with
          conversion to RGB; the detector, with the parts of frames that it looks at; the tracker; the network
          on batches of clips; the gallery's writer.
pipeline  `index_video` into an empty gallery, with the decoder's process.

The bound is what no arrangement of the stages can beat on a machine without a GPU: their CPU time spread over
all cores. With a GPU there is no such bound, and times alone are by the clock.
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

from benchmarks.machine import cpu_seconds, machine
from benchmarks.scenes import SCENES, make
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
from indexer.looking import look_with
from indexer.networks import make_detector, make_embedder
from indexer.pipeline import index_video
from indexer.settings import IndexSettings
from indexer.track import Tracker
from indexer.types import Frame, Recording
from models.detector import Detections, Detector
from models.embedder import Embedder
from models.preprocessing import Crop

STAGES = ("decode", "detect", "track", "embed", "store")
START = datetime(2026, 3, 1, tzinfo=UTC)
CORES = len(os.sched_getaffinity(0))


@dataclass
class Noted:
    """What the network and the writer were given in an undisturbed run."""

    batches: list[list[list[Crop]]] = field(default_factory=list)
    tracklets: list[NewTracklet] = field(default_factory=list)
    video: NewVideo | None = None


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
    """Seconds of one measurement; those of the CPU with processes that have ended meanwhile."""

    wall: float = 0.0
    cpu: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.wall + other.wall, self.cpu + other.cpu)

    @classmethod
    def so_far(cls) -> "Cost":
        """What the process has used."""
        return cls(time.perf_counter(), cpu_seconds())


class Clock:
    """Adds up `with clock:` blocks."""

    def __init__(self) -> None:
        self.cost = Cost()

    def __enter__(self) -> None:
        self._began = Cost.so_far()

    def __exit__(self, *error: object) -> None:
        now = Cost.so_far()
        self.cost += Cost(now.wall - self._began.wall, now.cpu - self._began.cpu)


class Alone:
    """Each stage alone on one recording."""

    def __init__(
        self, recording: Recording, settings: IndexSettings, embedder: Embedder, detector: Detector
    ) -> None:
        self.recording, self.settings, self.embedder = recording, settings, embedder
        self.look = look_with(detector, settings)
        self.frames: list[Frame] = []
        self.detections: list[Detections] = []
        self.noted = Noted()
        with empty_gallery(NotingGallery) as gallery:
            assert isinstance(gallery, NotingGallery)
            gallery.noted = self.noted
            index_video(gallery, NotingEmbedder(embedder, self.noted), detector, recording, settings)

    def measure(self) -> dict[str, Cost]:
        """Cost of each stage."""
        costs = {}
        for stage in STAGES:  # in their order: each leaves what the next one takes
            clock = Clock()
            getattr(self, f"_{stage}")(clock)
            costs[stage] = clock.cost
        return costs

    def _decode(self, clock: Clock) -> None:
        with clock, open_recording(self.recording.path, device=self.settings.decode_device) as recorded:
            self.frames = list(recorded.frames(fps=self.look.fps))

    def _detect(self, clock: Clock) -> None:
        together = self.look.together or (lambda _: self.settings.detect_batch_on(self.look.device))
        size = together(self.frames[0])
        runs = [self.frames[start : start + size] for start in range(0, len(self.frames), size)]
        with clock:
            self.detections = [one for run in runs for one in self.look.find(run)]

    def _track(self, clock: Clock) -> None:
        tracker = Tracker(start_score=self.settings.track_score)
        with clock:
            for frame, detections in zip(self.frames, self.detections, strict=True):
                tracker.update(detections, frame.time_us)

    def _embed(self, clock: Clock) -> None:
        with clock:
            for clips in self.noted.batches:
                self.embedder.embed_clips(clips)

    def _store(self, clock: Clock) -> None:
        video, embedder = self.noted.video, self.embedder
        assert video is not None
        model = ModelInfo(embedder.id, embedder.name, embedder.dimension, embedder.card)
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
    in_view: float = 0.0  # persons found on a frame
    crops: int = 0
    tracklets: int = 0
    alone: list[dict[str, Cost]] = field(default_factory=list)
    pipeline: list[Cost] = field(default_factory=list)
    stages: list[Mapping[str, float]] = field(default_factory=list)  # as the pipeline's report says


def measure(path: Path, settings: IndexSettings, exported: Path, rounds: int) -> Result:
    recording = Recording(path, 1, START, path.name)
    torch.set_num_threads(1)
    embedder, detector = make_embedder(settings, exported), make_detector(settings)
    alone = Alone(recording, settings, embedder, detector)  # warms the networks up
    result = Result(path.stem, crops=sum(len(clip) for batch in alone.noted.batches for clip in batch))
    for _ in range(rounds):
        result.alone.append(alone.measure())
        alone.frames.clear()
        clock = Clock()
        with empty_gallery() as gallery, clock:
            report = index_video(gallery, embedder, detector, recording, settings)
        result.pipeline.append(clock.cost)
        result.stages.append(report.stage_seconds)
    result.seconds, result.tracklets = report.video.duration_us / 1e6, report.video.tracklet_count
    result.frames = report.counters["frames_detected"]
    result.in_view = report.counters["detections"] / max(1, result.frames)
    return result


def print_result(result: Result, on_cpu: bool) -> None:
    length = (
        f"{result.seconds:.1f} s, {result.frames} frames detected on, {result.in_view:.1f} people on each"
    )
    print(f"\n### {result.name}: {length}, {result.crops} crops, {result.tracklets} tracklets\n")
    print("| stage | alone, wall s | alone, CPU s | in the pipeline, s |")
    print("|---|---:|---:|---:|")
    best = {stage: min((each[stage] for each in result.alone), key=lambda cost: cost.cpu) for stage in STAGES}
    for stage, cost in best.items():
        inside = min([stages[stage] for stages in result.stages])
        print(f"| {stage} | {cost.wall:.2f} | {cost.cpu:.2f} | {inside:.2f} |")
    took = min([cost.wall for cost in result.pipeline])
    cpu = min([cost.cpu for cost in result.pipeline])
    bound = sum(cost.cpu for cost in best.values()) / CORES
    text = f"\nPipeline {took:.2f} s ({cpu:.2f} CPU s), **{result.seconds / took:.1f} times real time**"
    print(f"{text}, {took / bound:.2f} of the bound of {bound:.2f} s." if on_cpu else f"{text}.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of vtest.avi; without it scenes of it are left out")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--scenes", nargs="+", choices=SCENES, default=SCENES)
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the scenes that are made")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--decode-device", default="cpu", help="cpu, or cuda:N for the GPU's decoder")
    parser.add_argument("--workers", type=int)
    arguments = parser.parse_args()
    settings = IndexSettings(
        workers=arguments.workers, device=arguments.device, decode_device=arguments.decode_device
    )
    device = make_embedder(settings).device
    print(machine("python -m benchmarks.indexing", ("torch", "onnxruntime", "av")))
    print("CPU" if device == "cpu" else torch.cuda.get_device_name(device))
    with tempfile.TemporaryDirectory() as folder:
        for scene in arguments.scenes:
            path = make(scene, Path(folder), arguments.data, arguments.seconds)
            if path is not None:
                exported = Path(folder) / "exported"
                print_result(measure(path, settings, exported, arguments.rounds), device == "cpu")


if __name__ == "__main__":
    main()
