"""The store of cut clips: whole files or none, made once, bounded."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.clips import ClipCache
from tests.waiting import PATIENCE, take_time


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_makes_a_clip_once_for_many_at_once(tmp_path: Path) -> None:
    cache, made = ClipCache(tmp_path, 1000), []
    together = threading.Barrier(8)

    def make(path: Path) -> None:
        made.append(path)
        take_time(0.05)
        path.write_bytes(b"clip")

    def ask(_: int) -> bytes:
        together.wait()
        return cache.get("video", "a.mp4", make).read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [b"clip"] * 8
    assert len(made) == 1


def test_a_clip_that_takes_long_holds_up_no_other_one(tmp_path: Path) -> None:
    cache, begun, go_on = ClipCache(tmp_path, 0), threading.Event(), threading.Event()

    def make(path: Path) -> None:
        begun.set()
        assert go_on.wait(PATIENCE)
        path.write_bytes(b"long")

    others = [f"{number}.mp4" for number in range(1000)]
    (tmp_path / "video").mkdir()
    for name in others:
        (tmp_path / "video" / name).write_bytes(b"short")
    with ThreadPoolExecutor(2) as pool:
        long = pool.submit(cache.get, "video", "long.mp4", make)
        assert begun.wait(PATIENCE)
        rest = pool.submit(lambda: [cache.get("video", name, make) for name in others])
        try:
            assert len(rest.result(PATIENCE)) == len(others)
        finally:
            go_on.set()
        assert long.result().read_bytes() == b"long"
    assert not cache._making


def test_keeps_clips_private(tmp_path: Path) -> None:
    path = ClipCache(tmp_path / "cache", 1000).get("video", "a.mp4", lambda path: path.write_bytes(b"clip"))
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_leaves_nothing_of_a_failure(tmp_path: Path) -> None:
    cache = ClipCache(tmp_path, 1000)

    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011
        cache.get("video", "a.mp4", fail)
    assert not list(tmp_path.rglob("*.mp4"))
    assert cache.get("video", "a.mp4", lambda path: path.write_bytes(b"whole")).read_bytes() == b"whole"


def test_drops_the_clips_unused_for_longest(tmp_path: Path) -> None:
    cache = ClipCache(tmp_path, 250)
    paths = [cache.get("v", f"{i}.mp4", lambda path: path.write_bytes(bytes(100))) for i in range(2)]
    age(paths[0], 1000)
    age(paths[1], 2000)
    cache.get("v", "1.mp4", lambda path: None)  # used again
    third = cache.get("v", "2.mp4", lambda path: path.write_bytes(bytes(100)))
    assert not paths[0].exists()
    assert paths[1].exists()
    assert third.exists()


def test_keeps_what_is_in_use_over_the_limit(tmp_path: Path) -> None:
    cache = ClipCache(tmp_path, 0)
    assert cache.get("v", "a.mp4", lambda path: path.write_bytes(bytes(100))).exists()


def test_removes_what_a_dead_process_left(tmp_path: Path) -> None:
    cache = ClipCache(tmp_path, 1000)
    (tmp_path / "v").mkdir()
    old, new = tmp_path / "v" / "0.part.mp4", tmp_path / "v" / "1.part.mp4"
    for path in (old, new):
        path.write_bytes(b"half")
    age(old, 100_000)
    cache.trim()
    assert not old.exists()
    assert new.exists()


def test_a_use_does_not_change_the_time_of_writing(tmp_path: Path) -> None:
    cache = ClipCache(tmp_path, 1000)
    path = cache.get("v", "a.mp4", lambda path: path.write_bytes(b"clip"))
    age(path, 5000)
    before = path.stat().st_mtime
    cache.get("v", "a.mp4", lambda path: None)
    assert path.stat().st_mtime == before
    assert path.stat().st_atime > before
