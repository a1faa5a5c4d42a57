"""Processes that decode foreign media: no secrets, an end when nobody waits, and what they said."""

import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service import children
from service.errors import Abandoned
from tests.waiting import until

PROGRAM = """
import os, signal, sys, time

def main():
    data = sys.stdin.buffer.read()
    if data == b"environment":
        with open("/proc/self/environ") as started:
            sys.stdout.write(repr(sorted(os.environ)) + started.read())
    elif data == b"descriptors":
        sys.stdout.write(repr(sorted(map(int, os.listdir("/proc/self/fd")))))
    elif data == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    elif data == b"parent":
        sys.stdout.write(str(os.getppid()))
    elif data == b"raise":
        raise RuntimeError("a fault")
    elif data == b"silent":
        os.close(1), os.close(2)
        time.sleep(600)
    elif data == b"sleep":
        time.sleep(600)
    else:
        sys.stdout.buffer.write(data[::-1])
        return int(sys.argv[1])
    return 0
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a module that is installed for the child alone."""
    (tmp_path / "a_child.py").write_text(PROGRAM)
    wrapper = tmp_path / "python"
    start = f"import sys, runpy; sys.path.insert(0, {str(tmp_path)!r}); sys.argv = sys.argv[3:]; "
    start += "runpy.run_module('service.nursery', run_name='__main__', alter_sys=True)"
    wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{start}" "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(wrapper))
    monkeypatch.setattr(children, "_nurseries", {})
    yield "a_child"
    children.end()


def test_hands_on_what_it_wrote_and_its_status(module: str) -> None:
    large = os.urandom(3_000_000)
    assert children.run(module, "7", data=large, seconds=100) == (7, large[::-1])
    assert children.run(module, "0", data=b"again", seconds=100) == (0, b"niaga")


def test_has_no_secrets_and_nothing_of_the_nursery(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_DATABASE_URL", "postgresql://secret")
    assert b"SIGHTLINE" not in children.run(module, data=b"environment", seconds=100).answer
    # The fourth is that of the folder which is listed.
    assert children.run(module, data=b"descriptors", seconds=100).answer == b"[0, 1, 2, 3]"


def test_survives_its_crash(module: str) -> None:
    assert children.run(module, data=b"crash", seconds=100).status == -signal.SIGSEGV
    assert children.run(module, data=b"raise", seconds=100).status == 1
    assert children.run(module, "0", data=b"well", seconds=100).status == 0


def test_a_nursery_that_ended_is_begun_anew(module: str) -> None:
    nursery = int(children.run(module, data=b"parent", seconds=100).answer)
    assert int(children.run(module, data=b"parent", seconds=100).answer) == nursery
    os.kill(nursery, signal.SIGKILL)
    assert int(children.run(module, data=b"parent", seconds=100).answer) != nursery


def test_a_nursery_that_cannot_load_its_modules_is_an_error(module: str) -> None:
    with pytest.raises(ConnectionResetError):
        children.run("no_such_child", data=b"", seconds=100)


@pytest.mark.parametrize("data", [b"sleep", b"silent"])
def test_ends_it_when_it_takes_too_long_or_nobody_waits(
    module: str, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    nursery = int(children.run(module, data=b"parent", seconds=100).answer)
    with pytest.raises(TimeoutError):
        children.run(module, data=data, seconds=0.2)
    until(lambda: not forked_by(nursery))
    calls = iter([None, None, Abandoned("gone")])

    def gone() -> None:
        error = next(calls)
        if error is not None:
            raise error

    monkeypatch.setattr(children, "checkpoint", gone)
    with pytest.raises(Abandoned):
        children.run(module, data=b"sleep", seconds=100)
    until(lambda: not forked_by(nursery))


def test_a_nursery_ends_with_the_service_and_takes_its_children_along(module: str) -> None:
    nursery = int(children.run(module, data=b"parent", seconds=100).answer)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(children.run, module, data=b"sleep", seconds=100)
        until(lambda: forked_by(nursery))
        children.end()
        assert isinstance(asked.exception(), ConnectionResetError)
    assert not Path(f"/proc/{nursery}").exists()


def forked_by(pid: int) -> str:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text()
