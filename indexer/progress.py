"""Progress of indexing, as reported to a terminal or a job."""

from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bars,
)


class Progress(Protocol):
    """Receives progress. Called several times a second, always from the thread that called `index_video`."""

    def update(self, stage: str, fraction: float, counters: Mapping[str, int]) -> None:
        """Take notice.

        Args:
            stage: what is being done now ("hash", "index", "commit"; "done" by who asked for the work).
            fraction: estimated part of the work that is done, 0..1; 1 only when it is done.
            counters: frames, detections, tracklets and dropped so far.

        Raises:
            Cancelled: the work is no longer wanted; nothing of it will be kept.
        """


class Silent:
    """Watches nothing."""

    def update(self, stage: str, fraction: float, counters: Mapping[str, int]) -> None:
        """See Progress."""


class Remembering:
    """Passes everything on and remembers the latest counters.

    Args:
        receiver: is told.
    """

    def __init__(self, receiver: Progress) -> None:
        self._receiver = receiver
        self.counters: Mapping[str, int] = {}

    def update(self, stage: str, fraction: float, counters: Mapping[str, int]) -> None:
        """See Progress."""
        self.counters = counters
        self._receiver.update(stage, fraction, counters)


class ConsoleProgress:
    """Bars on a terminal, one a recording: `with ConsoleProgress() as bars: ... bars.of(name)`."""

    def __init__(self, console: Console | None = None) -> None:
        self._bars = Bars(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[counters]}"),
            TimeRemainingColumn(),
            console=console,
        )

    def of(self, name: str) -> Progress:
        """Add a bar."""
        return _Bar(self._bars, self._bars.add_task(name, total=1.0, counters=""))

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()


class _Bar:
    """One bar of ConsoleProgress."""

    def __init__(self, bars: Bars, task: TaskID) -> None:
        self._bars, self._task = bars, task

    def update(self, stage: str, fraction: float, counters: Mapping[str, int]) -> None:
        """See Progress."""
        counted = {"frame": counters.get("frames_decoded"), "tracklet": counters.get("tracklets")}
        numbers = [f"{number} {what}{_s(number)}" for what, number in counted.items() if number is not None]
        text = ", ".join([*numbers, stage])
        self._bars.update(self._task, completed=fraction, counters=text)


def _s(number: int) -> str:
    return "" if number == 1 else "s"
