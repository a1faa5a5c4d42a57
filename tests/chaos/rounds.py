"""One round: a new gallery, everybody at work, a fault in the middle of it, and what is there in the end."""

import os
import random
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy.engine import make_url

from gallery import Gallery, GallerySettings, NewRecording
from gallery.sql import schema
from tests.chaos import scenes
from tests.chaos.clock import build
from tests.chaos.faults import HOUR, ON_BOTH, ON_POSTGRESQL, Scene
from tests.chaos.house import PATIENCE, House, Zygote
from tests.chaos.moments import Strike, Watch
from tests.chaos.proxy import Proxy
from tests.chaos.searching import Searcher
from tests.gallery.dump import dump
from tests.indexer.fakes import TinyEmbedder
from tests.postgres import DURABLE, PostgresServer
from tests.waiting import until

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
MODEL = "0" * 64
TEMPLATE = "chaos_template"
DISK_MIB = 48


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a round was, and what was wrong at its end; `phases` are seconds."""

    fault: str
    database: str
    problems: list[str]
    right_answers: int
    refused: dict[str, int]
    taken_over: int
    filed_again: int
    died: int
    moment: Strike
    phases: dict[str, float]


class World:
    """What all rounds share: the recordings, the databases, and what an undisturbed run leaves."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.chmod(0o755)
        media = folder / "media"
        media.mkdir()
        self.files = scenes.record(media)
        self.names = scenes.ids(self.files)
        self.clock = build(folder)
        self.can_mount = _can_mount(folder)
        self._template = folder / "template.sqlite3"
        schema.upgrade(f"sqlite:///{self._template}")
        self.postgres = PostgresServer(DURABLE)
        self.postgres.directory.chmod(0o711)  # processes that obey permissions connect there
        schema.upgrade(self.postgres.create(TEMPLATE))
        self.zygote = Zygote(self.clock)
        self._number = 0
        self._expected: dict[str, Any] = {}

    def faults(self) -> list[tuple[str, str]]:
        """Every fault that this machine can have, with its databases."""
        both = [(fault, kind) for fault in ON_BOTH for kind in ("sqlite", "postgresql")]
        found = [*both, *((fault, "postgresql") for fault in ON_POSTGRESQL)]
        impossible = ({"disk full"} if not self.can_mount else set()) | (
            {"clock an hour off"} if self.clock is None else set()
        )
        return [(fault, kind) for fault, kind in found if fault not in impossible]

    def play(self, fault: str, kind: str, random_: random.Random) -> Outcome:
        """Play a round, and compare what it leaves with what an undisturbed one left."""
        if kind not in self._expected:
            _, self._expected[kind] = self._play("nothing", kind, random.Random(0), searched=False)
        outcome, left = self._play(fault, kind, random_, searched=True)
        if left != self._expected[kind]:
            outcome.problems.append(
                f"differs from an undisturbed run in {_differences(left, self._expected[kind])}"
            )
        return outcome

    @property
    def said(self) -> Path:
        """A folder with what the processes of the last round wrote: a log each."""
        return self.folder / "said"

    def _keep(self, logs: Path) -> None:
        shutil.rmtree(self.said, ignore_errors=True)
        shutil.copytree(logs, self.said)

    def close(self) -> None:
        """End what still runs."""
        self.zygote.close()
        self.postgres.stop()

    def _play(
        self, fault: str, kind: str, random_: random.Random, *, searched: bool
    ) -> tuple[Outcome, dict[str, Any]]:
        with ExitStack() as stack:
            settings = stack.enter_context(self._gallery(kind))
            gallery = stack.enter_context(Gallery.open(settings))
            gallery.catalogue.add_camera("gate")
            key = gallery.keys.create("chaos")[1]
            # Not on the gallery's disk: what is said while that is full would be lost.
            logs = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=self.folder, prefix="logs-")))
            logs.chmod(0o755)
            stack.callback(self._keep, logs)
            house = House(self.zygote, settings, logs, self.files["b"])
            stack.callback(house.kill_all)
            proxy = self._between(house, settings) if fault == "partition" else None
            if proxy is not None:
                stack.callback(proxy.close)
            if fault == "clock an hour off":
                house.clocks["w1"] = random_.choice([-HOUR, HOUR])
            searcher = Searcher(house.port, key, self.names)
            clock = _Clock()
            house.wait_for_server()
            filed = [self._file(gallery, random_) for _ in range(2)]
            house.start("indexer")
            again = Counter[str]()
            with searcher.running() if searched else ExitStack():
                clock.lap("start")
                postgres = self.postgres if kind == "postgresql" else None
                watch = Watch(gallery, house.pids)
                scene = Scene(house, watch, searcher, random_, postgres, proxy)
                {**ON_BOTH, **ON_POSTGRESQL}[fault](scene)
                clock.lap("strike")
                house.keep()
                _wait(lambda: self._done(house, gallery, filed, again))
                clock.lap("work")
                house.wait_for_server()
                _wait(lambda: not searched or searcher.right > 0 or bool(searcher.wrong))
                _wait(lambda: not house.runs("indexer"))
            house.stop()
            clock.lap("end")
            problems, left = self._look(gallery, searcher, filed)
            clock.lap("look")
            recordings = [r for job_id in filed for r in gallery.jobs.get(job_id).recordings]
            outcome = Outcome(
                fault,
                kind,
                problems,
                searcher.right,
                dict(searcher.refused),
                sum(r.attempts > 1 for r in recordings),
                sum(again.values()),
                house.died,
                scene.strike,
                clock.laps,
            )
            return outcome, left

    def _file(self, gallery: Gallery, random_: random.Random) -> str:
        """File a job for all recordings, in any order: two of them for the same ones."""
        camera = gallery.catalogue.camera_named("gate")
        order = random_.sample(sorted(self.files.items()), len(self.files))
        new = [NewRecording(camera.id, str(file), file.name, False, START) for _, file in order]
        return gallery.jobs.file(new).id

    def _done(self, house: House, gallery: Gallery, filed: list[str], again: Counter[str]) -> bool:
        """Keep everybody running, file again what failed meanwhile; True when all is done."""
        house.keep()
        jobs = [gallery.jobs.get(job_id) for job_id in filed]
        if any(job.state in {"queued", "running"} for job in jobs):
            return False
        camera = gallery.catalogue.camera_named("gate")
        failed = {r.path: r for job in jobs for r in job.recordings if r.state == "failed"}
        known = {video.path for video in gallery.catalogue.videos()}
        missing = [failed[path] for path in sorted(failed.keys() - known)]
        if missing:
            new = [NewRecording(camera.id, r.path, r.file_name, False, START) for r in missing]
            filed.append(gallery.jobs.file(new).id)
            again.update(f"{r.reason}" for r in missing)
            assert len(filed) < 20, again
        return not missing

    def _look(
        self, gallery: Gallery, searcher: Searcher, filed: list[str]
    ) -> tuple[list[str], dict[str, Any]]:
        """What is wrong with the gallery, and what it holds."""
        gallery.sweep()
        problems = [*gallery.verify().problems, *searcher.wrong]
        recordings = [r for job_id in filed for r in gallery.jobs.get(job_id).recordings]
        problems += [f"recording {r.file_name} is {r.state}" for r in recordings if r.state not in _ENDED]
        left = dump(gallery)
        left["answers"] = _answers(gallery)
        return problems, left

    def _between(self, house: House, settings: GallerySettings) -> Proxy:
        proxy = Proxy(self.postgres.directory / ".s.PGSQL.5432")
        name = make_url(settings.resolved_database_url).database
        house.far["w1"] = f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}"
        return proxy

    @contextmanager
    def _gallery(self, kind: str) -> Iterator[GallerySettings]:
        """An empty gallery on a disk of its own where we may mount one."""
        self._number += 1
        folder = Path(tempfile.mkdtemp(prefix=f"{self._number}-", dir=self.folder))
        folder.chmod(0o755)
        if self.can_mount:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", folder], check=True)
        name = f"chaos_{self._number}"
        try:
            data_dir = folder / "gallery"
            data_dir.mkdir(mode=0o700)
            if kind == "sqlite":
                file = data_dir / "gallery.sqlite3"
                shutil.copyfile(self._template, file)
                yield GallerySettings(data_dir=data_dir, database_url=f"sqlite:///{file}")
            else:
                yield GallerySettings(data_dir=data_dir, database_url=self.postgres.create(name, TEMPLATE))
        finally:
            if kind == "postgresql":
                self.postgres.drop(name)
            if self.can_mount:
                subprocess.run(["umount", "--lazy", folder], check=True)
            shutil.rmtree(folder, ignore_errors=True)


_ENDED = {"succeeded", "skipped", "failed"}  # failed ones were filed again, or the indexer had them


def _answers(gallery: Gallery) -> list[Any]:
    """Hits with ranks and scores for a photo of each colour."""
    found = []
    for scene in scenes.SCENES.values():
        query = TinyEmbedder().embed_images([_figure(scene[0])])[0]
        hits = gallery.snapshot(MODEL).search(query, limit=99).hits
        found.append([(hit.tracklet_id, hit.score, hit.standard_score, hit.clip_number) for hit in hits])
    return found


def _wait(condition: Callable[[], bool]) -> None:
    until(condition, pause=0.1, patience=PATIENCE)


def _figure(colour: scenes.Colour) -> Any:
    return np.full((72, 28, 3), colour, np.uint8)


class _Clock:
    """Where the seconds of a round go."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.monotonic()

    def lap(self, name: str) -> None:
        """Note the seconds since the last lap."""
        now = time.monotonic()
        self.laps[name] = round(now - self._since, 1)
        self._since = now


def _differences(left: dict[str, Any], right: dict[str, Any]) -> str:
    return ", ".join(sorted(key for key in {**left, **right} if left.get(key) != right.get(key)))


def _can_mount(folder: Path) -> bool:
    if os.getuid() or shutil.which("mount") is None:
        return False
    tried = folder / "tried"
    tried.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tried)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        return False
    subprocess.run(["umount", tried], check=True)
    return True
