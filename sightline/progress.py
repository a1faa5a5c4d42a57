"""Progress bars: a description, a count and the time left."""

from typing import TYPE_CHECKING

from sightline.console import output

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


def progress_bars(*, shown: bool = True) -> "Progress":
    """Make bars for counted work, to be used as a context manager."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=output, disable=not shown)


class StageBars:
    """A bar for each stage that is reported; a stage with another total is another one."""

    def __init__(self, bars: "Progress", verb: str) -> None:
        self._bars = bars
        self._verb = verb
        self._tasks: dict[tuple[str, int], TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` are done."""
        if (stage, total) not in self._tasks:
            self._tasks[stage, total] = self._bars.add_task(f"{self._verb} {stage}", total=total)
        self._bars.update(self._tasks[stage, total], completed=done)
