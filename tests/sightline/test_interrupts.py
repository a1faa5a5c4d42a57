"""Ctrl-C on commands that run in a process of their own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gallery import GallerySettings

ROOT = Path(__file__).parents[2]
# A command that says when it works and then waits for the signal.
SCRIPT = """
import sys, threading, typer
from sightline import main
main.app.registered_commands = [c for c in main.app.registered_commands if c.name != sys.argv[1]]
@main.app.command(sys.argv[1])
def work():
    print("working", flush=True)
    while True:  # a signal just before an endless wait would not end it
        threading.Event().wait(0.1)
main.app(sys.argv[1:2])
"""


def start(*command: str, deaf: bool = False) -> subprocess.Popen[str]:
    """Start a command, `deaf` to Ctrl-C as shells without job control start those in the background."""
    shell = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"] if deaf else []
    return subprocess.Popen(
        [*shell, sys.executable, *command],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    ("command", "kept"), [("index", "run the command again to go on"), ("train", "--resume goes on from it")]
)
def test_ctrl_c_says_what_is_kept(command: str, kept: str) -> None:
    with start("-c", SCRIPT, command) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()

    assert process.returncode == 130
    assert kept in said
    assert "Traceback" not in said


def test_a_command_in_the_background_stays_deaf_to_ctrl_c() -> None:
    with start("-c", SCRIPT, "index", deaf=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.communicate()

    assert process.returncode == -signal.SIGTERM


@pytest.mark.long
def test_a_worker_gives_its_recording_back(sqlite_settings: GallerySettings) -> None:
    with start("-m", "sightline", "worker", "--data-dir", str(sqlite_settings.data_dir)) as process:
        assert process.stdout is not None
        while "worker ready" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate()

    assert process.returncode == 0
    assert "goes back into the queue" in said
