"""`sightline serve` and `sightline worker`: they start, work and end when told to."""

import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn

from gallery import Gallery, GallerySettings, NewRecording
from tests.sightline.conftest import Run
from tests.waiting import PATIENCE, until


@pytest.mark.usefixtures("networks", "handlers")
def test_a_worker_indexes_what_was_filed(
    run: Run, recordings: Path, sqlite_settings: GallerySettings
) -> None:
    start = datetime(2026, 1, 5, 9, tzinfo=UTC)
    with Gallery.open(sqlite_settings) as gallery:
        camera = gallery.catalogue.get_or_add_camera("gate")
        filed = [
            NewRecording(camera.id, str(recordings / name), name, False, start)
            for name in ("a.mp4", "notes.txt")
        ]
        job = gallery.jobs.file(filed)

        assert run("worker", "--once", "--jobs", "models").exit_code == 0
        left = gallery.jobs.get(job.id)
        result = run("worker", "--once", "--jobs", "indexing")

        ended = gallery.jobs.get(job.id)
    assert left.state == "queued"
    assert result.exit_code == 0
    assert ended.state == "partial"
    assert [recording.state for recording in ended.recordings] == ["succeeded", "failed"]


@contextmanager
def limited_server(
    settings: GallerySettings, *, descriptors: int
) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A server with so many file descriptors, and its port; ended at the end."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [str(Path(sys.executable).with_name("sightline")), "serve", "--port", str(port)]
    under_limit = ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh"]
    server = subprocess.Popen([*under_limit, *command, "--data-dir", str(settings.data_dir)])
    try:
        yield port, server
    finally:
        server.terminate()
        server.wait(timeout=PATIENCE)


@pytest.mark.long
def test_the_server_answers_beside_silent_connections_and_ends_in_order(
    sqlite_settings: GallerySettings,
) -> None:
    """More of them than the process has descriptors, as on a machine with the usual limit of 1,024."""
    silent: list[socket.socket] = []
    with limited_server(sqlite_settings, descriptors=1024) as (port, server):
        assert wait_for(f"http://127.0.0.1:{port}/livez", server) == 200
        try:
            silent += [socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) for _ in range(1010)]
            for path in ("/livez", "/", "/openapi.json", "/livez"):
                with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=PATIENCE) as response:
                    assert response.status == 200
        finally:
            for connection in silent:
                connection.close()

    assert server.returncode in {0, -signal.SIGTERM}


def test_a_port_in_use_is_one_line_with_its_remedy(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        result = run("serve", "--port", str(listener.getsockname()[1]))

    assert result.exit_code == 2
    assert "choose another" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_proxy_lets_go_of_an_idle_connection_before_the_server_does(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, object] = {}
    monkeypatch.setattr(uvicorn, "run", lambda _app, **options: asked.update(options))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    run("serve", "--port", str(port))

    assert int(str(asked["timeout_keep_alive"])) > 120, "Caddy's, the longest of those in deploy/ and docs"


def test_a_worker_stands_back(
    run: Run, networks: None, monkeypatch: pytest.MonkeyPatch, handlers: None
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(os, "getpriority", lambda *_: 5)
    monkeypatch.setattr(os, "setpriority", lambda _which, _who, nice: asked.append(nice))

    run("worker", "--once")
    monkeypatch.setenv("SIGHTLINE_INDEX_NICE", "0")
    run("worker", "--once")

    assert asked == [10, 5], "never before what the process was started with"


def test_strangers_are_not_served_without_keys(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_ALLOW_ANONYMOUS", "true")

    result = run("serve", "--host", "0.0.0.0")

    assert result.exit_code == 2
    assert "127.0.0.1" in result.stderr


def wait_for(url: str, server: subprocess.Popen[bytes]) -> int:
    def answered() -> int | None:
        assert server.poll() is None, "the server has ended"
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as response:
                status: int = response.status
                return status
        except OSError:
            return None

    return until(answered) or 0
