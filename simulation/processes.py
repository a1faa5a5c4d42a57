"""Work spread over processes."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context


def in_processes(work: Callable[[int], int], numbers: Sequence[int], processes: int | None) -> Iterator[int]:
    """Results of `work`, in order; one process works here, more are spawned.

    Never forked: the threads that an OpenGL context of this process has are missing in a fork, which then
    waits for them for ever.
    """
    count = min(processes or os.cpu_count() or 1, len(numbers))
    if count <= 1:
        yield from map(work, numbers)
        return
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=draw_alone) as pool:
        yield from pool.map(work, numbers)


def draw_alone() -> None:
    """Let Mesa's software rasteriser draw without threads of its own: the processes fill the cores."""
    os.environ.setdefault("LP_NUM_THREADS", "0")
