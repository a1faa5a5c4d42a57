"""A process that is killed leaves all of its work or nothing, at whatever step it dies."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import PostgresServer


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is a file system for it: hundreds of galleries are made and thrown away."""
    memory = Path("/dev/shm")
    if not memory.is_dir():
        yield tmp_path
        return
    made = Path(tempfile.mkdtemp(prefix="sightline-", dir=memory))
    yield made
    shutil.rmtree(made)


ACTIONS = ["write", "erase", "erase-merged", "erase-stretch", "compact", "replace"]
SPARSER = {"erase-stretch": 3}  # it has several times as many steps


@pytest.mark.parametrize("action", ACTIONS)
def test_killed_at_some_steps(action: str, sqlite_template: Path, directory: Path) -> None:
    every = 17 * SPARSER.get(action, 1)
    torture_on_sqlite(action, sqlite_template, directory, every=every, at_random=1)


@pytest.mark.long
@pytest.mark.parametrize("action", ACTIONS)
def test_killed_at_every_step(action: str, sqlite_template: Path, directory: Path) -> None:
    torture_on_sqlite(action, sqlite_template, directory, every=1, at_random=20)


@pytest.mark.parametrize(
    "action",
    ["write", *(pytest.param(action, marks=pytest.mark.long) for action in ACTIONS[1:])],
)
def test_killed_at_some_steps_on_postgresql(
    action: str, postgres_server: PostgresServer, directory: Path
) -> None:
    every = 37 * SPARSER.get(action, 1)
    torture_on_postgresql(action, postgres_server, directory, every=every, at_random=2)


@pytest.mark.long
@pytest.mark.parametrize("action", ACTIONS)
def test_killed_at_every_step_on_postgresql(
    action: str, postgres_server: PostgresServer, directory: Path
) -> None:
    torture_on_postgresql(action, postgres_server, directory, every=1, at_random=20)


def torture_on_sqlite(action: str, template: Path, directory: Path, *, every: int, at_random: int) -> None:
    data_dir = directory / "gallery"
    data_dir.mkdir()
    shutil.copyfile(template, data_dir / "gallery.sqlite3")
    torture(action, f"sqlite:///{data_dir}/gallery.sqlite3", data_dir, every=every, at_random=at_random)


def torture_on_postgresql(
    action: str, server: PostgresServer, directory: Path, *, every: int, at_random: int
) -> None:
    name = f"crash_{action.replace('-', '_')}"
    data_dir = directory / "gallery"
    data_dir.mkdir()
    torture(action, server.create(name, "gallery_template"), data_dir, every=every, at_random=at_random)
    for database in (name, f"{name}_saved"):
        server.drop(database)


def torture(action: str, url: str, data_dir: Path, *, every: int, at_random: int) -> None:
    """Run the program that kills its children; it fails when one of them leaves something half-done."""
    upload = data_dir.with_name("upload.mp4")
    upload.write_bytes(b"new" if action == "write" else b"uploaded")  # what the test's video is the hash of
    program = [sys.executable, "-W", "error", "-m", "tests.gallery.writing.crashing"]
    done = subprocess.run(
        [*program, action, url, str(data_dir), str(upload), str(every), str(at_random)],
        capture_output=True,
        text=True,
        check=False,
        timeout=800,  # below the limit of a test
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "deaths" in done.stdout
