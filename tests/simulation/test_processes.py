"""Spawned processes and who spawned them."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from simulation.errors import BadRequest, WorkerDied
from simulation.processes import MOST_DEATHS, in_processes
from tests.waiting import take_time, until

PARENT = """
import sys
from functools import partial
from tests.simulation.test_processes import say_and_sleep
from simulation.processes import in_processes

if __name__ == "__main__":
    list(in_processes(partial(say_and_sleep, sys.argv[1]), [1, 2], 2))
"""


def say_and_sleep(folder: str, number: int) -> int:
    (Path(folder) / str(number)).write_text(str(os.getpid()))
    take_time(600)
    return number


def is_running(pid: int) -> bool:
    """A process that ended and whose end nobody asked for yet is not running."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_the_one_that_spawned_them(tmp_path: Path, signal_number: int) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}
    parent = subprocess.Popen([sys.executable, str(script), str(tmp_path)], env=environment)
    files = [tmp_path / "1", tmp_path / "2"]

    def written() -> bool:
        assert parent.poll() is None
        return all(file.exists() and file.read_text() for file in files)

    until(written)
    spawned = [int(file.read_text()) for file in files]
    parent.send_signal(signal_number)
    parent.wait()
    until(lambda: not any(is_running(pid) for pid in spawned))


def negative(number: int) -> int:
    return -number


@pytest.mark.parametrize("processes", [0, 1, 2, None])
def test_every_piece_of_work_is_done_once(processes: int | None) -> None:
    assert sorted(in_processes(negative, [3, 1, 2], processes)) == [-3, -2, -1]
    assert list(in_processes(negative, [], processes)) == []


def die_once(folder: str, number: int) -> int:
    """Number 2 aborts as a heap that a driver has damaged does, the first time."""
    marker = Path(folder) / f"{number}-{os.getpid()}"
    marker.touch()
    if number == 2 and len([*marker.parent.glob("2-*")]) == 1:
        os.abort()
    return number


@pytest.mark.parametrize("processes", [1, 2])
def test_the_work_of_a_process_that_died_is_done_again(
    tmp_path: Path, processes: int, caplog: pytest.LogCaptureFixture
) -> None:
    work = partial(die_once, str(tmp_path))

    assert sorted(in_processes(work, [1, 2, 3], processes)) == [1, 2, 3]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert len([*tmp_path.glob("2-*")]) == 2


def die(number: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_work_that_always_kills_its_process_ends_in_an_error() -> None:
    with pytest.raises(WorkerDied, match=f"{MOST_DEATHS} times"):
        list(in_processes(die, [1], 1))


def refuse(number: int) -> int:
    raise BadRequest(f"not {number}")


@pytest.mark.parametrize("processes", [0, 1])
def test_an_error_of_the_work_is_passed_on_at_once(processes: int) -> None:
    with pytest.raises(BadRequest, match="not 7"):
        list(in_processes(refuse, [7], processes))
