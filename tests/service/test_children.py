"""Processes that decode foreign media: no secrets, an end when nobody waits, and what they said."""

import os
import sys
from pathlib import Path

import pytest

from service import children
from service.errors import Abandoned

PROGRAM = """
import os, signal, sys, time
data = sys.stdin.buffer.read()
if data == b"environment":
    sys.stdout.write(repr(sorted(os.environ)))
elif data == b"crash":
    os.kill(os.getpid(), signal.SIGSEGV)
elif data == b"sleep":
    time.sleep(600)
else:
    sys.stdout.buffer.write(data[::-1])
    sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module that is installed for the child alone."""
    (tmp_path / "a_child.py").write_text(PROGRAM)
    wrapper = tmp_path / "python"
    start = f"import sys, runpy; sys.path.insert(0, {str(tmp_path)!r}); sys.argv = sys.argv[3:]; "
    start += "runpy.run_module('a_child', run_name='__main__')"
    wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{start}" "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(wrapper))
    return "a_child"


def test_hands_on_what_it_wrote_and_its_status(module: str) -> None:
    large = os.urandom(3_000_000)
    assert children.run(module, "7", data=large, seconds=100) == (7, large[::-1])


def test_has_no_environment(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_DATABASE_URL", "postgresql://secret")
    assert b"SIGHTLINE" not in children.run(module, data=b"environment", seconds=100).answer


def test_survives_its_crash(module: str) -> None:
    assert children.run(module, data=b"crash", seconds=100).status < 0


def test_ends_it_when_it_takes_too_long_or_nobody_waits(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(TimeoutError):
        children.run(module, data=b"sleep", seconds=0.2)
    calls = iter([None, None, Abandoned("gone")])

    def gone() -> None:
        error = next(calls)
        if error is not None:
            raise error

    monkeypatch.setattr(children, "checkpoint", gone)
    with pytest.raises(Abandoned):
        children.run(module, data=b"sleep", seconds=100)
