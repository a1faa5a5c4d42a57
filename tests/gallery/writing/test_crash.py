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


@pytest.mark.parametrize("action", ["write", "erase", "erase-merged", "compact", "replace"])
def test_killed_at_every_step(action: str, sqlite_template: Path, directory: Path) -> None:
    data_dir = directory / "gallery"
    data_dir.mkdir()
    shutil.copyfile(sqlite_template, data_dir / "gallery.sqlite3")
    torture(action, f"sqlite:///{data_dir}/gallery.sqlite3", data_dir, every=1)


@pytest.mark.parametrize("action", ["write", "erase", "erase-merged", "compact", "replace"])
def test_killed_at_some_steps_on_postgresql(
    action: str, postgres_server: PostgresServer, directory: Path
) -> None:
    name = f"crash_{action.replace('-', '_')}"
    data_dir = directory / "gallery"
    data_dir.mkdir()
    torture(action, postgres_server.create(name, "gallery_template"), data_dir, every=11)
    for database in (name, f"{name}_saved"):
        postgres_server.drop(database)


def torture(action: str, url: str, data_dir: Path, *, every: int) -> None:
    """Run the program that kills its children; it fails when one of them leaves something half-done."""
    upload = data_dir.with_name("upload.mp4")
    upload.write_bytes(b"film")
    program = [sys.executable, "-W", "error", "-m", "tests.gallery.writing.crashing"]
    done = subprocess.run(
        [*program, action, url, str(data_dir), str(upload), str(every)],
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "deaths" in done.stdout
