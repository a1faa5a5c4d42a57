"""Several workers in one process: as many recordings are in work as the cluster has actors."""

import threading
from collections.abc import Callable
from typing import Final

from indexer.cluster.pool import Pool, Remote
from indexer.errors import ClusterUnavailable
from indexer.worker import Worker

MOST: Final = 256
LOOK_SECONDS: Final = 0.5


class Lane:
    """Lends a worker one actor for each recording: nothing is leased that nobody could work on.

    Args:
        pool: lends it.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._remote: Remote | None = None

    @property
    def remote(self) -> Remote:
        """The actor that is lent."""
        assert self._remote is not None
        return self._remote

    def enter(self) -> bool:
        """See indexer.worker.Gate."""
        self._remote = next(iter(self._pool.take()), None)
        return self._remote is not None

    def leave(self) -> None:
        """See indexer.worker.Gate."""
        self._pool.give_back(self.remote)
        self._remote = None


def run_lanes(
    make: Callable[[int, Lane], Worker],
    pool: Pool,
    stop: threading.Event,
    *,
    once: bool,
    patience: float,
    lost: Callable[[], str | None] = lambda: None,
) -> None:
    """Let workers run until `stop` is set, or with `once` until nothing is left to lease.

    Args:
        make: makes a worker, by its number from 0, with its lane.
        pool: the actors; one worker for each, and one while there is none.
        stop: ends all of them.
        once: as `Worker.run`.
        patience: seconds to wait for a first actor, with `once`.
        lost: why the cluster is lost, or None.

    Raises:
        ClusterUnavailable: it is lost; or with `once` no node was ready for so long. Recordings went back.
        What a worker raises; the others are stopped.
    """
    lanes: list[threading.Thread] = []
    errors: list[BaseException] = []
    halt = threading.Event()

    def run(number: int) -> None:
        try:
            make(number, Lane(pool)).run(halt, once=once)
        except BaseException as error:  # noqa: BLE001  (carried over to the thread that called)
            errors.append(error)

    waited = 0.0
    while not (stop.is_set() or errors):
        if once and lanes and not any(lane.is_alive() for lane in lanes):
            break
        waited = 0.0 if pool.size else waited + LOOK_SECONDS
        if reason := lost() or (pool.why_none if once and waited > patience else None):
            errors.append(ClusterUnavailable(reason))
            break
        while len(lanes) < min(MOST, max(1, pool.size)):
            lane = threading.Thread(target=run, args=(len(lanes),), name=f"lane-{len(lanes)}")
            lanes.append(lane)
            lane.start()
        stop.wait(LOOK_SECONDS)
    halt.set()
    for lane in lanes:
        lane.join()
    if errors:
        raise errors[0]
