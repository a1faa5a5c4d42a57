"""Networks of nodes that are small, and actors that live in this process and can be lost."""

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from pathlib import Path
from typing import Any

import numpy as np

from indexer.cluster.actor import Actor
from indexer.cluster.messages import ModelName
from indexer.cluster.pool import RemoteLost
from indexer.settings import IndexSettings
from models.detector import Detections
from models.preprocessing import Crop
from tests.indexer.fakes import ColourDetector, TinyEmbedder
from tests.waiting import until

MODEL = ModelName("tiny", "0" * 64)
DETECTOR = hashlib.sha256(b"colours").hexdigest()


class ChangesDetector(ColourDetector):
    """Like a detector that looks only at changes: what it says of a frame depends on those before it.

    The score of everybody falls from frame to frame of a run, so that other runs give other rows.
    """

    def detect_consecutive(self, frames: Sequence[Crop]) -> list[Detections]:
        found = self.detect(frames)
        return [
            Detections(one.boxes, one.scores - np.float32(0.01) * number) for number, one in enumerate(found)
        ]


class HeldDetector(ChangesDetector):
    """Finds people on one run of frames, and on others once it may go on."""

    def __init__(self, held: Path) -> None:
        super().__init__()
        self._held, self._runs = held, 0

    def detect_consecutive(self, frames: Sequence[Crop]) -> list[Detections]:
        self._runs += 1
        if self._runs > 1:
            (self._held / str(os.getpid())).touch()
            until((self._held / "go").exists)
        return super().detect_consecutive(frames)


class FakeNetworks:
    """The networks of a node, without weights.

    Args:
        seconds: that a frame takes.
        digest: of the detector's weights.
        held: a folder; after a run of frames a process notes its id there, and waits for the file "go".
    """

    def __init__(self, *, seconds: float = 0.0, digest: str = DETECTOR, held: Path | None = None) -> None:
        self.seconds, self.digest, self.held = seconds, digest, held

    def detector(self, settings: IndexSettings, input_size: int | None) -> ColourDetector:
        return ChangesDetector(seconds=self.seconds) if self.held is None else HeldDetector(self.held)

    def detector_digest(self, spec: str) -> str:
        return self.digest

    def embedder(self, settings: IndexSettings, model: ModelName) -> TinyEmbedder:
        return TinyEmbedder(model=model.id[:1])


class Loaded:
    """The model in use, as the driver has it."""

    spec = MODEL.spec

    def __init__(self) -> None:
        self._embedder = TinyEmbedder()

    def __call__(self) -> TinyEmbedder:
        return self._embedder


class NearRemote:
    """An actor in this process.

    Args:
        where: its node.
        settings: the driver's.
        dies: asked before each call, with the method: whether the node is lost just then.
    """

    device = "cpu"

    def __init__(
        self,
        where: str,
        settings: IndexSettings,
        *,
        dies: Callable[[str], bool] = lambda _: False,
        networks: FakeNetworks | None = None,
    ) -> None:
        self.where = where
        self.asked: list[str] = []
        self._actor = Actor(settings.model_dump_json(), networks or FakeNetworks(), 1)
        self._threads = ThreadPoolExecutor(8)
        self._dies, self._dead = dies, threading.Event()

    def ask(self, method: str, *arguments: Any) -> "_Asked":
        self.asked.append(method)
        if self._dies(method):
            self._dead.set()
        if self._dead.is_set():
            raise RemoteLost(f"{self.where} is gone")
        return _Asked(self._threads.submit(getattr(self._actor, method), *arguments), self._dead)

    def close(self) -> None:
        for key in list(self._actor._open):
            self._actor.close(key)
        self._threads.shutdown()


class _Asked:
    def __init__(self, future: "Future[Any]", dead: threading.Event) -> None:
        self._future, self._dead = future, dead

    def get(self, seconds: float) -> Any:
        try:
            answer = self._future.result(seconds)
        except NotYet:
            answer = None
            if not self._dead.is_set():
                raise
        if self._dead.is_set():
            raise RemoteLost("gone meanwhile")
        return answer
