"""How far packages are while they are made: what a client that waits for one may ask."""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gallery import NotFound

_KEPT: Final = 256  # the newest packages; older ones are asked for by nobody


class Stage(StrEnum):
    """What is being packed. The last three end it."""

    PHOTOS = "photos"
    ANSWERS = "answers"
    CLIPS = "clips"
    JOURNEY = "journey"
    REPORT = "report"
    MADE = "made"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED: Final = frozenset({Stage.MADE, Stage.FAILED, Stage.CANCELLED})


@dataclass(slots=True)
class Progress:
    """How far one package is.

    Attributes:
        stage: what is being packed now.
        tracklets: of how many it will have clips; None until that is counted.
        done: of how many the clips are packed, or named as left out.
        sent: bytes of the package that have left.
    """

    key_id: str | None
    stage: Stage = Stage.PHOTOS
    tracklets: int | None = None
    done: int = 0
    sent: int = 0

    def to(self, stage: Stage) -> None:
        """Note what is being packed, or how it ended: what ended stays so."""
        if self.stage not in ENDED:
            self.stage = stage


class Packages:
    """The packages that this process makes or has made lately, by id."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, Progress] = OrderedDict()

    def begin(self, package_id: str, key_id: str | None) -> Progress:
        """Follow a package from now on."""
        with self._lock:
            while len(self._known) >= _KEPT:
                self._known.popitem(last=False)
            self._known[package_id] = progress = Progress(key_id)
            return progress

    def of(self, package_id: str, key_id: str | None) -> Progress:
        """How far a package of a key is. Raises NotFound: this process makes none of this id for it."""
        with self._lock:
            progress = self._known.get(package_id)
        if progress is None or progress.key_id != key_id:
            raise NotFound(f"this server makes no package {package_id!r}"[:200])
        return progress
