"""Evidence packages: what goes into one, in which order, and how it leaves."""

import importlib.metadata
import secrets
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any, Final, Protocol

import anyio
from starlette.concurrency import iterate_in_threadpool, run_in_threadpool
from starlette.requests import Request

from gallery import EventInfo, GalleryError, SearchInfo
from service.access.slow_bodies import require_still
from service.auth import Caller
from service.disk import private_opener
from service.errors import Abandoned, Busy, ServiceError, StateConflict
from service.evidence import contents, html, report, verifier
from service.evidence.archive import Archive, Part
from service.evidence.contents import Found
from service.evidence.media import Media
from service.packing import Progress, Stage
from service.state import State

MOST_HITS: Final = 1000
DEFAULT_HITS: Final = 20
MOST_RECORDED: Final = 50_000  # hits of all searches of a package: they are in memory while it is made
_EVENTS: Final = 5000  # shown in the report; audit.json has all
_TOLD: Final = 20  # of what was left out, told beside the digest; the manifest has all
_PATIENCE_SECONDS: Final = 1.0
INDEXED_ANEW: Final = "their recordings were indexed anew since: their ids may be other people's now"
VERIFIER: Final = "verify.py"


class Chapter(Protocol):
    """What a package is about besides its searches."""

    def subjects(self) -> Sequence[str]:
        """Ids that the audit trail may name."""

    def probes(self) -> Sequence[str]:
        """Photos besides those of the searches."""

    def parts(self, media: Media) -> Iterator[Part]:
        """Its files."""

    def section(self, media: Media) -> html.Content:
        """Its part of the report."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a package is made of: a search, or a case with several."""

    kind: str
    id: str
    title: str
    searches: Sequence[SearchInfo]
    chapter: Chapter | None = None


@dataclass(slots=True)
class Package:
    """A package about to be made for a caller.

    Attributes:
        hits: so many hits of each search get clips, the first ones, besides all that are marked.
        only_confirmed: clips are of those hits alone whose mark a second person confirmed; the other marks
            are named among what was left out.
        id: tells this package from others of the same subject in the audit trail.
        progress: how far it is.

    Raises:
        StateConflict: its searches have more hits than fit into memory, or no mark is confirmed where only
            confirmed ones count.
    """

    state: State
    caller: Caller
    subject: Subject
    hits: int
    only_confirmed: bool = False
    archive: Archive = field(default_factory=Archive)
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    progress: Progress = field(init=False)
    _media: Media = field(init=False)

    def __post_init__(self) -> None:
        self._media = Media(self.state)
        require_room(sum(len(search.hits) for search in self.subject.searches))
        if self.only_confirmed:
            require_confirmed(self.state, self.subject.searches)
        detail = {"package_id": self.id, "kind": self.subject.kind, "hits": self.hits}
        self._record("evidence.begin", detail | {"only_confirmed": self.only_confirmed})
        self.progress = self.state.packages.begin(self.id, self.caller.key_id)

    @property
    def file_name(self) -> str:
        """What to call it."""
        return f"sightline-{self.subject.kind}-{self.subject.id[:12]}.zip"

    @property
    def left_out(self) -> Sequence[dict[str, str]]:
        """What could not be packed, and why."""
        return self._media.left_out

    async def stream(self, request: Request) -> AsyncIterator[bytes]:
        """The bytes of the package, made while they are sent; its clips take turns with other callers'."""
        progress = self.progress
        try:
            with closing(self.parts()) as parts:
                while (part := await self._next(parts, request)) is not None:
                    async for chunk in iterate_in_threadpool(self.archive.add(part)):
                        await require_still(request)
                        progress.sent += len(chunk)
                        yield chunk
            await require_still(request)
            async for chunk in iterate_in_threadpool(self._finish()):
                progress.sent += len(chunk)
                yield chunk
        except Abandoned:
            return  # who took it went away: nobody is there to be told
        except (ServiceError, GalleryError) as error:
            # What was sent has no end, so it is no package; nothing of it is kept here.
            progress.to(Stage.FAILED)
            reason = {"package_id": self.id, "reason": type(error).__name__}
            await run_in_threadpool(self._record, "evidence.stop", reason)
            raise
        except Exception:
            progress.to(Stage.FAILED)
            raise
        finally:
            progress.to(Stage.CANCELLED)  # unless it was made: nobody takes the rest

    def write(self, path: Path) -> None:
        """Write the package to a new file, which goes again if it cannot be finished. Raises OSError."""
        with open(path, "xb", opener=private_opener) as file:
            try:
                for part in self.parts():
                    file.writelines(self.archive.add(part))
                file.writelines(self._finish())
            except BaseException:
                path.unlink(missing_ok=True)
                raise

    async def _next(self, parts: Iterator[Part], request: Request) -> Part | None:
        while True:
            try:
                # A generator cannot raise StopIteration through a future.
                return await self.state.clips_lane.run(
                    self.caller.key_id, request, partial(next, parts, None)
                )
            except Busy:
                await anyio.sleep(_PATIENCE_SECONDS)  # what was sent already is not thrown away

    def parts(self) -> Generator[Part]:
        """All files but the manifest, each made when it is asked for."""
        state, media, searches, progress = self.state, self._media, self.subject.searches, self.progress
        chapter = self.subject.chapter
        photos: dict[str, str] = {}
        wanted = [probe for search in searches for probe in contents.probe_ids(search)]
        wanted += [] if chapter is None else chapter.probes()
        yield from contents.photo_parts(state, media, list(dict.fromkeys(wanted)), photos)
        progress.to(Stage.ANSWERS)
        yield from contents.model_parts(state, searches)
        gathered = []
        for search in searches:
            own = {one: photos[one] for one in contents.probe_ids(search) if one in photos}
            gathered.append(contents.gather(state, search, own, {one.id for one in searches}))
            yield from contents.search_parts(state, gathered[-1])
        tracklets: dict[str, int] = {}  # and the last change at which one of the searches saw them
        for found in gathered:
            for hit in found.chosen(self.hits, only_confirmed=self.only_confirmed):
                tracklets[hit.tracklet_id] = max(found.info.change, tracklets.get(hit.tracklet_id, 0))
        progress.tracklets = len(tracklets)
        progress.to(Stage.CLIPS)
        for tracklet, change in tracklets.items():
            yield from media.of(tracklet, change)
            progress.done += 1
        for found in gathered:
            self._name_gone(found)
            self._name_unconfirmed(found)
        if chapter is not None:
            progress.to(Stage.JOURNEY)
            yield from chapter.parts(media)
        progress.to(Stage.REPORT)
        with NamedTemporaryFile(prefix="sightline-") as trail:  # a long one need not fit into memory
            shown, count = self._write_events(trail, list(dict.fromkeys([*wanted, *media.shown])))
            yield Part("audit.json", Path(trail.name))
        yield Part("report.html", self._report(gathered, shown, count))
        yield Part(VERIFIER, Path(verifier.__file__).read_bytes())

    def _name_gone(self, found: Found) -> None:
        there = {hit.tracklet_id for hit in found.answer.hits}
        gone = [hit.tracklet_id for hit in found.info.hits if hit.tracklet_id not in there]
        anew = len(self.state.gallery.still_there(found.info, gone).anew)
        reasons = {"they were erased": len(gone) - anew, INDEXED_ANEW: anew}
        for reason, count in reasons.items():
            if count:
                self._media.leave_out(f"{count} hits", f"search {found.info.id}", reason)

    def _name_unconfirmed(self, found: Found) -> None:
        for hit in found.unconfirmed() if self.only_confirmed else []:
            if hit.tracklet_id not in self._media.shown:  # confirmed on another search
                why = report.why_unconfirmed(hit.mark)
                self._media.leave_out("clips", f"tracklet {hit.tracklet_id}", why)

    def _write_events(self, file: IO[bytes], shared: Sequence[str]) -> tuple[list[EventInfo], int]:
        """Write what the trail says of everything in the package; of shared things only what its owner did.

        Returns:
            The first `_EVENTS` for the report, and how many were written.
        """
        subject = self.subject
        own = [subject.id, *(search.id for search in subject.searches)]
        if self.state.gallery.is_limited:
            # What others did with a recording may name cameras, searches and keys that this one does not see.
            shared = [*shared, *self._media.recordings]
        else:
            own += self._media.recordings
        own += [] if subject.chapter is None else subject.chapter.subjects()
        owners = {search.key_id for search in subject.searches}
        shown: list[EventInfo] = []
        count = 0
        file.write(b"[\n")
        for count, event in enumerate(contents.events_about(self.state, own, shared, owners), 1):
            file.write((b"," if count > 1 else b"") + verifier.canonical(contents.event(event)))
            if count <= _EVENTS:
                shown.append(event)
        file.write(b"]\n")
        file.flush()
        return shown, count

    def _report(self, gathered: Sequence[Found], events: Sequence[EventInfo], count: int) -> bytes:
        chapter = self.subject.chapter
        return html.page(
            self.subject.title,
            report.head(self.subject.title, self._facts()),
            None if chapter is None else chapter.section(self._media),
            [report.search(found, self._media) for found in gathered],
            report.tail(self._media, events, count),
        )

    def _facts(self) -> dict[str, Any]:
        names = {key.id: key.name for key in self.state.gallery.keys.list()}
        key = self.caller.key_id
        return {
            "made_at": self.made_at.isoformat(),
            "made_by": {"key_id": key, "name": "the command line" if key is None else names.get(key, "?")},
            "software": f"sightline {importlib.metadata.version('sightline')}",
            "subject": {"kind": self.subject.kind, "id": self.subject.id, "title": self.subject.title},
            "hits_with_clips": 0 if self.only_confirmed else self.hits,
            "only_confirmed": self.only_confirmed,
            "recordings": list(self._media.recordings.values()),
            "left_out": self._media.left_out,
        }

    def _finish(self) -> Iterator[bytes]:
        def seal(digest: str) -> None:
            left_out = self._media.left_out
            detail = {"package_id": self.id, "manifest_sha256": digest, "left_out": len(left_out)}
            self._record("evidence.package", detail | {"first_left_out": left_out[:_TOLD]})
            self.progress.to(Stage.MADE)

        return self.archive.finish(self._facts(), seal)

    def _record(self, action: str, detail: dict[str, Any]) -> None:
        self.state.gallery.audit.record(
            action, key_id=self.caller.key_id, subject=self.subject.id, detail=detail
        )


def require_room(hits: int) -> None:
    """Raises StateConflict: searches with so many hits in all are not packed together."""
    if hits > MOST_RECORDED:
        raise StateConflict(
            f"The searches have {hits} hits in all, and a package holds at most {MOST_RECORDED}: take some "
            "out of the case, or make packages of single searches."
        )


def require_confirmed(state: State, searches: Sequence[SearchInfo]) -> None:
    """Raises StateConflict: no mark on the searches is confirmed."""
    marks = (mark for search in searches for mark in state.gallery.marks.of(search.id))
    if not any(map(contents.is_confirmed, marks)):
        raise StateConflict(
            "No mark is confirmed: a package of confirmed marks needs a second person's word on one."
        )


def of_search(
    state: State, caller: Caller, info: SearchInfo, hits: int, *, only_confirmed: bool = False
) -> Package:
    """A package of a search."""
    subject = Subject("search", info.id, f"Search {info.id}", [info])
    return Package(state, caller, subject, hits, only_confirmed)


def made(state: State, subject_id: str) -> list[EventInfo]:
    """The packages that were made of a search or case, the newest first, as the audit trail has them."""
    return state.gallery.audit.events(action="evidence.package", subject=subject_id, limit=1000)
