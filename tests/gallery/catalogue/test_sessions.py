"""Sessions of the page: how they begin, are used and end."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from gallery.catalogue.keys import Keys
from gallery.catalogue.sessions import Sessions
from gallery.errors import NotFound, StorageFull
from gallery.gallery import Gallery
from gallery.sql.access_tables import SignIn

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
IDLE = timedelta(minutes=30)
LASTS = timedelta(hours=2)


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def test_a_session_lives_while_it_is_used_and_no_longer_than_it_may(gallery: Gallery) -> None:
    clock = Clock()
    sessions = Sessions(gallery._database, clock)
    key, _ = gallery.keys.create("desk")
    session, token = sessions.open(key.id, lasts=LASTS)
    while clock.now < START + LASTS - IDLE / 2:
        clock.now += IDLE / 2
        found = sessions.verify(token, idle=IDLE)
        assert found is not None
        assert (found[0].id, found[1].id) == (session.id, key.id)
    assert [one.used_at for one in sessions.list()] == [clock.now]
    clock.now = START + LASTS
    assert sessions.verify(token, idle=IDLE) is None
    _, token = sessions.open(key.id, lasts=LASTS)
    clock.now += IDLE - timedelta(microseconds=1)
    assert sessions.verify(token, idle=IDLE) is not None
    clock.now += IDLE
    assert sessions.verify(token, idle=IDLE) is None
    assert sessions.list(idle=IDLE) == []
    assert sessions.expire(idle=IDLE) == 2


def test_only_the_hash_of_a_token_is_stored_and_only_the_token_opens(gallery: Gallery) -> None:
    key, secret = gallery.keys.create("desk")
    session, token = gallery.sessions.open(key.id, lasts=LASTS, detail={"address": "192.0.2.1"})
    with gallery._database.read() as reading:
        row = reading.scalars(select(SignIn)).one()
    assert row.token_hash == hashlib.sha256(token.encode()).hexdigest()
    for wrong in (
        "",
        token[:-1],
        token + "x",
        token.swapcase(),
        "é" * 43,
        row.token_hash,
        secret,
        session.id,
    ):
        assert gallery.sessions.verify(wrong, idle=IDLE) is None, wrong
    gallery.sessions.close(session.id, key_id=key.id)
    assert gallery.sessions.verify(token, idle=IDLE) is None
    for gone in (session.id, "x", "0" * 32):
        with pytest.raises(NotFound):
            gallery.sessions.close(gone)
    close, opened, _ = gallery.audit.events()
    assert (opened.action, opened.key_id, opened.subject) == ("session.open", key.id, session.id)
    assert (close.action, close.subject, close.detail) == ("session.close", session.id, {"key": key.id})
    assert opened.detail == {"address": "192.0.2.1"}
    assert token not in str([opened, close])


def test_a_session_ends_with_its_key(gallery: Gallery) -> None:
    clock = Clock()
    sessions = Sessions(gallery._database, clock)
    keys = Keys(gallery._database, clock)
    short, _ = keys.create("short", expires_at=START + timedelta(minutes=1))
    leaver, _ = keys.create("leaver")
    tokens = [sessions.open(key.id, lasts=LASTS)[1] for key in (short, leaver)]
    assert all(sessions.verify(token, idle=IDLE) for token in tokens)
    clock.now += timedelta(minutes=1)
    keys.revoke(leaver.id)
    assert [sessions.verify(token, idle=IDLE) for token in tokens] == [None, None]
    assert sessions.list() == []
    assert sessions.expire(idle=IDLE) == 2
    with pytest.raises(NotFound):
        sessions.open("0" * 32, lasts=LASTS)


def test_a_key_that_signs_in_again_and_again_fills_no_disk(
    sqlite_gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gallery.catalogue.sessions._MOST", 3)
    clock = Clock()
    sessions = Sessions(sqlite_gallery._database, clock)
    key, other = (sqlite_gallery.keys.create(name)[0] for name in ("busy", "other"))
    sessions.open(other.id, lasts=LASTS)
    opened = []
    for _ in range(5):
        clock.now += timedelta(seconds=1)
        opened.append(sessions.open(key.id, lasts=LASTS)[0].id)
    assert [one.id for one in sessions.list() if one.key_id == key.id] == opened[-3:]
    assert len(sessions.list()) == 4


def test_a_full_disk_refuses_nobody_who_reads(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    sessions = Sessions(gallery._database, clock)
    key, _ = gallery.keys.create("desk")
    session, token = sessions.open(key.id, lasts=LASTS)

    def full() -> None:
        raise StorageFull("the disk of the database is full")

    clock.now += IDLE / 2
    with monkeypatch.context() as patch:
        patch.setattr(gallery._database, "write", full)
        found = sessions.verify(token, idle=IDLE)
        assert found is not None
        assert found[0].id == session.id
    assert sessions.verify(token, idle=IDLE) is not None
    assert [one.used_at for one in sessions.list()] == [clock.now], "noted as soon as it can be"
