"""Marks: which hits of a search show the person and which do not, with who said so and when.

Changes are added and undone, never overwritten: the last one of a hit that is not undone is its mark. A
refined search has the marks of the search that it refines too, and of that one's, until one of its own
changes them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from gallery.errors import Conflict, InvalidInput, NotFound
from gallery.investigation.mark_rows import mark_change, mark_info
from gallery.records.marks import MarkChange, MarkInfo, Verdict
from gallery.sql.chain import add_event
from gallery.sql.database import Database
from gallery.sql.sight import ALL, Sight, seen_search
from gallery.sql.tables import Mark, Search, Tracklet, Video
from gallery.validation import is_tracklet_id, known_id, optional_text

MAX_CHANGES = 1000


class Marks:
    """The record of marks, and of every change of one: of searches and on tracklets that are seen."""

    def __init__(self, database: Database, sight: Sight = ALL) -> None:
        self._database = database
        self._sight = sight

    def set(
        self, search_id: str, tracklet_id: str, verdict: Verdict, *, key_id: str | None = None
    ) -> MarkInfo:
        """Mark a hit; one that has this mark already keeps it, with who made it first.

        Raises:
            NotFound: no such search, or no such hit in its answer (any more).
            Conflict: the recording was indexed anew since: the id may be another person's now.
            InvalidInput: not a verdict.
        """
        wanted = _verdict(verdict)
        with self._database.write() as session:
            now = _mark_of_hit(session, search_id, tracklet_id, self._sight)
            if now is None or now.verdict != wanted:
                was = None if now is None else now.verdict
                now = _add(session, search_id, tracklet_id, wanted, key_id, was=was)
            return mark_info(now)

    def remove(self, search_id: str, tracklet_id: str, *, key_id: str | None = None) -> None:
        """Take the mark of a hit away.

        Raises:
            NotFound: no such search or hit, or it has no mark.
            Conflict: the recording was indexed anew since.
        """
        with self._database.write() as session:
            now = _marked(session, search_id, tracklet_id, self._sight)
            _add(session, search_id, tracklet_id, None, key_id, was=now.verdict)

    def undo(self, search_id: str, *, key_id: str | None = None) -> MarkChange:
        """Undo the last change that was made on this search and is not undone, and return that change.

        Raises:
            NotFound: no such search.
            Conflict: there is nothing to undo.
        """
        with self._database.write() as session:
            _lock(session, search_id, self._sight)
            query = select(Mark).where(Mark.search_id == search_id, Mark.undone_at.is_(None))
            query = query.where(*_on_seen(self._sight))
            last = session.scalar(query.order_by(Mark.id.desc()).limit(1))
            if last is None:
                raise Conflict(f"search {search_id} has no change of a mark to undo")
            last.undone_by, last.undone_at = optional_text(key_id, "key id", longest=32), datetime.now(UTC)
            detail = {"tracklet_id": last.tracklet_id, "verdict": last.verdict, "change": last.id}
            add_event(session, "mark.undo", key_id=key_id, subject=search_id, detail=detail)
            return mark_change(last)

    def confirm(self, search_id: str, tracklet_id: str, *, agrees: bool, key_id: str | None) -> MarkInfo:
        """Record what a second person says of a mark, in place of what was said of it before.

        It is said of this mark: with the next change of the mark it counts no more, and if that change is
        undone it counts again. Any key that sees the search and the tracklet may, except the one that marked.

        Raises:
            NotFound: no such search or hit, or it has no mark.
            Conflict: the key made the mark, or there is no key that tells a second person from its maker.
        """
        with self._database.write() as session:
            now = _marked(session, search_id, tracklet_id, self._sight)
            if key_id is None:
                raise Conflict("a mark is confirmed with a key: without one nobody can tell two people apart")
            if key_id == now.key_id:
                raise Conflict("the key that made a mark cannot confirm it: that takes a second person's")
            if (now.confirmed_by, now.agrees) != (key_id, agrees):
                now.confirmed_by = optional_text(key_id, "key id", longest=32)
                now.agrees, now.confirmed_at = agrees, datetime.now(UTC)
                detail = {"tracklet_id": tracklet_id, "verdict": now.verdict, "change": now.id}
                action = "mark.confirm" if agrees else "mark.dispute"
                add_event(session, action, key_id=key_id, subject=now.search_id, detail=detail)
            return mark_info(now)

    def withdraw(self, search_id: str, tracklet_id: str, *, key_id: str | None) -> None:
        """Take back what this key said of a mark: nobody has said anything of it then.

        Raises:
            NotFound: no such search or hit, it has no mark, or the key said nothing of it.
        """
        with self._database.write() as session:
            now = _marked(session, search_id, tracklet_id, self._sight)
            if key_id is None or now.confirmed_by != key_id:
                raise NotFound(
                    f"this key said nothing of the mark on hit {tracklet_id} of search {search_id}"
                )
            detail = {"tracklet_id": tracklet_id, "verdict": now.verdict, "change": now.id}
            now.confirmed_by = now.agrees = now.confirmed_at = None
            add_event(session, "mark.withdraw", key_id=key_id, subject=now.search_id, detail=detail)

    def of(self, search_id: str) -> list[MarkInfo]:
        """Return the marks of a search and of those that it refines, in the order in which they were made.

        Raises:
            NotFound: no such search.
        """
        with self._database.read() as session:
            rows = current(session, _lineage(session, search_id, self._sight), self._sight)
            return [mark_info(row) for row in rows]

    def newest(self, limit: int) -> list[MarkInfo]:
        """Return the last marks of all searches, the newest first, each on the search that it was made on."""
        last = select(func.max(Mark.id)).where(Mark.undone_at.is_(None))
        query = select(Mark).where(Mark.id.in_(last.group_by(Mark.search_id, Mark.tracklet_id)))
        query = query.where(Mark.verdict.is_not(None), *_on_seen(self._sight))
        query = query.order_by(Mark.id.desc()).limit(limit)
        with self._database.read() as session:
            return [mark_info(row) for row in session.scalars(query)]

    def history(self, search_id: str, *, before: int | None = None, limit: int = 100) -> list[MarkChange]:
        """Return the changes of the marks that `of` returns, the newest first.

        Changes of marks on erased recordings are erased too. `before` is the id of the last one seen.

        Raises:
            NotFound: no such search.
            InvalidInput: a limit or id out of range.
        """
        if not 1 <= limit <= MAX_CHANGES + 1:
            raise InvalidInput(f"limit must be 1 to {MAX_CHANGES}, not {limit}")
        query = select(Mark).where(*_on_seen(self._sight))
        if before is not None:
            if not 0 <= before < 2**63:
                raise InvalidInput(f"no change has the id {before}")
            query = query.where(Mark.id < before)
        with self._database.read() as session:
            query = query.where(Mark.search_id.in_(_lineage(session, search_id, self._sight)))
            rows = session.scalars(query.order_by(Mark.id.desc()).limit(limit))
            return [mark_change(row) for row in rows]


def current(session: Session, search_ids: Sequence[str], sight: Sight = ALL) -> Sequence[Mark]:
    """Return the changes that are the marks of a search, in the order of making.

    Args:
        session: to read with.
        search_ids: the search, then the one that it refines, and so on: of changes of one tracklet the
            nearest search's counts, there the last.
        sight: of marks on tracklets that are seen.
    """
    valid = (Mark.search_id.in_(search_ids), Mark.undone_at.is_(None), *_on_seen(sight))
    last = select(func.max(Mark.id)).where(*valid).group_by(Mark.search_id, Mark.tracklet_id)
    rows = session.scalars(select(Mark).where(Mark.id.in_(last))).all()
    farthest_first = sorted(rows, key=lambda row: -search_ids.index(row.search_id))
    nearest = {row.tracklet_id: row for row in farthest_first}
    return sorted((row for row in nearest.values() if row.verdict is not None), key=lambda row: row.id)


def _lineage(session: Session, search_id: str, sight: Sight) -> list[str]:
    """Return a search and those that it refines, one after the other. Raises NotFound."""
    row = session.get(Search, known_id(search_id, "search"))
    return line(session, seen_search(session, sight, search_id, row).id)


def line(session: Session, search_id: str) -> list[str]:
    """Return a search and those that it refines, as far as they are there."""
    found: list[str] = []
    parent: str | None = search_id
    while parent is not None and parent not in found:
        query = session.scalar(select(Search.query).where(Search.id == parent))
        if query is None:
            break
        found.append(parent)
        parent = (query.get("refined") or {}).get("parent")
    return found


def _verdict(verdict: str) -> Verdict:
    try:
        return Verdict(verdict)
    except ValueError as error:
        raise InvalidInput(f"a verdict is 'match' or 'not', not {verdict!r:.100}") from error


def _on_seen(sight: Sight) -> list[ColumnElement[bool]]:
    """The conditions under which marks are on tracklets that are seen."""
    if not sight.limited:
        return []
    seen = select(Tracklet.id).join(Video, Video.id == Tracklet.video_id)
    return [Mark.tracklet_id.in_(seen.where(*sight.among(Video.camera_id)))]


def _lock(session: Session, search_id: str, sight: Sight) -> Search:
    """Return the row of a search, held: changes of its marks come one after the other."""
    row = session.get(Search, known_id(search_id, "search"), with_for_update=True)
    return seen_search(session, sight, search_id, row)


def _hold_video(session: Session, tracklet_id: str, sight: Sight) -> int | None:
    """Keep the video of a tracklet from being erased or replaced until the transaction ends.

    Returns:
        The change that made the tracklet; None if there is none of this id that is seen.
    """
    if not is_tracklet_id(tracklet_id):
        return None
    query = select(Video.tracklets_change).join(Tracklet, Tracklet.video_id == Video.id)
    query = query.where(*sight.among(Video.camera_id))
    held = query.where(Tracklet.id == tracklet_id).with_for_update(read=True, key_share=True, of=Video)
    # A row that was replaced while it was waited for is gone; the one in its place shows when asked again.
    found = session.scalar(held)
    return session.scalar(held) if found is None else found


def _mark_of_hit(session: Session, search_id: str, tracklet_id: str, sight: Sight) -> Mark | None:
    """Return the mark that a hit has.

    Raises:
        NotFound: the answer has no such hit, or it was erased since.
        Conflict: its recording was indexed anew since.
    """
    # The video before the search, as erasure locks them: neither waits for what the other holds.
    change = _hold_video(session, tracklet_id, sight)
    search = _lock(session, search_id, sight)
    lineage = line(session, search.id)
    marks = {row.tracklet_id: row for row in current(session, lineage, sight)}
    # What was marked in the search before can be changed here, also where this answer has it no more.
    known = tracklet_id in marks or any(hit["tracklet_id"] == tracklet_id for hit in search.hits)
    if change is None or not known:
        raise NotFound(f"search {search_id} has no hit {tracklet_id!r}"[:200])
    if tracklet_id not in marks and change > search.change:
        raise Conflict(
            f"the recording of hit {tracklet_id} was indexed anew since search {search_id}: other people may "
            "have its ids now; search again"
        )
    return marks.get(tracklet_id)


def _marked(session: Session, search_id: str, tracklet_id: str, sight: Sight) -> Mark:
    """The same of a hit that has one. Raises NotFound: it has none."""
    found = _mark_of_hit(session, search_id, tracklet_id, sight)
    if found is None:
        raise NotFound(f"hit {tracklet_id} of search {search_id} has no mark")
    return found


def _add(
    session: Session,
    search_id: str,
    tracklet_id: str,
    verdict: Verdict | None,
    key_id: str | None,
    *,
    was: str | None,
) -> Mark:
    row = Mark(
        search_id=search_id,
        tracklet_id=tracklet_id,
        verdict=verdict,
        key_id=optional_text(key_id, "key id", longest=32),
        created_at=datetime.now(UTC),
    )
    session.add(row)
    action = "mark.remove" if verdict is None else "mark.set"
    detail = {"tracklet_id": tracklet_id, "verdict": verdict, "was": was}
    add_event(session, action, key_id=key_id, subject=search_id, detail=detail)
    return row
