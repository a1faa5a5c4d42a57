"""Asked questions with their whole answers: pages never shift, and an answer can be read again."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gallery.catalogue.audit import add_event
from gallery.errors import InvalidInput, NotFound
from gallery.records.searches import SearchInfo
from gallery.sql.database import Database
from gallery.sql.tables import Search
from gallery.validation import json_list, json_object, known_id, optional_text, text


class Searches:
    """The record of searches."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        *,
        key_id: str | None,
        query: Mapping[str, Any],
        model_id: str,
        change: int,
        coverage: Mapping[str, Any],
        hits: Sequence[Mapping[str, Any]],
    ) -> SearchInfo:
        """Record a search and its audit event in one transaction; only then is there an answer to send.

        Raises:
            InvalidInput: something is not JSON that both databases store; nothing was recorded.
        """
        if not 0 <= change < 2**63:
            raise InvalidInput(f"change {change} is out of range")
        row = Search(
            id=secrets.token_hex(16),
            key_id=optional_text(key_id, "key id", longest=32),
            query=json_object(query, "query"),
            model_id=text(model_id, "model id", longest=64),
            change=change,
            coverage=json_object(coverage, "coverage"),
            hits=json_list(hits, "hits"),
            created_at=datetime.now(UTC),
        )
        with self._database.write() as session:
            session.add(row)
            add_event(
                session,
                "search",
                key_id=key_id,
                subject=row.id,
                detail={"query": row.query, "model_id": model_id, "change": change, "hits": len(row.hits)},
            )
            return _search_info(row)

    def get(self, search_id: str) -> SearchInfo:
        """Return a recorded search with all its hits.

        Raises:
            NotFound: no such search.
        """
        with self._database.read() as session:
            row = session.get(Search, known_id(search_id, "search"))
            if row is None:
                raise NotFound(f"no search {search_id}")
            return _search_info(row)


def _search_info(row: Search) -> SearchInfo:
    return SearchInfo(
        id=row.id,
        key_id=row.key_id,
        query=row.query,
        model_id=row.model_id,
        change=row.change,
        coverage=row.coverage,
        hits=row.hits,
        created_at=row.created_at,
    )
