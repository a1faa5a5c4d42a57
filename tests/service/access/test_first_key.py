"""The first key of a deployment, from a file."""

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gallery import Gallery, Scope
from service.access.first_key import take_first_key
from service.errors import UnsafeSettings

SECRET = "sl_" + "0123456789ABCDEFabcdef_-xyz" + "0123456789ABCDEF"


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str], Path]:
    def write(content: str) -> Path:
        path = tmp_path / "first_key"
        path.write_text(content)
        path.chmod(0o600)
        return path

    return write


def test_taken_once_and_never_again(gallery: Gallery, file: Callable[[str], Path]) -> None:
    assert take_first_key(gallery, file(f"  {SECRET}\n"))
    key = gallery.keys.verify(SECRET)
    assert key is not None
    assert set(key.scopes) == set(Scope)
    (made,) = gallery.audit.events(action="key.create")
    assert (made.subject, made.detail["first"], SECRET in str(made)) == (key.id, True, False)
    gallery.keys.revoke(key.id)
    assert not take_first_key(gallery, file(SECRET)), "what was revoked does not come back"
    assert not take_first_key(gallery, file(SECRET[:-1] + "x"))
    assert not take_first_key(gallery, Path("/nowhere")), "not even read"
    assert gallery.keys.create_first("another", SECRET[:-1] + "x") is None
    assert len(gallery.keys.list()) == 1


@pytest.mark.parametrize(
    "content",
    ["", "sl_", "secret", SECRET[:-1], SECRET + "x", SECRET[3:], f"{SECRET} {SECRET}",
     "sl_" + "ab" * 21 + "c", SECRET.replace("x", "é"), SECRET[:-1] + "\0", "x" * 100_000],
)  # fmt: skip
def test_what_is_no_key_is_refused_with_how_to_make_one(
    sqlite_gallery: Gallery, file: Callable[[str], Path], content: str
) -> None:
    with pytest.raises(UnsafeSettings, match="openssl rand") as refused:
        take_first_key(sqlite_gallery, file(content))
    assert len(content) < 10 or content not in str(refused.value), "a secret of another kind is not printed"
    assert sqlite_gallery.keys.list() == []


def test_a_missing_file_stops_the_start_and_no_file_does_not(sqlite_gallery: Gallery, tmp_path: Path) -> None:
    with pytest.raises(UnsafeSettings, match="cannot be read"):
        take_first_key(sqlite_gallery, tmp_path / "missing")
    with pytest.raises(UnsafeSettings, match="cannot be read"):
        take_first_key(sqlite_gallery, tmp_path)
    assert not take_first_key(sqlite_gallery, Path(os.devnull))
    assert sqlite_gallery.keys.list() == []


def test_a_file_that_everybody_can_read_is_remarked_on(
    sqlite_gallery: Gallery, file: Callable[[str], Path]
) -> None:
    path = file(SECRET)
    path.chmod(0o644)
    with capture_logs() as logs:
        assert take_first_key(sqlite_gallery, path)
    assert [line["log_level"] for line in logs] == ["warning", "info"]
    assert SECRET not in str(logs)


def test_the_documented_command_makes_one(sqlite_gallery: Gallery, file: Callable[[str], Path]) -> None:
    root = Path(__file__).parents[3]
    (command,) = set(re.findall(r'echo "sl_\$\(.*?\)"', (root / "docs" / "operations.md").read_text()))
    assert command in (root / "env.example").read_text()
    made = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    assert take_first_key(sqlite_gallery, file(made))
