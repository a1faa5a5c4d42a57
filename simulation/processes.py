"""Work spread over processes."""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process

from simulation.errors import WorkerDied

MOST_DEATHS = 3  # in a row
log = logging.getLogger(__name__)


def in_processes(work: Callable[[int], int], numbers: Sequence[int], processes: int | None) -> Iterator[int]:
    """Results of `work` as they come, by spawned processes: one a core, or so many, or with 0 by this one.

    A graphics library or its driver can kill the process it runs in. Such a death costs what was being made
    and no more: new processes make it again, as `work` leaves nothing half behind.

    Processes are never forked: the threads that an OpenGL context of this process has are missing in a fork,
    which then waits for them for ever.

    Raises:
        WorkerDied: processes died MOST_DEATHS times without finishing anything in between.
    """
    if processes == 0:
        yield from map(work, numbers)
        return
    left, deaths = list(numbers), 0
    while left:
        try:
            for number, result in pooled(work, left, processes or os.cpu_count() or 1):
                left.remove(number)
                deaths = 0
                yield result
        except BrokenProcessPool as error:
            deaths += 1
            if deaths == MOST_DEATHS:
                raise WorkerDied(f"a drawing process died {deaths} times in a row") from error
            log.warning("a drawing process died; %d pieces of work are left, begun again", len(left))


def pooled(work: Callable[[int], int], numbers: Sequence[int], processes: int) -> Iterator[tuple[int, int]]:
    """Numbers and their results as they come. Raises BrokenProcessPool when a process dies."""
    count = min(processes, len(numbers))
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=begin) as pool:
        futures = {pool.submit(work, number): number for number in numbers}
        for future in as_completed(futures):
            yield futures[future], future.result()


def begin() -> None:
    """Set up a spawned process."""
    draw_alone()
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """End this process when the one that spawned it is gone, be it killed: nobody waits for its work."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def draw_alone() -> None:
    """Let Mesa's software rasteriser draw without threads of its own: the processes fill the cores."""
    os.environ.setdefault("LP_NUM_THREADS", "0")
