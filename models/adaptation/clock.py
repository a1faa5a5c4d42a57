"""How long a run will take yet."""

import time
from collections import defaultdict
from collections.abc import Callable

from models.adaptation.result import Progress
from models.errors import Cancelled


class Clock:
    """Tells how far a run is, and how long the rest takes at the speed so far.

    Args:
        rounds: of the run.
        progress: who is told.
        cancelled: asked every time; once it is true, the run ends.
    """

    def __init__(
        self,
        rounds: int,
        progress: Callable[[Progress], None] | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self._rounds, self._progress, self._cancelled = rounds, progress, cancelled
        self._stage, self._from, self._began = "", 0, time.monotonic()
        self._took: defaultdict[str, list[float]] = defaultdict(list)

    def tell(self, stage: str, done: int, total: int) -> None:
        """Report that `done` of `total` of a stage is done.

        Raises:
            Cancelled: the run was asked to stop.
        """
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._from, self._began = stage, done, now
        elif done == total:
            self._took[stage.partition(" ")[0]].append(now - self._began)
        if self._progress is not None:
            self._progress(Progress(stage, done, total, self._left(done, total, now)))
        if self._cancelled is not None and self._cancelled():
            raise Cancelled(f"stopped on request while {stage} {done} of {total}")

    def _left(self, done: int, total: int, now: float) -> float | None:
        """Seconds of this stage, and of the rounds to come as long as those before took."""
        if done <= self._from or not total:
            return None
        of_stage = (now - self._began) / (done - self._from) * (total - done)
        kind, _, place = self._stage.partition(" ")
        if kind in {"gate", "report"}:
            return of_stage
        if kind != "learning":
            learning = self._took.get("learning")
            if not learning:
                return None
            to_come = self._rounds - (int(place.partition("/")[0]) - 1 if place else 0)
            return of_stage + to_come * learning[-1]
        to_come = self._rounds - int(place.partition("/")[0])
        steps = (now - self._began) / (done - self._from) * total
        between = sum(self._took[name][-1] for name in ("embedding", "clustering") if self._took.get(name))
        return of_stage + to_come * (steps + between)
