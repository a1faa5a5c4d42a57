"""`sightline keys`."""

import json
from datetime import timedelta
from pathlib import Path

from gallery import Gallery, GallerySettings
from tests.sightline.conftest import Run


def made(run: Run, *options: str) -> dict[str, str]:
    key: dict[str, str] = json.loads(run("keys", "create", "a program", "--json", *options).stdout)
    return key


def test_a_key_works_until_it_is_revoked(run: Run, sqlite_settings: GallerySettings) -> None:
    key = made(run)
    with Gallery.open(sqlite_settings) as gallery:
        before = gallery.keys.verify(key["secret"])
        assert run("keys", "revoke", key["id"]).exit_code == 0
        after = gallery.keys.verify(key["secret"])

    assert before is not None
    assert before.name == "a program"
    assert after is None


def test_the_secret_is_shown_once_and_never_stored(run: Run, tmp_path: Path) -> None:
    secret = made(run)["secret"]

    assert secret not in run("keys", "list").output
    assert secret not in run("keys", "list", "--json").output
    stored = b"".join(file.read_bytes() for file in (tmp_path / "gallery").rglob("*") if file.is_file())
    assert secret.encode() not in stored


def test_the_secret_stands_on_a_line_of_its_own(run: Run) -> None:
    assert run("keys", "create", "me").stdout.splitlines()[-1].startswith("sl_")


def test_a_key_can_expire(run: Run) -> None:
    assert made(run, "--days", "30")["expires_at"] is not None
    assert made(run)["expires_at"] is None


def test_an_unknown_key_cannot_be_revoked(run: Run) -> None:
    result = run("keys", "revoke", "0" * 32)

    assert result.exit_code == 2
    assert "keys list" in result.stderr


def test_sessions_of_the_page_are_listed_and_ended(run: Run, sqlite_settings: GallerySettings) -> None:
    key = made(run)
    with Gallery.open(sqlite_settings) as gallery:
        session, token = gallery.sessions.open(key["id"], lasts=timedelta(hours=1))
        (listed,) = json.loads(run("keys", "sessions", "--json").stdout)
        assert (listed["id"], listed["key_name"]) == (session.id, "a program")
        assert token not in run("keys", "sessions").output
        assert run("keys", "sign-out", session.id).exit_code == 0
        assert gallery.sessions.verify(token, idle=timedelta(hours=1)) is None

    assert "Nobody is signed in." in run("keys", "sessions").output
    result = run("keys", "sign-out", session.id)
    assert result.exit_code == 2
    assert f"no session {session.id}" in result.stderr
