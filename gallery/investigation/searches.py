"""Asked questions with their whole answers: pages never shift, and an answer can be read again."""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from itertools import islice
from typing import Any, Final

from sqlalchemy import Select, and_, or_, select
from sqlalchemy.orm import Session

from gallery.errors import InvalidInput, NotFound
from gallery.records.notices import Notice
from gallery.records.searches import (
    NewSearch,
    RecordedHit,
    SearchCalibration,
    SearchInfo,
    SearchQuery,
    SearchRepeat,
    Selection,
)
from gallery.sql.chain import add_event
from gallery.sql.copying import copied
from gallery.sql.database import Database
from gallery.sql.documents import Document
from gallery.sql.sight import ALL, SeenSearches, Sight, seen_search
from gallery.sql.tables import Probe, Search
from gallery.validation import json_list, json_object, known_id, optional_text, text

_QUERY = Document(SearchQuery, "the query of a search")
_CALIBRATION = Document(SearchCalibration, "the calibration of a search")
_REPEAT = Document(SearchRepeat, "the repeat of a search")
_HITS = Document(RecordedHit, "the hits of a search")
_SELECTIONS = Document(Selection, "what was chosen on the photos of a search")
_NOTICES = Document(Notice, "the notices of a search")

BEFORE: Final = "This search was recorded by a version that knew no probabilities."


def answer_digest(hits: Sequence[Mapping[str, Any]]) -> str:
    """SHA-256, in hexadecimal, of the ids and scores of hits in their order: of a JSON array of pairs."""
    pairs = [[hit["tracklet_id"], hit["score"]] for hit in hits]
    return sha256(json.dumps(pairs, separators=(",", ":")).encode()).hexdigest()


def _photos(session: Session, query: SearchQuery) -> dict[str, str]:
    """The SHA-256 of each photo that is searched for, by the id of its probe."""
    ids = [probe.id for probe in query.probes if probe.id is not None]
    found = session.execute(select(Probe.id, Probe.image_hash).where(Probe.id.in_(ids)))
    return {row.id: row.image_hash for row in found}


class Searches:
    """The record of searches, those of them that are seen."""

    def __init__(self, database: Database, sight: Sight = ALL) -> None:
        self._database = database
        self._sight = sight

    def add(self, search: NewSearch, *, by_operator: bool = False) -> SearchInfo:
        """Record a search and its audit event in one transaction; only then is there an answer to send.

        `by_operator`: it is for a key, and was not asked with it but on the command line.

        Raises:
            InvalidInput: something of it cannot be stored; nothing was recorded.
        """
        if not 0 <= search.change < 2**63:
            raise InvalidInput(f"change {search.change} is out of range")
        row = Search(
            id=secrets.token_hex(16),
            key_id=optional_text(search.key_id, "key id", longest=32),
            query=_QUERY.dump(search.query),
            model_id=text(search.model_id, "model id", longest=64),
            model_name=text(search.model_name, "model name"),
            model_warning=optional_text(search.model_warning, "model warning", longest=4000),
            change=search.change,
            coverage=json_object(search.coverage, "coverage"),
            calibration=_CALIBRATION.dump(search.calibration),
            warnings=json_list(search.warnings, "warnings"),
            hits=_HITS.dump_all(search.hits),
            repeats=None if search.repeats is None else _REPEAT.dump(search.repeats),
            selections=_SELECTIONS.dump_all(search.selections),
            notices=_NOTICES.dump_all(search.notices),
            cameras=None if search.cameras is None else sorted(search.cameras),
            created_at=datetime.now(UTC),
        )
        with self._database.write() as session:
            session.add(row)
            add_event(
                session,
                "search",
                key_id=None if by_operator else row.key_id,
                subject=row.id,
                detail={
                    "query": row.query,
                    "model_id": row.model_id,
                    "change": row.change,
                    "cameras": row.cameras,
                    "hits": len(row.hits),
                    "answer": answer_digest(row.hits),
                    "photos": _photos(session, search.query),
                },
            )
            return _search_info(row)

    def page(
        self, key_id: str | None, *, everyones: bool = False, before: str | None = None, limit: int
    ) -> list[SearchInfo]:
        """Return searches of a key, the newest first.

        Args:
            key_id: whose; None: of the command line and of callers without a key.
            everyones: of all, whatever the key.
            before: id of the last search of the page before. What is asked meanwhile moves no page.
            limit: the most of them.

        Raises:
            NotFound: `before` is no search of the key.
        """
        query = select(Search).order_by(Search.created_at.desc(), Search.id.desc())
        if not everyones:
            query = query.where(Search.key_id == key_id)
        with self._database.read() as session:
            if before is not None:
                row = session.get(Search, known_id(before, "search"))
                last = seen_search(session, self._sight, before, row)
                if not (everyones or last.key_id == key_id):
                    raise NotFound(f"no search {before}")
                older = and_(Search.created_at == last.created_at, Search.id < last.id)
                query = query.where(or_(Search.created_at < last.created_at, older))
            return [_search_info(row) for row in self._first(session, query, limit)]

    def _first(self, session: Session, query: Select[Search], limit: int) -> list[Search]:
        """The first rows of a query that are seen."""
        if not self._sight.limited:
            return list(session.scalars(query.limit(limit)))
        seen = SeenSearches.of(session, self._sight)
        rows = session.execute(query.with_only_columns(Search.id, Search.cameras))
        ids = list(islice((row.id for row in rows if seen.sees(row.cameras)), limit))
        found = {row.id: row for row in session.scalars(select(Search).where(Search.id.in_(ids)))}
        return [found[one] for one in ids]

    def recent(self, limit: int) -> list[SearchInfo]:
        """Return the last searches, the newest first."""
        query = select(Search).order_by(Search.created_at.desc(), Search.id.desc())
        with self._database.read() as session:
            return [_search_info(row) for row in self._first(session, query, limit)]

    def get(self, search_id: str) -> SearchInfo:
        """Return a recorded search with all its hits.

        Raises:
            NotFound: no such search.
        """
        with self._database.read() as session:
            row = session.get(Search, known_id(search_id, "search"))
            return _search_info(seen_search(session, self._sight, search_id, row))


def _search_info(row: Search) -> SearchInfo:
    calibration = (
        SearchCalibration(reason=BEFORE) if row.calibration is None else _CALIBRATION.load(row.calibration)
    )
    query, hits = _QUERY.load(row.query), _HITS.load_all(row.hits)
    repeats = None if row.repeats is None else _REPEAT.load(row.repeats)
    return copied(
        SearchInfo,
        row,
        query=query,
        calibration=calibration,
        hits=hits,
        repeats=repeats,
        selections=_SELECTIONS.load_all(row.selections or ()),
        notices=_NOTICES.load_all(row.notices or ()),
    )
