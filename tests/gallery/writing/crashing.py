"""A program that kills its children at every step of what they do to a gallery, and looks at what they leave.

    python -m tests.gallery.writing.crashing ACTION DATABASE_URL DATA_DIR UPLOAD EVERY RANDOM

A child is killed before its n-th step, for every EVERY-th n from 1, and then RANDOM times at random moments.
A step is whatever touches a file of the gallery, waits for the disk, or commits. After each death the gallery
must be as if nothing had been done, or as if all had; once swept, byte for byte.

It is a program of its own because it forks: the test's process has threads.
"""

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import make_url

from gallery.gallery import Gallery
from gallery.records.erasure import ErasureKind, ErasureTarget
from gallery.settings import GallerySettings
from tests.gallery.dump import dump
from tests.gallery.making import MODEL, START, content_hash, make_tracklets, store
from tests.waiting import take_time

_STEPS = {"open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "fcntl.flock", "shutil.rmtree"}


@dataclass
class Stage:
    """A gallery that can be put back to where it was."""

    settings: GallerySettings
    upload: Path

    def open(self) -> Gallery:
        return Gallery.open(self.settings)

    def save(self) -> None:
        self._copy(self.settings.data_dir, self._saved)
        shutil.copyfile(self.upload, self._saved_upload)
        self._copy_database(self._name, self._name + "_saved")

    def restore(self) -> None:
        self._copy(self._saved, self.settings.data_dir)
        shutil.copyfile(self._saved_upload, self.upload)
        self._copy_database(self._name + "_saved", self._name)

    @property
    def _saved(self) -> Path:
        return self.settings.data_dir.with_name("saved")

    @property
    def _saved_upload(self) -> Path:
        return self.upload.with_name("saved.upload")

    @property
    def _name(self) -> str:
        return str(make_url(self.settings.resolved_database_url).database)

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)  # a SQLite file lies in it

    def _copy_database(self, source: str, target: str) -> None:
        url = make_url(self.settings.resolved_database_url)
        if url.get_backend_name() == "sqlite":
            return
        server = url.set(database="postgres").render_as_string(hide_password=False)
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {target} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {target} TEMPLATE {source}".encode())


def write(gallery: Gallery, upload: Path) -> None:
    store(gallery, "new", make_tracklets(9, 3), path=str(upload), owned=True)


def erase_lone(gallery: Gallery, _upload: Path) -> None:
    gallery.erase_video(content_hash("uploaded")[:32])


def erase_stretch(gallery: Gallery, _upload: Path) -> None:
    """One recording whole, some tracklets of the others, and a stretch of each."""
    start, end = START + timedelta(seconds=5), START + timedelta(seconds=70)
    gallery.erasures.erase(ErasureTarget(kind=ErasureKind.STRETCH, start=start, end=end))


def compact(gallery: Gallery, _upload: Path) -> None:
    gallery.compact()


def replace(gallery: Gallery, _upload: Path) -> None:
    store(gallery, 1, make_tracklets(7, 3), replace=True)


def prepare(gallery: Gallery, action: str, upload: Path) -> None:
    """Make the gallery that the action starts from."""
    for number in range(3):
        store(gallery, number, make_tracklets(number, 2))
    if action == "compact":  # with something to leave out, and something already merged
        gallery.compact()
        gallery.erase_video(content_hash(1)[:32])
        store(gallery, 3, make_tracklets(3, 2))
    if action.startswith("erase"):
        later = START + timedelta(seconds=6)
        video = store(gallery, "uploaded", make_tracklets(8, 3), path=str(upload), owned=True, start=later)
        (gallery.data_dir / "cache" / video.id).mkdir(parents=True)
        (gallery.data_dir / "cache" / video.id / "clip.mp4").write_bytes(b"cut")
    if action in {"erase-merged", "erase-stretch", "replace"}:
        gallery.compact()


ACTIONS: dict[str, Callable[[Gallery, Path], None]] = {
    "write": write,
    "erase": erase_lone,
    "erase-merged": erase_lone,
    "erase-stretch": erase_stretch,
    "compact": compact,
    "replace": replace,
}


def state(gallery: Gallery, upload: Path) -> dict[str, Any]:
    """All that matters of the gallery, and of the file that was uploaded to it."""
    cached = sorted(path.name for path in (gallery.data_dir / "cache").glob("*"))
    notes = sorted(path.name for path in (gallery.data_dir / "erasing").glob("*"))
    certified = [one.kind for one in gallery.erasures.certificates.list()]
    found = {"upload": upload.exists(), "cache": cached, "notes": notes, "certified": certified}
    return dump(gallery) | found


def visible(gallery: Gallery) -> tuple[int, list[str], list[str]]:
    """What a reader sees: searchable tracklets, the best of them, and the videos of the catalogue."""
    query = make_tracklets(0, 1)[0].feature
    ranking = gallery.snapshot(MODEL.id).search(query, limit=100)
    return ranking.compared, [h.tracklet_id for h in ranking.hits], [v.id for v in gallery.catalogue.videos()]


def run_child(stage: Stage, action: str, *, kill_at: int | None) -> int:
    """Fork a child that does the action and dies before step `kill_at`; returns its process id."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        gallery = stage.open()
        if kill_at is not None:
            arm(gallery, kill_at)
        ACTIONS[action](gallery, stage.upload)
        status = 0
    finally:
        os._exit(status)


def arm(gallery: Gallery, kill_at: int) -> None:
    """Count the steps from here on, and end it all before one of them."""
    steps = count(1)
    root = str(gallery.data_dir)

    def step() -> None:
        if next(steps) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(name: str, arguments: tuple[Any, ...]) -> None:
        if name in _STEPS and (name == "fcntl.flock" or str(arguments[0]).startswith(root)):
            step()

    os.fsync = lambda fd: step()
    event.listen(gallery._database.engine, "commit", lambda _connection: step())
    sys.addaudithook(hook)


def torture(stage: Stage, action: str, every: int, at_random: int) -> None:
    """Kill at each `every`-th step until the action gets through, then `at_random` times at any moment."""
    with stage.open() as gallery:
        prepare(gallery, action, stage.upload)
        before, seen_before = state(gallery, stage.upload), visible(gallery)
    stage.save()
    started = time.monotonic()
    _, status = os.waitpid(run_child(stage, action, kill_at=10**9), 0)
    took = time.monotonic() - started
    assert status == 0
    with stage.open() as gallery:
        after, seen_after = state(gallery, stage.upload), visible(gallery)
    assert after != before
    outcomes = []
    for kill_at in count(1, every):
        stage.restore()
        _, status = os.waitpid(run_child(stage, action, kill_at=kill_at), 0)
        if status == 0:
            break
        assert os.WTERMSIG(status) == signal.SIGKILL, status
        outcomes.append(look(stage, action, (before, after), (seen_before, seen_after)))
    if every == 1:  # some died before the commit and some after
        assert 0 < sum(outcomes) < len(outcomes)
    chance = random.Random(action)
    for _ in range(at_random):
        stage.restore()
        child = run_child(stage, action, kill_at=None)
        take_time(chance.uniform(0, took))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        outcomes.append(look(stage, action, (before, after), (seen_before, seen_after)))
    sys.stdout.write(f"{action}: {len(outcomes)} deaths, {sum(outcomes)} after the commit\n")


def look(stage: Stage, action: str, states: tuple[Any, Any], seen: tuple[Any, Any]) -> bool:
    """Check what a death has left, finish the work, check again; says whether the action had taken effect."""
    before, after = states
    with stage.open() as gallery:
        assert visible(gallery) in seen
        gallery.sweep()
        found = state(gallery, stage.upload)
        took_effect: bool = found != before
        if not took_effect:
            ACTIONS[action](gallery, stage.upload)
            found = state(gallery, stage.upload)
        assert found == after, {key: (found[key], after[key]) for key in after if found[key] != after[key]}
        assert not any((gallery.data_dir / "staging").iterdir())
        problems = gallery.verify().problems
        assert problems == (), problems
    return took_effect


if __name__ == "__main__":
    what, url, data_dir, uploaded, step_width, random_kills = sys.argv[1:]
    os.fsync = lambda fd: None  # a killed process loses nothing that it wrote; a power cut is not tried
    torture(
        Stage(GallerySettings(data_dir=Path(data_dir), database_url=url), Path(uploaded)),
        what,
        int(step_width),
        int(random_kills),
    )
