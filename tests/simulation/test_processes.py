"""Spawned processes and who spawned them."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from simulation.processes import in_processes

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
    time.sleep(600)
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
    while not all(file.exists() and file.read_text() for file in files):
        assert parent.poll() is None
        time.sleep(0.05)
    spawned = [int(file.read_text()) for file in files]
    parent.send_signal(signal_number)
    parent.wait()
    while any(is_running(pid) for pid in spawned):
        time.sleep(0.05)


def negative(number: int) -> int:
    return -number


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_order(processes: int) -> None:
    assert list(in_processes(negative, [3, 1, 2], processes)) == [-3, -1, -2]
