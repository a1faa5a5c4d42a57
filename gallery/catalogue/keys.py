"""API keys: 256 random bits, shown once, stored as a hash.

A slow or salted hash is for secrets that people choose: a random 256-bit secret cannot be guessed from its
SHA-256, and a plain hash can be looked up by a unique index. The lookup compares hashes, so its timing tells
nothing of the secret.
"""

import hashlib
import re
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gallery.catalogue.groups import require_groups
from gallery.errors import CatalogueUnavailable, Conflict, InvalidInput, NotFound, StorageFull
from gallery.records.access import KEY_PREFIX, KeyInfo, Scope
from gallery.sql.chain import add_event
from gallery.sql.copying import copied
from gallery.sql.database import Database
from gallery.sql.tables import ApiKey
from gallery.validation import given_name, known_id, moment, text

_SECRET = re.compile(re.escape(KEY_PREFIX) + "[A-Za-z0-9_-]{43}")  # base64url of 32 bytes without padding
_FEWEST_DIFFERENT = 16  # characters of a secret from elsewhere: fewer are no accident
_NOTED_EVERY = timedelta(minutes=1)  # a write with every request would cost more than most requests


def utc_now() -> datetime:
    """The clock that keys and sessions end by."""
    return datetime.now(UTC)


class Keys:
    """The keys of the API.

    Args:
        database: where they are kept.
        clock: the time, in UTC, that keys expire by.
    """

    def __init__(self, database: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock
        self._noted: dict[str, datetime] = {}  # when a key's use was last noted here

    def create(
        self,
        name: str,
        *,
        expires_at: datetime | None = None,
        scopes: Collection[Scope] = frozenset(Scope),
        groups: Sequence[str] | None = None,
        by: str | None = None,
    ) -> tuple[KeyInfo, str]:
        """Make a key and return it with its secret, which nobody can show again.

        Args:
            name: who or what will use it.
            expires_at: from when on it is useless.
            scopes: what it may do.
            groups: the camera groups that it is limited to; None: it sees all cameras.
            by: id of the key that makes it; None: the command line.

        Raises:
            InvalidInput: bad name, `expires_at` is naive or past, or no scope, or one that there is not; or
                no group, where it is to be limited.
            NotFound: no such group.
        """
        granted = _ordered(scopes)
        now = self._clock()
        called = given_name(name, "name of a key")
        if expires_at is not None and moment(expires_at, "expiry") <= now:
            raise InvalidInput(f"expiry lies in the past: {expires_at.isoformat()}")
        secret = KEY_PREFIX + secrets.token_urlsafe(32)
        with self._database.write() as session:
            row = _row(called, secret, granted, now, expires_at)
            row.camera_groups = None if groups is None else require_groups(session, groups)
            session.add(row)
            detail: dict[str, Any] = {"name": called, "scopes": granted, "groups": row.camera_groups}
            detail |= {} if expires_at is None else {"expires_at": expires_at.isoformat()}
            add_event(session, "key.create", key_id=by, subject=row.id, detail=detail)
            return copied(KeyInfo, row), secret

    def create_first(self, name: str, secret: str) -> KeyInfo | None:
        """Record a key that was made elsewhere and may do everything, if there has never been a key.

        Returns:
            The key; None where there is one, or was.

        Raises:
            InvalidInput: the secret is not like those that are made here.
        """
        if not _is_secret(secret) or len(set(secret)) < _FEWEST_DIFFERENT:
            raise InvalidInput(f"a key is {KEY_PREFIX} and 43 random characters of A-Z, a-z, 0-9, - and _")
        granted = _ordered(frozenset(Scope))
        try:
            with self._database.write() as session:
                if session.scalar(select(func.count()).select_from(ApiKey)):
                    return None
                row = _row(name, secret, granted, self._clock(), None)
                session.add(row)
                detail = {"name": name, "scopes": granted, "first": True}
                add_event(session, "key.create", subject=row.id, detail=detail)
                return copied(KeyInfo, row)
        except IntegrityError:  # another server that starts was quicker with the same secret
            return None

    def verify(self, secret: str) -> KeyInfo | None:
        """Return the key that `secret` belongs to, or None: unknown, malformed, expired or revoked.

        When it was used is noted, to the minute.
        """
        if not _is_secret(secret):
            return None
        with self._database.read() as session:
            row = session.scalar(select(ApiKey).where(ApiKey.secret_hash == hash_of(secret)))
            info = None if row is None else copied(KeyInfo, row)
        if info is None or not info.is_valid(self._clock()):
            return None
        self.note_use(info)
        return info

    def note_use(self, key: KeyInfo) -> None:
        """Note that a key is used now, to the minute."""
        now = self._clock()
        noted = [at for at in (key.last_used_at, self._noted.get(key.id)) if at is not None]
        if any(now - at < _NOTED_EVERY for at in noted):
            return
        self._noted[key.id] = now
        # Who reads must not be refused because it cannot be noted; what must be recorded fails by itself.
        with suppress(StorageFull, CatalogueUnavailable), self._database.write() as session:
            session.execute(update(ApiKey).where(ApiKey.id == key.id).values(last_used_at=now))

    def of_subject(
        self,
        issuer: str,
        subject: str,
        *,
        roles: Collection[str],
        scopes: Collection[Scope],
        groups: Sequence[str] | None,
    ) -> KeyInfo | None:
        """Return the key that stands for a subject of an issuer of tokens; None if it is revoked.

        It is made when the subject comes for the first time. Nobody has its secret: it is there so that what
        they do is recorded with it, and what they made belongs to it. Noted, as they are now, are `roles` of
        the token, `scopes` that they have, and the camera `groups` that they see; None: all cameras.

        A subject without scopes gets no key, so None, but one that has a key loses what it had.

        Raises:
            InvalidInput: a scope that there is not, or a name that cannot be stored.
        """
        granted = {
            "roles": sorted(roles),
            "scopes": _ordered(scopes) if scopes else [],
            "camera_groups": None if groups is None else [*groups],
        }
        known = text(f"{issuer}#{subject}", "subject", longest=1000)  # an issuer has no fragment of its own
        query = select(ApiKey).where(ApiKey.subject == known)
        with self._database.read() as session:
            row = session.scalar(query)
        if row is None and not scopes:
            return None
        if row is not None and _has(row, granted):
            return copied(KeyInfo, row) if row.revoked_at is None else None
        try:
            return self._note_subject(known, subject, granted)
        except IntegrityError:  # the same subject's other request was quicker
            return self._note_subject(known, subject, granted)

    def _note_subject(self, known: str, subject: str, granted: Mapping[str, Any]) -> KeyInfo | None:
        with self._database.write() as session:
            row = session.scalar(select(ApiKey).where(ApiKey.subject == known).with_for_update())
            detail = {"subject": known, **granted}
            detail["groups"] = detail.pop("camera_groups")
            if row is None:
                unknown = KEY_PREFIX + secrets.token_urlsafe(32)
                row = _row(subject[:200], unknown, granted["scopes"], self._clock(), None)
                row.subject, row.roles, row.camera_groups = known, granted["roles"], granted["camera_groups"]
                session.add(row)
                add_event(session, "key.create", subject=row.id, detail={"name": row.name, **detail})
            elif row.revoked_at is None and not _has(row, granted):
                row.roles, row.scopes = granted["roles"], granted["scopes"]
                row.camera_groups = granted["camera_groups"]
                add_event(session, "key.scopes", subject=row.id, detail=detail)
            return copied(KeyInfo, row) if row.revoked_at is None else None

    def list(self) -> Sequence[KeyInfo]:
        """List all keys, oldest first, revoked and expired ones too."""
        with self._database.read() as session:
            return [
                copied(KeyInfo, row)
                for row in session.scalars(select(ApiKey).order_by(ApiKey.created_at, ApiKey.id))
            ]

    def get(self, key_id: str) -> KeyInfo:
        """Return a key. Raises NotFound: there is none of this id."""
        with self._database.read() as session:
            return copied(KeyInfo, _known(session, key_id))

    def revoke(self, key_id: str, *, by: str | None = None, keep_last: bool = False) -> KeyInfo:
        """Make a key useless from now on; revoking it again changes nothing.

        Args:
            key_id: which.
            by: id of the key that revokes it; None: the command line.
            keep_last: refuse to revoke the last key that makes keys: valid, with the scope `administer` and
                all cameras. Those of subjects of tokens do not count, as nobody has their secrets.

        Raises:
            NotFound: no such key.
            Conflict: it is the last one that makes keys, and is to be kept.
        """
        with self._database.write() as session:
            # In one order for all: of two who revoke each other's key, the second sees what the first did.
            rows = session.scalars(select(ApiKey).order_by(ApiKey.id).with_for_update()).all()
            row = _known(session, key_id)
            makers = {one.id for one in rows if _makes_keys(copied(KeyInfo, one), self._clock())}
            if keep_last and makers == {row.id}:
                raise Conflict(
                    f"{row.name} is the last key that can make keys: without it only the command line can"
                )
            if row.revoked_at is None:
                row.revoked_at = self._clock()
                add_event(session, "key.revoke", key_id=by, subject=row.id, detail={"name": row.name})
            return copied(KeyInfo, row)


def _known(session: Session, key_id: str) -> ApiKey:
    row = session.get(ApiKey, known_id(key_id, "key"))
    if row is None:
        raise NotFound(f"no key {key_id}")
    return row


def _makes_keys(key: KeyInfo, now: datetime) -> bool:
    unlimited = key.subject is None and key.camera_groups is None
    # One that will expire leaves nobody behind.
    return unlimited and key.expires_at is None and Scope.ADMINISTER in key.scopes and key.is_valid(now)


def _row(name: str, secret: str, scopes: list[str], now: datetime, expires_at: datetime | None) -> ApiKey:
    return ApiKey(
        id=secrets.token_hex(16),
        name=text(name, "name of a key", longest=200),
        secret_hash=hash_of(secret),
        created_at=now,
        expires_at=expires_at,
        revoked_at=None,
        scopes=scopes,
    )


def _has(row: ApiKey, granted: Mapping[str, Any]) -> bool:
    return all(getattr(row, column) == value for column, value in granted.items())


def _is_secret(secret: str) -> bool:
    return _SECRET.fullmatch(secret) is not None


def _ordered(scopes: Collection[Scope]) -> list[str]:
    unknown = set(scopes) - set(Scope)
    if unknown or not scopes:
        raise InvalidInput(f"a key has one scope or more of {', '.join(Scope)}")
    return [scope.value for scope in Scope if scope in scopes]


def hash_of(secret: str) -> str:
    """What is stored of a random secret, or of the token of a session."""
    return hashlib.sha256(secret.encode()).hexdigest()
