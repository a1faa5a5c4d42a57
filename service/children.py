"""Processes that decode foreign media: they have no secrets and limits, and end when nobody waits for them.

Photos and videos come from strangers, and decoders are old code in C. Whatever a file does to such a process,
the service goes on.
"""

import io
import os
import subprocess
import sys
import time
from contextlib import suppress
from typing import Final, NamedTuple

import structlog

from service.work import checkpoint

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 0.1


class Ended(NamedTuple):
    """How a process ended: its status, minus a signal's number, and what it wrote."""

    status: int
    answer: bytes


def run(module: str, *arguments: str, data: bytes, seconds: float) -> Ended:
    """Run a module of this package in a process of its own and wait for its end.

    Args:
        module: its name; `python -m` starts it, without any variable of the environment.
        arguments: for its command line.
        data: its standard input.
        seconds: how long it may take.

    Raises:
        TimeoutError: it took longer.
        Abandoned: nobody waits for it any more.
    """
    command = [sys.executable, "-I", "-m", module, *arguments]
    with (
        _in_memory(data) as given,
        subprocess.Popen(  # noqa: S603  (nothing of the command is the client's)
            command, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={}
        ) as process,
    ):
        try:
            answer, complaint = _wait_for(process, seconds)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        said = complaint[-500:].decode(errors="replace")
        log.info("a file was refused", by=module, status=process.returncode, said=said)
    return Ended(process.returncode, answer)


def _in_memory(data: bytes) -> io.FileIO:
    """A file that holds data and has no name, at its beginning."""
    file = io.FileIO(os.memfd_create("input"), "r+")
    file.write(data)
    file.seek(0)
    return file


def _wait_for(process: "subprocess.Popen[bytes]", seconds: float) -> tuple[bytes, bytes]:
    """The output and error output of a process. Raises TimeoutError, Abandoned."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        checkpoint()
        with suppress(subprocess.TimeoutExpired):
            return process.communicate(timeout=_LOOK_SECONDS)
    raise TimeoutError(f"{process.args!r} took more than {seconds:g} s")
