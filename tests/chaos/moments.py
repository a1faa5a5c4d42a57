"""When a fault strikes: when the work has come so far, as the database and the gallery's folder tell.

A clock would not do: on a busy machine most of what it chose lay before the work or after it.
"""

import os
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from gallery import Gallery, GalleryError
from gallery.disk.locks import dead_staging, staging_root
from gallery.sql.tables import JobRecording, Video
from gallery.vectors.segment import MANIFEST
from tests.chaos.scenes import FRAMES

_LOCK = ".lock"
_ENDED = ("succeeded", "skipped", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Doing:
    """What one process is at.

    Attributes:
        leased: recordings of jobs that it holds.
        stage: of them, as it reported last.
        frames: that it has read of them, as it reported last.
        writing: it has a folder in staging.
        tracklets: that lie there.
        whole: its segment is complete; what is left is to make it visible.
    """

    leased: int = 0
    stage: str | None = None
    frames: int = 0
    writing: bool = False
    tracklets: int = 0
    whole: bool = False

    @property
    def busy(self) -> bool:
        """Whether there is anything to interrupt."""
        return self.leased > 0 or self.writing


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the work is at one instant: of each process, and of all.

    Attributes:
        doing: what each process is at, by name.
        left: recordings of jobs that have not ended.
        videos: that are visible.
    """

    doing: Mapping[str, Doing]
    left: int
    videos: int

    def busy(self, names: Collection[str]) -> list[str]:
        """Who of these is at work."""
        return [name for name in names if self.doing.get(name, Doing()).busy]


class Watch:
    """Looks at the work from outside.

    Args:
        gallery: that is worked on.
        pids: processes by name; asked anew each time.
    """

    def __init__(self, gallery: Gallery, pids: Mapping[str, int]) -> None:
        self._gallery = gallery
        self._pids = pids

    def look(self, names: Sequence[str]) -> Standing:
        """See what these processes are at.

        Raises:
            GalleryError: the database does not answer.
        """
        with self._gallery._database.read() as session:
            columns = JobRecording.worker, JobRecording.stage, JobRecording.counters
            held = session.execute(select(*columns).where(JobRecording.state == "running")).all()
            query = select(func.count()).select_from(JobRecording)
            left = session.scalar(query.where(JobRecording.state.not_in(_ENDED))) or 0
            videos = session.scalar(select(func.count()).select_from(Video)) or 0
        doing = {}
        for name in names:
            mine = [row for row in held if row.worker == name]
            doing[name] = Doing(
                leased=len(mine),
                stage=next((row.stage for row in mine), None),
                frames=max((row.counters.get("frames_decoded", 0) for row in mine), default=0),
                **self._written(self._pids.get(name)),
            )
        return Standing(doing, left, videos)

    def disconnect(self) -> None:
        """Close the connections to the database, which is about to be another one."""
        self._gallery._database.engine.dispose()

    def abandoned(self) -> int:
        """How many folders in staging belong to nobody any more."""
        return len(dead_staging(self._gallery.data_dir))

    def _written(self, pid: int | None) -> dict[str, Any]:
        """What lies in the folder in staging whose lock a process holds."""
        for directory in _staging_of(pid, staging_root(self._gallery.data_dir)):
            with suppress(OSError):  # it is being moved or removed just now
                thumbnails = len(os.listdir(directory / "thumbnails"))
                published = self._gallery.data_dir / "segments" / directory.name
                whole = (directory / "segment" / MANIFEST).exists() or published.exists()
                return {"writing": True, "tracklets": thumbnails, "whole": whole}
            return {"writing": True, "whole": True}
        return {}


def _staging_of(pid: int | None, root: Path) -> list[Path]:
    found = []
    with suppress(OSError):  # it has ended
        for number in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                target = os.readlink(f"/proc/{pid}/fd/{number}")
                if target.startswith(f"{root}/") and target.endswith(_LOCK):
                    found.append(Path(target.removesuffix(_LOCK)))
    return found


@dataclass(frozen=True, slots=True)
class Moment:
    """How far the work has come when the fault strikes.

    Attributes:
        name: for the log.
        comes: whether it is now, for one process; what comes later counts, too, so that a look too late
            does not miss it.
    """

    name: str
    comes: Callable[[Doing, int], bool] = field(repr=False)


def choose(random_: random.Random) -> Moment:
    """Choose one; the work passes through all of them."""
    frames = random_.randrange(1, FRAMES)
    videos = random_.randrange(1, 3)
    return random_.choice(
        [
            Moment("a recording is leased", lambda doing, _: doing.busy),
            Moment(
                f"{frames} frames are read", lambda doing, _: doing.frames >= frames or doing.tracklets > 0
            ),
            Moment("nothing is written yet", lambda doing, _: doing.writing),
            Moment("a tracklet is written", lambda doing, _: doing.tracklets > 0 or doing.whole),
            Moment("all tracklets are written", lambda doing, _: doing.tracklets > 1 or doing.whole),
            Moment("a segment is whole", lambda doing, _: doing.whole),
            Moment(f"{videos} of 3 are visible", lambda doing, seen: seen >= videos and doing.busy),
        ]
    )


@dataclass(slots=True)
class Strike:
    """When a fault struck, for the log.

    Attributes:
        planned: the moment that was waited for.
        came: it did; False: the work was over before it was seen.
        victims: who was struck.
        doing: what they were at just then, as `Doing`.
        left, videos: recordings that had not ended, and those that were visible.
        midst: they were in the middle of work.
        felt: somebody said that something is wrong; None where nothing has to be.
    """

    planned: str
    came: bool = False
    victims: list[str] = field(default_factory=list)
    doing: dict[str, Doing] = field(default_factory=dict)
    left: int = 0
    videos: int = 0
    midst: bool = False
    felt: bool | None = None


def seen(watch: Watch, names: Sequence[str]) -> Standing | None:
    """What these processes are at; None while the database does not answer."""
    with suppress(GalleryError):
        return watch.look(names)
    return None
