"""Work spread over processes."""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process


def in_processes(work: Callable[[int], int], numbers: Sequence[int], processes: int | None) -> Iterator[int]:
    """Results of `work`, in order; one process works here, more are spawned.

    Never forked: the threads that an OpenGL context of this process has are missing in a fork, which then
    waits for them for ever.
    """
    count = min(processes or os.cpu_count() or 1, len(numbers))
    if count <= 1:
        yield from map(work, numbers)
        return
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=begin) as pool:
        yield from pool.map(work, numbers)


def begin() -> None:
    """What a spawned process does first."""
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
