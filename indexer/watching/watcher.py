"""Watches a folder: what has settled there, and was not seen before, becomes recordings of jobs."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gallery import CameraInfo, Conflict, FiledFile, Gallery, JobInfo, NewRecording, WatchedFile, WatchedStamp
from gallery.recorded import is_possible
from indexer.errors import NotOneTime, UnreadablePath, UnreadableRecording
from indexer.hashing import content_hash
from indexer.local_time import in_zone, zone_of
from indexer.watching.pattern import Pattern
from indexer.watching.scan import scan
from indexer.watching.settling import Settling, stamp_of

MOST_AT_ONCE: Final = 200  # recordings of one job: a bound on what is hashed before the first is filed


@dataclass(frozen=True, slots=True)
class Place:
    """How the recordings of a folder are to be read.

    Attributes:
        root: the folder, without links.
        pattern: what their paths say.
        camera: of all of them; None: the paths say it.
        time_zone: of cameras that are new, an IANA name; None: new cameras are not added.
        recorded_at: what a file itself says of its start; None: its path says it.
    """

    root: Path
    pattern: Pattern
    camera: str | None = None
    time_zone: str | None = None
    recorded_at: Callable[[Path], datetime] | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """A recording that may be filed: its camera and its start, with the offset of the camera's clock."""

    path: Path
    stamp: WatchedStamp
    camera: str
    new_camera: bool
    start: datetime


@dataclass(slots=True)
class Look:
    """What one look found.

    Attributes:
        ready: to be filed.
        refused: have settled and cannot be filed, with the reason.
        waiting: have not settled, with the reason.
        restless: those of them that have not for too long.
        passed_over: are no recordings of this folder, with the reason.
        known: how many were filed before.
    """

    ready: list[Ready] = field(default_factory=list)
    refused: list[tuple[Path, str]] = field(default_factory=list)
    waiting: Mapping[Path, str] = field(default_factory=dict)
    restless: frozenset[Path] = frozenset()
    passed_over: Sequence[tuple[Path, str]] = ()
    known: int = 0


@dataclass(frozen=True, slots=True)
class Filed:
    """A job that was filed, its recordings, and how many files turned out to be known by their content."""

    job: JobInfo | None
    recordings: Sequence[Ready]
    known: int
    refused: Sequence[tuple[Path, str]]


class Watcher:
    """Looks at a folder and files what is ready, when told to.

    Args:
        gallery: where jobs are filed.
        place: the folder, and how to read it.
        settling: when a file may be taken.
    """

    def __init__(self, gallery: Gallery, place: Place, settling: Settling) -> None:
        self._gallery, self._place, self._settling = gallery, place, settling
        self._known: set[WatchedStamp] = set()
        self._read: dict[WatchedStamp, datetime] = {}  # what files say of themselves: asked once each

    def look(self) -> Look:
        """Look through the folder; nothing is filed, and no file is read as a whole.

        Raises:
            OSError: the folder cannot be read.
            CatalogueUnavailable: the database cannot be reached.
        """
        found = scan(self._place.root)
        unseen = {stamp for stamp in found.files.values() if stamp not in self._known}
        self._known |= self._gallery.watched.known(unseen)
        filed_as = self._gallery.watched.pending()

        def is_known(path: Path, stamp: WatchedStamp) -> bool:
            before = Path(filed_as.get(stamp, path))
            return stamp in self._known and (before == path or before.exists())

        new = {path: stamp for path, stamp in found.files.items() if not is_known(path, stamp)}
        settled = self._settling.look(new)
        cameras = {camera.name: camera for camera in self._gallery.catalogue.cameras()}
        look = Look(waiting=settled.waiting, restless=settled.restless, passed_over=found.passed_over)
        look.known = len(found.files) - len(new)
        for path, stamp in settled.ready.items():
            try:
                look.ready.append(self._ready(path, stamp, cameras))
            except NotOneTime as error:
                look.refused.append((path, f"{error}: {error.choices}?"))
            except (UnreadablePath, UnreadableRecording) as error:
                look.refused.append((path, str(error)))
        return look

    def file(self, ready: Sequence[Ready]) -> Iterator[Filed]:
        """File recordings as jobs; a content that is known, by whatever name, is left out.

        A file that changes while it is read is left for the next look.

        Raises:
            CatalogueUnavailable, StorageFull: nothing of the batch was filed.
        """
        for at in range(0, len(ready), MOST_AT_ONCE):
            yield self._file(ready[at : at + MOST_AT_ONCE])

    def _file(self, ready: Sequence[Ready]) -> Filed:
        refused: list[tuple[Path, str]] = []
        files, taken = [], []
        for one in ready:
            real = one.path.resolve()
            as_filed = FiledFile.at(real)
            try:
                digest = content_hash(one.path)
            except UnreadableRecording as error:
                refused.append((one.path, str(error)))
                continue
            if as_filed is None or stamp_of(one.path) != one.stamp or FiledFile.at(real) != as_filed:
                continue
            camera = self._camera(one)
            start = one.start.astimezone(UTC)
            recording = NewRecording(
                camera.id, str(real), one.path.name, False, start, replace(as_filed, sha256=digest)
            )
            files.append(WatchedFile(recording, digest, one.stamp))
            taken.append(one)
        if not files:
            return Filed(None, (), 0, refused)
        try:
            outcome = self._gallery.watched.file(files)
        except Conflict as error:  # another watcher was faster: the next look finds them known
            return Filed(None, (), 0, [*refused, *((one.path, str(error)) for one in taken)])
        self._known |= {file.stamp for file in files}
        filed = {recording.path for recording in outcome.job.recordings} if outcome.job else set()
        jobs = [one for one, file in zip(taken, files, strict=True) if file.recording.path in filed]
        return Filed(outcome.job, jobs, outcome.known, refused)

    def _camera(self, one: Ready) -> CameraInfo:
        if not one.new_camera:
            return self._gallery.catalogue.camera_named(one.camera)
        return self._gallery.catalogue.get_or_add_camera(one.camera, time_zone=self._place.time_zone or "UTC")

    def _ready(self, path: Path, stamp: WatchedStamp, cameras: Mapping[str, CameraInfo]) -> Ready:
        """What a file is a recording of. Raises UnreadablePath, NotOneTime, UnreadableRecording."""
        place = self._place
        said = place.pattern.read(os.fspath(path.relative_to(place.root)))
        name = place.camera or said.camera
        assert name is not None
        known = cameras.get(name)
        if known is None and place.time_zone is None:
            raise UnreadablePath(f"there is no camera {name!r}: add it, or say --add-cameras")
        zone = zone_of(known.time_zone if known else place.time_zone or "UTC")
        start = said.start
        if place.recorded_at is not None:
            if stamp not in self._read:
                self._read[stamp] = place.recorded_at(path)
            start = self._read[stamp]
        assert start is not None
        begin = in_zone(start, zone)
        if not is_possible(begin):
            raise UnreadablePath(f"it would have begun at {begin.isoformat()}")
        return Ready(path, stamp, name, known is None, begin)
