"""Cases: photos, searches and notes of one investigation, all of one key."""

import hashlib
import json
import secrets
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Unpack

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from gallery.catalogue.holds import Holding, refuse
from gallery.errors import Conflict, InvalidInput, NotFound
from gallery.records import cases as records
from gallery.records.cases import CaseChanges, CaseInfo, ItemKind
from gallery.sql.case_tables import CaseFile, CaseItem, CaseNote
from gallery.sql.chain import add_event
from gallery.sql.copying import copied
from gallery.sql.database import Database
from gallery.sql.sight import ALL, SeenSearches, Sight, seen_search
from gallery.sql.tables import Probe, Search
from gallery.validation import (
    given_name,
    given_words,
    known_id,
    optional_name,
    optional_text,
    optional_words,
)

MAX_ITEMS: Final = 1000
MAX_NOTES: Final = 10_000
MAX_LISTED: Final = 201
_LENGTHS: Final = {"title": 200, "number": 100, "purpose": 4000}
_CHECKS: Final[Mapping[str, Callable[..., str | None]]] = {
    "title": given_name,
    "number": optional_name,
    "purpose": optional_words,
}


class Cases:
    """The record of cases. Every change is in the audit trail, in the transaction that makes it.

    Searches that are not seen are not in a case, nor what it notes of them.
    """

    def __init__(self, database: Database, sight: Sight = ALL) -> None:
        self._database = database
        self._sight = sight

    def add(
        self, title: str, *, number: str | None = None, purpose: str | None = None, key_id: str | None = None
    ) -> CaseInfo:
        """Open a case for a key.

        Raises:
            InvalidInput: a value that cannot be stored.
        """
        row = CaseFile(
            id=secrets.token_hex(16),
            key_id=optional_text(key_id, "key id", longest=32),
            created_at=datetime.now(UTC),
            **_values({"title": title, "number": number, "purpose": purpose}),
        )
        with self._database.write() as session:
            session.add(row)
            detail = {"sha256": digest_of(_texts(row))}
            add_event(session, "case.add", key_id=key_id, subject=row.id, detail=detail)
            return copied(CaseInfo, row, items=(), notes=())

    def get(self, case_id: str) -> CaseInfo:
        """Return a case with its items and notes, or raise NotFound."""
        with self._database.read() as session:
            return self._info(session, _case(session, case_id))

    def list(
        self, *, key_id: str | None = None, everybody: bool = False, after: str | None = None, limit: int = 50
    ) -> list[CaseInfo]:
        """List the cases of a key, or of everybody, newest first, without items and notes.

        `after` is the id of the last one of the page before.

        Raises:
            NotFound: no such case to continue after.
            InvalidInput: a limit out of range.
        """
        if not 1 <= limit <= MAX_LISTED:
            raise InvalidInput(f"limit must be 1 to {MAX_LISTED}, not {limit}")
        query = select(CaseFile).order_by(CaseFile.created_at.desc(), CaseFile.id.desc()).limit(limit)
        if not everybody:
            query = query.where(CaseFile.key_id == key_id)
        with self._database.read() as session:
            if after is not None:
                query = _continued(query, _case(session, after))
            return [copied(CaseInfo, row, items=(), notes=()) for row in session.scalars(query)]

    def change(self, case_id: str, *, key_id: str | None = None, **changes: Unpack[CaseChanges]) -> CaseInfo:
        """Change title, number or purpose: what is not named stays.

        What they said before becomes a note of the case, and the trail has the digests of both.

        Raises:
            NotFound: no such case.
            InvalidInput: a value that cannot be stored.
            Held: it is under legal hold.
            Conflict: there are too many notes.
        """
        values = _values(dict(changes))
        with self._database.write() as session:
            holding = Holding.read(session)
            row = _case(session, case_id, lock=True)
            refuse(holding.cases.get(case_id), f"case {case_id}")
            before = _texts(row)
            for name, value in values.items():
                setattr(row, name, value)
            changed = [name for name, value in before.items() if value != getattr(row, name)]
            if changed:
                _require_room(session, row.id)
                _note(session, row.id, "edited", _said_before(before, changed), key_id)
            detail = {
                "changed": changed,
                "sha256_before": digest_of(before),
                "sha256": digest_of(_texts(row)),
            }
            add_event(session, "case.edit", key_id=key_id, subject=row.id, detail=detail)
            return self._info(session, row)

    def remove(self, case_id: str, *, key_id: str | None = None) -> None:
        """Remove a case with its notes; its photos and searches stay where they are.

        Raises:
            NotFound: no such case.
            Held: it is under legal hold.
        """
        with self._database.write() as session:
            holding = Holding.read(session)
            row = _case(session, case_id, lock=True)
            refuse(holding.cases.get(case_id), f"case {case_id}")
            notes = session.scalars(
                select(CaseNote.text).where(CaseNote.case_id == row.id).order_by(CaseNote.id)
            )
            detail = {"sha256": digest_of(_texts(row)), "notes_sha256": digest_of(notes.all())}
            session.delete(row)
            add_event(session, "case.delete", key_id=key_id, subject=case_id, detail=detail)

    def put(self, case_id: str, kind: ItemKind, subject_id: str, *, key_id: str | None = None) -> CaseInfo:
        """Put a photo or a search into a case, the photos of a search with it; what is in it stays.

        Raises:
            NotFound: no such case; no such photo or search, or it is of another key than the case.
            Conflict: the case is full.
        """
        with self._database.write() as session:
            case = _case(session, case_id, lock=True)
            found = _subject(session, case, kind, subject_id, self._sight)
            for each_kind, each in [(kind, subject_id), *_photos_there(session, found)]:
                _put(session, case, each_kind, each, key_id)
            return self._info(session, case)

    def take(self, case_id: str, subject_id: str, *, key_id: str | None = None) -> CaseInfo:
        """Take a photo or search out of a case.

        Raises:
            NotFound: it is not in it.
            Held: the case is under legal hold.
        """
        with self._database.write() as session:
            holding = Holding.read(session)
            case = _case(session, case_id, lock=True)
            row = session.scalar(_items(case.id).where(CaseItem.subject_id == subject_id))
            if row is None or subject_id in _hidden(session, [row], self._sight):
                raise NotFound(f"case {case_id} has no item {subject_id!r}"[:200])
            refuse(holding.cases.get(case_id), f"case {case_id}")
            session.delete(row)
            detail = {"kind": row.kind, "id": row.subject_id}
            add_event(session, "case.take", key_id=key_id, subject=case.id, detail=detail)
            return self._info(session, case)

    def note(self, case_id: str, words: str, *, key_id: str | None = None) -> CaseInfo:
        """Add a note.

        Raises:
            NotFound: no such case.
            InvalidInput: text that cannot be stored.
            Conflict: there are too many.
        """
        said = given_words(words, "note", longest=10_000)
        with self._database.write() as session:
            case = _case(session, case_id, lock=True)
            _require_room(session, case.id)
            _note(session, case.id, "note", said, key_id)
            detail = {"sha256": digest_of(said)}
            add_event(session, "case.note", key_id=key_id, subject=case.id, detail=detail)
            return self._info(session, case)

    def _info(self, session: Session, row: CaseFile) -> CaseInfo:
        session.flush()
        notes = session.scalars(select(CaseNote).where(CaseNote.case_id == row.id).order_by(CaseNote.id))
        items = session.scalars(_items(row.id)).all()
        hidden = _hidden(session, items, self._sight)
        return copied(
            CaseInfo,
            row,
            items=[
                records.CaseItem(ItemKind(one.kind), one.subject_id, one.key_id, one.added_at, one.erased_at)
                for one in items
                if one.subject_id not in hidden
            ],
            notes=[
                records.CaseNote(one.id, one.kind, one.text, one.key_id, one.at)
                for one in notes
                if one.kind == "note" or not any(search_id in one.text for search_id in hidden)
            ],
        )


def note_erased_photos(session: Session, probe_ids: Sequence[str], why: str) -> None:
    """Tell the cases that photos are in that these go, in the transaction in which they do."""
    note_erased_items(session, ItemKind.PHOTO, probe_ids, why)


def note_erased_items(session: Session, kind: ItemKind, ids: Sequence[str], why: str) -> None:
    """Tell the cases that photos or searches are in that these go, in the transaction in which they do."""
    rows = session.scalars(
        select(CaseItem).where(
            CaseItem.subject_id.in_(ids), CaseItem.kind == kind, CaseItem.erased_at.is_(None)
        )
    ).all()
    for row in rows:
        row.erased_at = datetime.now(UTC)
        what = f"{kind.value.capitalize()} {row.subject_id}"
        _note(session, row.case_id, "erased", f"{what} was erased: {why}.", None)


def note_erased_marks(
    session: Session, marks: Mapping[str, int], lineage: Callable[[str], Sequence[str]]
) -> None:
    """Tell the cases that have marked hits of a recording that these go with it.

    Which recording that was is not said: what is erased for somebody's sake must not live on in notes.

    Args:
        session: in whose transaction they go.
        marks: how many of each search go.
        lineage: of a search: itself, and those whose marks it has because it refines them. A case may hold
            the refined search only.
    """
    held = select(CaseItem.case_id, CaseItem.subject_id).where(CaseItem.kind == ItemKind.SEARCH)
    named: dict[str, dict[str, str]] = defaultdict(dict)  # by case: a search of it for each that loses marks
    for case_id, subject_id in session.execute(held.order_by(CaseItem.id)) if marks else ():
        for search_id in lineage(subject_id):
            if search_id in marks and (search_id == subject_id or search_id not in named[case_id]):
                named[case_id][search_id] = subject_id
    for case_id, by_search in named.items():
        for search_id, subject_id in sorted(by_search.items()):
            what = "1 marked hit" if marks[search_id] == 1 else f"{marks[search_id]} marked hits"
            words = f"A recording was erased, and with it {what} of search {subject_id}."
            _note(session, case_id, "erased", words, None)


def _values(given: dict[str, Any]) -> dict[str, Any]:
    """The columns of a case, checked."""
    if unknown := set(given) - set(_LENGTHS):
        raise InvalidInput(f"a case has no {min(unknown)!r:.100}")
    return {
        name: _CHECKS[name](value, f"the {name} of a case", longest=longest)
        for name, longest in _LENGTHS.items()
        if name in given
        for value in [given[name]]
    }


def _case(session: Session, case_id: str, *, lock: bool = False) -> CaseFile:
    row = session.get(CaseFile, known_id(case_id, "case"), with_for_update=lock or None)
    if row is None:
        raise NotFound(f"no case {case_id}")
    return row


def digest_of(said: object) -> str:
    """SHA-256, in hex digits, of texts as canonical JSON: ASCII, sorted keys, no blanks."""
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _texts(row: CaseFile) -> dict[str, str | None]:
    """What people wrote about a case, besides its notes."""
    return {name: getattr(row, name) for name in _LENGTHS}


def _said_before(before: Mapping[str, str | None], changed: Sequence[str]) -> str:
    return "\n".join(f"{name} was: {'-' if before[name] is None else before[name]}" for name in changed)


def _require_room(session: Session, case_id: str) -> None:
    """Raise Conflict when a case has as many notes as it may have."""
    query = select(func.count()).select_from(CaseNote).where(CaseNote.case_id == case_id)
    if session.execute(query).scalar_one() >= MAX_NOTES:
        raise Conflict(f"a case has at most {MAX_NOTES} notes")


def _items(case_id: str) -> Select[CaseItem]:
    return select(CaseItem).where(CaseItem.case_id == case_id).order_by(CaseItem.id)


def _hidden(session: Session, items: Sequence[CaseItem], sight: Sight) -> set[str]:
    """Which searches of a case are not seen."""
    if not sight.limited:
        return set()
    seen = SeenSearches.of(session, sight)
    ids = [one.subject_id for one in items if one.kind == ItemKind.SEARCH]
    rows = session.execute(select(Search.id, Search.cameras).where(Search.id.in_(ids)))
    return {row.id for row in rows if not seen.sees(row.cameras)}


def _subject(
    session: Session, case: CaseFile, kind: ItemKind, subject_id: str, sight: Sight
) -> Probe | Search:
    """The row of a photo or search that may be put into a case."""
    wanted = known_id(subject_id, kind)
    row = session.get(Probe, wanted) if kind == ItemKind.PHOTO else session.get(Search, wanted)
    if row is None or row.key_id != case.key_id:
        raise NotFound(f"no {kind} {subject_id}")
    return seen_search(session, sight, subject_id, row) if isinstance(row, Search) else row


def photos_of(query: Mapping[str, Any]) -> list[str]:
    """The ids of the photos that a search's query names."""
    named = [query["probe"], *(query.get("more") or [])]
    return [one["id"] for one in named if one.get("id")]


def _photos_there(session: Session, found: Probe | Search) -> list[tuple[ItemKind, str]]:
    """The photos that a search was made with, those of them that are still there."""
    if isinstance(found, Probe):
        return []
    ids = list(dict.fromkeys(photos_of(found.query)))
    there = session.scalars(select(Probe.id).where(Probe.id.in_(ids))).all()
    return [(ItemKind.PHOTO, one) for one in ids if one in there]


def _put(session: Session, case: CaseFile, kind: ItemKind, subject_id: str, key_id: str | None) -> None:
    items = session.scalars(_items(case.id)).all()
    if any(one.subject_id == subject_id for one in items):
        return
    if len(items) >= MAX_ITEMS:
        raise Conflict(f"a case has at most {MAX_ITEMS} photos and searches")
    who = optional_text(key_id, "key id", longest=32)
    session.add(
        CaseItem(case_id=case.id, kind=kind, subject_id=subject_id, key_id=who, added_at=datetime.now(UTC))
    )
    add_event(session, "case.put", key_id=key_id, subject=case.id, detail={"kind": kind, "id": subject_id})


def _note(session: Session, case_id: str, kind: str, words: str, key_id: str | None) -> None:
    who = optional_text(key_id, "key id", longest=32)
    session.add(CaseNote(case_id=case_id, kind=kind, text=words, key_id=who, at=datetime.now(UTC)))


def _continued(query: Select[CaseFile], last: CaseFile) -> Select[CaseFile]:
    earlier = CaseFile.created_at < last.created_at
    same = (CaseFile.created_at == last.created_at) & (CaseFile.id < last.id)
    return query.where(earlier | same)
