"""Sessions of the page: who signed in with a key, for as long as it is used and no longer than it may last.

A token is 256 random bits that only the browser has; what is stored is its hash, as with keys
(`gallery.catalogue.keys`). A session ends with its key: when that expires or is revoked, at the next request.
"""

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, or_, select, update

from gallery.catalogue.keys import hash_of, utc_now
from gallery.errors import CatalogueUnavailable, NotFound, StorageFull
from gallery.records.access import KeyInfo, SessionInfo
from gallery.sql.access_tables import SignIn
from gallery.sql.chain import add_event
from gallery.sql.copying import copied
from gallery.sql.database import Database
from gallery.sql.tables import ApiKey
from gallery.validation import known_id

_TOKEN_LENGTH = 43  # base64url of 32 bytes without padding
_MOST = 200  # of one key; a program that signs in again and again fills no disk
_NOTED_EVERY = timedelta(minutes=1)  # a write for each request would make reading wait for the disk


class Sessions:
    """The sessions of the page.

    Args:
        database: where they are kept.
        clock: the time, in UTC, that they end by.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock

    def open(
        self,
        key_id: str,
        *,
        lasts: timedelta,
        roles: Collection[str] | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> tuple[SessionInfo, str]:
        """Sign a key in and return the session with its token, which nobody can show again.

        Of more than 200 sessions of one key the oldest end.

        Args:
            key_id: whose session it is.
            lasts: how long at most, however much it is used.
            roles: those of the token that opens it; None: a key does.
            detail: more for the audit event, such as the address.

        Raises:
            NotFound: no such key.
        """
        now, token = self._clock(), secrets.token_urlsafe(32)
        with self._database.write() as session:
            if session.get(ApiKey, known_id(key_id, "key")) is None:
                raise NotFound(f"no key {key_id}")
            row = SignIn(
                id=secrets.token_hex(16),
                token_hash=hash_of(token),
                key_id=key_id,
                created_at=now,
                used_at=now,
                expires_at=now + lasts,
                roles=None if roles is None else sorted(roles),
            )
            session.add(row)
            session.flush()
            newest = select(SignIn.id).where(SignIn.key_id == key_id).order_by(SignIn.created_at.desc())
            surplus = session.scalars(newest.offset(_MOST)).all()
            session.execute(delete(SignIn).where(SignIn.id.in_(surplus)))
            add_event(session, "session.open", key_id=key_id, subject=row.id, detail=detail)
            return copied(SessionInfo, row), token

    def verify(self, token: str, *, idle: timedelta) -> tuple[SessionInfo, KeyInfo] | None:
        """Return the session of a token and its key, or None: unknown, ended, or unused for `idle`.

        It counts as used by this, to the minute.
        """
        if len(token) != _TOKEN_LENGTH or not token.isascii():
            return None
        now = self._clock()
        query = select(SignIn, ApiKey).join(ApiKey).where(SignIn.token_hash == hash_of(token))
        with self._database.read() as session:
            found = session.execute(query).one_or_none()
            if found is None:
                return None
            info, key = copied(SessionInfo, found[0]), copied(KeyInfo, found[1])
        if info.expires_at <= now or info.used_at + idle <= now or not key.is_valid(now):
            return None
        if now - info.used_at >= min(_NOTED_EVERY, idle / 2):
            # As with keys: who reads must not be refused because it cannot be noted.
            with suppress(StorageFull, CatalogueUnavailable), self._database.write() as session:
                session.execute(update(SignIn).where(SignIn.id == info.id).values(used_at=now))
        return info, key

    def get(self, session_id: str) -> SessionInfo | None:
        """Return a session; None if it has ended meanwhile."""
        with self._database.read() as session:
            row = session.get(SignIn, session_id)
            return None if row is None else copied(SessionInfo, row)

    def close(self, session_id: str, *, key_id: str | None = None) -> None:
        """End a session; `key_id` is who does it, None for the command line.

        Raises:
            NotFound: no such session, or it has ended already.
        """
        with self._database.write() as session:
            row = session.get(SignIn, known_id(session_id, "session"), with_for_update=True)
            if row is None:
                raise NotFound(f"no session {session_id}")
            session.delete(row)
            add_event(session, "session.close", key_id=key_id, subject=session_id, detail={"key": row.key_id})

    def list(self, *, idle: timedelta | None = None) -> Sequence[SessionInfo]:
        """List the sessions that can be used, the oldest first."""
        now = self._clock()
        query = select(SignIn, ApiKey).join(ApiKey).where(SignIn.expires_at > now)
        if idle is not None:
            query = query.where(SignIn.used_at > now - idle)
        with self._database.read() as session:
            return [
                copied(SessionInfo, row)
                for row, key in session.execute(query.order_by(SignIn.created_at, SignIn.id))
                if copied(KeyInfo, key).is_valid(now)
            ]

    def expire(self, *, idle: timedelta) -> int:
        """Remove sessions that cannot be used any more; return how many."""
        now = self._clock()
        ended = or_(SignIn.expires_at <= now, SignIn.used_at <= now - idle)
        of_ended_keys = SignIn.key_id.in_(
            select(ApiKey.id).where(or_(ApiKey.revoked_at.is_not(None), ApiKey.expires_at <= now))
        )
        with self._database.write() as session:
            removed = session.execute(delete(SignIn).where(or_(ended, of_ended_keys)))
            return int(removed.rowcount)  # type: ignore[attr-defined]
