"""What strangers send reaches the log, but steers no terminal and forges no line."""

import errno
import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from sightline.logs import LogSettings, write_printable_logs


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    write_printable_logs(LogSettings())
    yield
    structlog.reset_defaults()


def test_control_characters_are_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "/v1/\x1b[2J\x07\r\n2026-01-01 forged\x9b\u202e\u2028\udc80"
    structlog.get_logger().info(
        f"request {hostile}", path=hostile, paths=[hostile], error=ValueError(hostile)
    )
    written = capsys.readouterr().out
    assert written.endswith("\n")
    assert written[:-1].isprintable()
    assert "2026-01-01 forged" in written


def test_tracebacks_keep_their_lines(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        Path("\x1b[2J\nforged line").read_bytes()
    except OSError:
        structlog.get_logger().exception("failed")
    first, *rest = capsys.readouterr().out.splitlines()
    assert "failed" in first
    assert len(rest) > 3
    assert all(line.isprintable() and line.startswith("  ") for line in rest if line)


class FullDisk(io.StringIO):
    """Standard output into a file on a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, text)


def test_what_cannot_be_written_is_counted_and_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = io.StringIO()
    closed.close()
    for out in (FullDisk(), FullDisk(), closed):
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", out)
            structlog.get_logger().info("lost")
    structlog.get_logger().info("there is room again")
    structlog.get_logger().info("and still")
    first, second, third = capsys.readouterr().out.splitlines()
    assert "there is room again" in first
    assert "could not be written" in second
    assert "lines=3" in second
    assert "and still" in third
