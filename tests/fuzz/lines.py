"""Which lines of the watched modules an input reaches: one that reaches a new line is worth changing further.

By `sys.settrace`, on any Python. A function all of whose lines were reached costs no more than its call.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any


class Lines:
    """Lines reached so far.

    Args:
        watched: beginnings of the names of modules; of none, nothing is watched.
    """

    def __init__(self, watched: tuple[str, ...]) -> None:
        self._watched = watched
        self._left: dict[CodeType, set[int]] = {}
        self.count = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note what is reached meanwhile in this thread."""
        if not self._watched:
            yield
            return
        before = sys.gettrace()
        sys.settrace(self._call)
        try:
            yield
        finally:
            sys.settrace(before)

    def _call(self, frame: FrameType, event: str, _: Any) -> Callable[..., Any] | None:
        code = frame.f_code
        left = self._left.get(code)
        if left is None:
            mine = str(frame.f_globals.get("__name__", "")).startswith(self._watched)
            left = {line for *_, line in code.co_lines() if line} if mine else set()
            self._left[code] = left
        return self._line if left else None

    def _line(self, frame: FrameType, event: str, _: Any) -> Callable[..., Any] | None:
        left = self._left[frame.f_code]
        if frame.f_lineno in left:
            left.discard(frame.f_lineno)
            self.count += 1
        return self._line
