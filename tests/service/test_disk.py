"""A disk that refuses is 503 or 507 with Retry-After, whatever was to be written; it is nobody's defect."""

import builtins
import errno
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service import clip_child, clipping, disk, problems
from service.errors import StorageFull
from service.footage import Stretch
from service.settings import ServiceSettings
from tests.service.conftest import Archive
from tests.service.test_problems import ROOT, is_problem
from tests.service.videos import RED, encoded, scene

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
REFUSING = {
    errno.EROFS: 503,
    errno.EACCES: 503,
    errno.EPERM: 503,
    errno.EIO: 503,
    errno.ENOSPC: 507,
    errno.EDQUOT: 507,
}


@contextmanager
def refusing(folder: Path, number: int) -> Iterator[list[Path]]:
    """Let the disk refuse what is to be written below a folder; yields what was tried there.

    Tests may run as root, whom no mode of a folder keeps out.
    """
    tried: list[Path] = []
    real: dict[str, Callable[..., Any]] = {"io": io.open, "open": os.open, "mkdir": os.mkdir}

    def refuse(path: Any) -> None:
        if not isinstance(path, int) and Path(os.fsdecode(path)).is_relative_to(folder):
            tried.append(Path(os.fsdecode(path)))
            raise OSError(number, os.strerror(number), os.fsdecode(path))

    def opened(path: Any, mode: str = "r", *rest: Any, **more: Any) -> Any:
        if set(mode) & set("wax+"):
            refuse(path)
        return real["io"](path, mode, *rest, **more)

    def opened_plainly(path: Any, flags: int, *rest: Any, **more: Any) -> Any:
        if flags & _WRITING:
            refuse(path)
        return real["open"](path, flags, *rest, **more)

    def made(path: Any, *rest: Any, **more: Any) -> None:
        if not Path(os.fsdecode(path)).is_dir():
            refuse(path)
        real["mkdir"](path, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(io, "open", opened)
        patch.setattr(builtins, "open", opened)
        patch.setattr(os, "open", opened_plainly)
        patch.setattr(os, "mkdir", made)
        yield tried


def require_refused(answer: Any, number: int) -> None:
    status = REFUSING[number]
    slug = "storage-full" if status == 507 else "storage-unavailable"
    assert is_problem(answer, status), answer.text
    assert answer.json()["type"] == f"urn:sightline:problem:{slug}"
    assert int(answer.headers["retry-after"]) > 0
    assert "/tmp" not in answer.text, "paths stay inside"


def test_whatever_is_written(client: TestClient, archive: Archive) -> None:
    begun = client.post("/v1/uploads", json={"file_name": "a.mp4"}).json()["id"]
    assert client.put(f"/v1/uploads/{begun}?offset=0", content=b"video").status_code == 200
    recording = {"upload_id": begun, "camera": "gate", "start": "2026-03-01T12:00:00Z"}
    red = archive.tracklets["gate", RED]
    wanted: dict[str, Callable[[], Any]] = {
        "probe": lambda: client.post("/v1/probes", files={"file": encoded(scene((RED, 100, 60)))}),
        "search": lambda: client.post("/v1/searches/by-photo", files={"file": encoded(scene((RED, 9, 60)))}),
        "upload": lambda: client.post("/v1/uploads", json={"file_name": "b.mp4"}),
        "chunk": lambda: client.put(f"/v1/uploads/{begun}?offset=5", content=b"more"),
        "job": lambda: client.post("/v1/index-jobs", json={"recordings": [recording]}),
        "clip": lambda: client.get(f"/v1/tracklets/{red}/clip"),
        "delete": lambda: client.delete(f"/v1/uploads/{begun}"),
    }
    for number, (name, ask) in zip(cycle(REFUSING), list(wanted.items()) * 2):
        with refusing(archive.gallery.data_dir, number) as tried:
            require_refused(ask(), number)
            assert tried, name
    for name, ask in wanted.items():
        assert ask().status_code < 300 or name == "delete", name


def test_a_form_that_waits_on_a_full_disk(shared_client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large photo is put into a temporary file while it comes."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/tmp/secret")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    answer = shared_client.post("/v1/probes", files={"file": bytes(2_000_000)})
    require_refused(answer, errno.ENOSPC)


def test_a_process_that_cuts_a_clip(archive: Archive, settings: ServiceSettings, tmp_path: Path) -> None:
    full = tmp_path / "clip.mp4"
    full.symlink_to("/dev/full")
    video = archive.videos["gate"]
    known = Path(video.path), full, Stretch(0, 1_000_000)
    with pytest.raises(StorageFull):
        clipping.copy(*known, video=video, settings=settings)
    with pytest.raises(StorageFull):
        clipping.cut(*known, boxes=None, video=video, settings=settings)
    request = replace(clipping._request(*known, video, settings, None), destination="/sys/clip.mp4")
    command = [sys.executable, "-m", clip_child.__name__]
    ended = subprocess.run(command, input=request.encode(), cwd=ROOT, check=False)
    assert ended.returncode == clip_child.REFUSED, "nobody writes there, not even root"


def test_other_errors_of_the_system_are_not_the_disks() -> None:
    for error in (
        FileNotFoundError(errno.ENOENT, "x"),
        OSError("x"),
        ConnectionResetError(errno.ECONNRESET, "x"),
    ):
        assert disk.refusal(error) is None


def test_every_503_says_when_to_come_back(shared_client: TestClient) -> None:
    kinds = {cls: kind for cls, kind in problems.TABLE.items() if kind.status in {429, 503}}
    assert len(kinds) >= 6
    for cls, kind in kinds.items():
        if kind.status == 429:
            assert "headers" in cls.__init__.__annotations__, "each says it by itself"
            continue
        answer = problems.response({}, kind.status, kind.slug, kind.title, "", headers=kind.headers)
        assert int(answer.headers["retry-after"]) > 0, cls
    assert problems.from_status({}, 503, None, None).headers["retry-after"]
