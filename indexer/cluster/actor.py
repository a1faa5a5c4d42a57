"""What runs on a node, in a process of its own: looks at runs of a recording's frames, and embeds clips."""

import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gallery import GalleryError, ObjectSettings, ObjectsUnavailable, Places, is_object
from indexer.at_hand import under_its_name
from indexer.cluster.build import build, differences, glance
from indexer.cluster.coming import COPIES, Coming
from indexer.cluster.messages import About, Ended, ModelName, Opened, Order, Part, Run
from indexer.counters import Counters
from indexer.embedding import ClipEmbedder, Features
from indexer.errors import NodeRefused, NotOnNode, StoreAway
from indexer.flow import Flow, Pipe, Stopped
from indexer.looking import Looking, in_order, look_with
from indexer.names import shown
from indexer.sampling import Box, CutFrame, Slots, sample
from indexer.sandbox import Sandboxed, open_sandboxed
from indexer.settings import IndexSettings
from indexer.types import Frame, Share
from models.detector import Detections, Detector
from models.errors import ModelError
from models.preprocessing import Crop, Preprocessing

RUNS_AHEAD = 2  # that wait for the driver


class NetworkMaker(Protocol):
    """See indexer.cluster.networks.Networks."""

    def detector(self, settings: IndexSettings, input_size: int | None) -> Detector:
        """Make the detector."""

    def detector_digest(self, spec: str) -> str:
        """Say which weights it has."""

    def embedder(self, settings: IndexSettings, model: ModelName) -> ClipEmbedder:
        """Make the network of a model."""


@dataclass(slots=True)
class _Open:
    """A recording that is open; `runs` once somebody looks at it."""

    order: Order
    recorded: Sandboxed
    preprocessing: Preprocessing
    resources: ExitStack
    flow: Flow = field(default_factory=Flow)
    runs: Iterator[Sequence[tuple[CutFrame, Detections]]] | None = None
    told: dict[str, float] = field(default_factory=dict)


class Actor:
    """One actor. Its methods may be called side by side.

    Args:
        settings: the driver's, as JSON.
        networks: makes them.
        cpus: that it may use.
    """

    def __init__(self, settings: str, networks: NetworkMaker, cpus: int) -> None:
        self._settings = IndexSettings.model_validate_json(settings)
        if self._settings.workers is None:
            self._settings = self._settings.model_copy(update={"workers": cpus})
        self._networks = networks
        self._where = socket.gethostname()
        # A driver sends batches for a whole crew; here no more pass at once than on one machine.
        self._passes = threading.BoundedSemaphore(self._settings.workers or cpus)
        self._lock = threading.Lock()  # of the networks, which take seconds to load
        self._detectors: dict[int | None, Detector] = {}
        self._embedder: ClipEmbedder | None = None
        self._open: dict[str, _Open] = {}
        self._coming: dict[str, Coming] = {}
        # By this node's own settings: no driver can make it read what it should not.
        self._places = Places(ObjectSettings(), COPIES, COPIES)

    def ready(self, driver: Mapping[str, str], detector: str, model: ModelName, address: str) -> About:
        """Load the networks.

        Args:
            driver: its build.
            detector: digest of its weights.
            model: to embed with.
            address: of this node, as the driver knows it.

        Raises:
            NodeRefused: something is another version here, or missing.
        """
        self._where = f"{self._where} ({address})"
        if different := differences(driver, build()):
            raise NodeRefused(f"node {self._where} has {different}")
        try:
            if self._networks.detector_digest(self._settings.detector) != detector:
                raise NodeRefused(
                    f"node {self._where} has other weights of detector {self._settings.detector}"
                )
            device = self._detector(None).device
            self._model(model)
        except ModelError as error:
            raise NodeRefused(f"node {self._where}: {error}") from error
        return About(self._where, device)

    def bring(self, key: str, order: Order) -> bool:
        """Bring a recording to this node, for some seconds; whether it is there. To be asked until it is.

        Raises:
            NotOnNode: this node cannot read it.
        """
        if key not in self._coming:
            self._coming[key] = Coming(self._places, order.place)
        try:
            return self._coming[key].is_there()
        except (GalleryError, OSError) as error:
            self._coming.pop(key).leave()
            raise self._not_here(order, error) from error

    def _not_here(self, order: Order, error: GalleryError | OSError) -> NotOnNode:
        name = shown(order.name)
        if isinstance(error, ObjectsUnavailable):
            return StoreAway(f"{name}: node {self._where}: {error}")
        reason = error.strerror if isinstance(error, OSError) else error
        said = f"{name}: node {self._where} cannot read it ({reason})"
        if not is_object(order.place):
            said += ": nodes must see recordings under the paths of the worker"
        return NotOnNode(said)

    def open(self, key: str, order: Order) -> Opened:
        """Open a recording that `bring` has brought.

        Raises:
            NotOnNode: this node sees another one in its place.
            UnreadableRecording: as on any machine.
            ModelError: the model cannot be loaded here.
        """
        coming = self._coming.pop(key)
        with ExitStack() as resources:
            resources.callback(coming.leave)
            self._check(order, coming.path)
            try:
                preprocessing = self._model(order.model).preprocessing
            except ModelError as error:
                raise ModelError(f"node {self._where}: {error}") from error
            if is_object(order.place):
                resources.enter_context(under_its_name(coming.path, shown(order.name)))
            opening = open_sandboxed(coming.path, self._settings, aspect=order.aspect)
            recorded = resources.enter_context(opening)
            self._open[key] = _Open(order, recorded, preprocessing, resources.pop_all())
        return Opened(recorded.track, recorded.expected_duration_us)

    def look(self, key: str, part: Part) -> None:
        """Begin to look at a part of an open recording."""
        one = self._open[key]
        detector = self._detector(one.order.detector_input)
        frames, most_bytes = self._settings.run_on(
            detector.device, in_order(detector, self._settings) is not None
        )
        share = Share(part.number, part.of, part.begin, frames, most_bytes)
        looking = Looking(one.recorded, look_with(detector, self._settings), self._settings, share)
        one.resources.enter_context(one.flow)
        found = looking.look(one.flow, Counters())
        runs: Pipe[Sequence[tuple[CutFrame, Detections]]] = one.flow.pipe(RUNS_AHEAD)

        def cut() -> None:
            for run in self._cut(found, share, one.preprocessing):
                runs.put(run)

        one.flow.stage("track", cut, out=runs)  # cutting crops is counted there on one machine, too
        one.runs = iter(runs)

    def take(self, key: str) -> Run | Ended:
        """The next run of the part, in order; to be asked by one thread at a time.

        Raises:
            UnreadableRecording, ModelError: as on any machine.
        """
        one = self._open[key]
        assert one.runs is not None
        try:
            frames = next(one.runs, None)
        except Stopped:
            self._leave(self._open.pop(key))  # raises what stopped it
            raise
        statistics = one.recorded.statistics
        seconds = {name: spent - one.told.get(name, 0.0) for name, spent in dict(one.flow.seconds).items()}
        one.told = {name: one.told.get(name, 0.0) + more for name, more in seconds.items()}
        if frames is None:
            return Ended(statistics, seconds)
        return Run(frames, statistics.frames_decoded, statistics.frames_bad, seconds)

    def close(self, key: str) -> None:
        """Leave a recording, wherever it stands; one that is not open is left already."""
        if (coming := self._coming.pop(key, None)) is not None:
            coming.leave()
        if (one := self._open.pop(key, None)) is not None:
            self._leave(one)

    def embed(self, model: ModelName, clips: Sequence[Sequence[Crop]]) -> Features:
        """Raw features of clips, (N, D). Raises ModelError."""
        embedder = self._model(model)
        with self._passes:
            return embedder.embed_clips(clips)

    def _leave(self, one: _Open) -> None:
        """Stop what goes on and raise what went wrong."""
        stopped = Stopped()
        one.resources.__exit__(Stopped, stopped, None)

    def _check(self, order: Order, path: Path) -> None:
        name = shown(order.name)
        try:
            found = path.stat().st_size, glance(path)
        except OSError as error:
            raise NotOnNode(f"{name}: node {self._where} cannot read it ({error.strerror})") from error
        if found != (order.size, order.glance):
            raise NotOnNode(f"{name}: node {self._where} sees another file under its path")

    def _cut(
        self, found: Pipe[tuple[Frame, Detections]], share: Share, preprocessing: Preprocessing
    ) -> Iterator[Sequence[tuple[CutFrame, Detections]]]:
        """Cut everybody out of the frames that may be sampled, run by run.

        Whether the first frame of a run is sampled depends on the one before it, which is another actor's:
        its crops are cut in any case, and the driver takes them or not.
        """
        run: list[tuple[CutFrame, Detections]] = []
        slots = Slots(self._settings.embed_fps)
        for frame, detections in found:
            sampled = slots.take(frame.time_us)
            boxes = [box_of(box) for box in detections.boxes.astype("float32").tolist()] if sampled else []
            cut = {box: sample(frame, box, 0, preprocessing) for box in boxes}
            run.append((CutFrame(frame.index, frame.time_us, cut), detections))
            if len(run) >= share.length(frame.image.nbytes):
                yield run
                run, slots = [], Slots(self._settings.embed_fps)
        if run:
            yield run

    def _detector(self, input_size: int | None) -> Detector:
        with self._lock:
            if input_size not in self._detectors:
                self._detectors[input_size] = self._networks.detector(self._settings, input_size)
            return self._detectors[input_size]

    def _model(self, model: ModelName) -> ClipEmbedder:
        with self._lock:
            if self._embedder is None or self._embedder.id != model.id:
                self._embedder = None  # one is enough for the memory
                self._embedder = self._networks.embedder(self._settings, model)
            return self._embedder


def box_of(box: Sequence[float]) -> Box:
    """A detection's box as a track hands it out."""
    left, top, right, bottom = box
    return float(left), float(top), float(right), float(bottom)
