"""A recording that is being brought to a node, so that the driver hears of the node meanwhile."""

import getpass
import tempfile
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from gallery import AtHand, Places
from indexer.errors import Cancelled

COPIES: Final = Path(tempfile.gettempdir()) / f"sightline-objects-{getpass.getuser()}"
WAIT_SECONDS: Final = 5.0  # within which the driver hears


class Coming:
    """A recording on its way.

    Args:
        places: bring it.
        place: its path or URL.
    """

    def __init__(self, places: Places, place: str) -> None:
        self._resources = ExitStack()
        self._left = threading.Event()
        self._thread = ThreadPoolExecutor(1, "bring")
        bringing = places.at_hand(place, tick=self._tick)
        self._found: Future[AtHand] = self._thread.submit(self._resources.enter_context, bringing)

    def is_there(self) -> bool:
        """Wait a while for it; whether it is there. Raises as `Places.at_hand`."""
        wait([self._found], WAIT_SECONDS)
        if not self._found.done():
            return False
        self._found.result()
        return True

    @property
    def path(self) -> Path:
        """Of the file that is there."""
        return self._found.result().path

    def leave(self) -> None:
        """Give it up, or leave it to who else reads it."""
        self._left.set()
        self._thread.shutdown(wait=True)
        self._resources.close()

    def _tick(self, _done: float) -> None:
        if self._left.is_set():
            raise Cancelled
