import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gallery import signing
from gallery.errors import InvalidInput
from gallery.records.access import Anchor

ANCHOR = Anchor(7, "ab" * 32)
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "keys" / "anchor.pem"


def test_what_was_signed_is_checked_with_the_public_key(key: Path) -> None:
    public = signing.public_key(key)
    assert key.stat().st_mode & 0o777 == 0o600
    assert os.listdir(key.parent) == [key.name]
    assert signing.public_key(key) == public, "made once"

    line = signing.sign(ANCHOR, NOON, key)

    assert line.count("\n") == 1
    assert signing.check(line, f" {public.upper()}\n") == ANCHOR
    assert json.loads(line)["at"] == "2026-03-01T12:00:00+00:00"


@pytest.mark.parametrize(
    "changes",
    [
        {"event": 8},
        {"digest": "ba" * 32},
        {"at": "2026-03-02T12:00:00+00:00"},
        {"signature": "00" * 64},
        {"signature": ""},
        {"signature": "zz"},
        {"signature": 7},
        {"kind": "another"},
        {"format": 2},
        {"event": "7"},
        {"event": True},
        {"digest": None},
    ],
)
def test_whatever_was_changed_is_refused(key: Path, changes: dict[str, object]) -> None:
    line = signing.sign(ANCHOR, NOON, key)

    with pytest.raises(InvalidInput):
        signing.check(json.dumps(json.loads(line) | changes), signing.public_key(key))


def test_another_key_is_refused_even_where_the_anchor_names_it(key: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.pem"
    forged = signing.sign(ANCHOR, NOON, theirs)
    with pytest.raises(InvalidInput, match="not signed with this key"):
        signing.check(forged, signing.public_key(key))
    for wrong in ("", "ab", "zz" * 32, "ab" * 33):
        with pytest.raises(InvalidInput, match="64 hexadecimal digits"):
            signing.check(forged, wrong)
    for text in ("", "[]", "7", "{}", "[" * 9000, "{" + " " * 20_000 + "}", "\0"):
        with pytest.raises(InvalidInput, match="no signed anchor"):
            signing.check(text, signing.public_key(key))


def test_a_key_that_others_can_read_or_that_is_none_is_refused(key: Path) -> None:
    signing.public_key(key)
    key.chmod(0o640)
    with pytest.raises(InvalidInput, match="others can read"):
        signing.sign(ANCHOR, NOON, key)
    key.chmod(0o600)
    for content in (b"", b"no key", key.read_bytes()[:40], b"\xff" * 100):
        key.write_bytes(content)
        with pytest.raises(InvalidInput, match="no key as PEM"):
            signing.sign(ANCHOR, NOON, key)


def test_one_anchor_a_day_is_kept(key: Path, tmp_path: Path) -> None:
    folder = tmp_path / "anchors"

    first = signing.keep_daily(ANCHOR, folder, key)

    assert first is not None
    assert signing.keep_daily(Anchor(9, "cd" * 32), folder, key) is None
    assert signing.check(first.read_text(), signing.public_key(key)) == ANCHOR
    assert first.stat().st_mode & 0o777 == 0o600
