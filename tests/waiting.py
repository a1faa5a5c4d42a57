"""How tests wait: for a condition, as long as it takes on a machine that is busy with other work.

A test that waits for a time is right on a quiet machine and wrong on a busy one. `tests/test_waiting.py`
keeps other waits out.
"""

import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

PATIENCE: Final = 200.0
"""Seconds until a condition counts as never met: below pytest's own limit, far above what anything takes."""


def until(condition: Callable[[], T | None], *, pause: float = 0.01, patience: float = PATIENCE) -> T:
    """Call `condition` until it returns something true, and return that.

    Args:
        condition: may raise AssertionError itself when what it waits for can no longer happen.
        pause: seconds between two calls.
        patience: seconds until the wait fails.

    Raises:
        AssertionError: it never became true.
    """
    end = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < end, f"waited {patience:.0f} s in vain"
        time.sleep(pause)
    return found


def take_time(seconds: float) -> None:
    """Be slow, as work or a person is. Whatever a test asserts must hold however long this really takes."""
    time.sleep(seconds)
