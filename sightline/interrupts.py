"""Ctrl-C: every command says at once what it does about it; a second Ctrl-C ends it where it stands."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_INDEXED: Final = "what is indexed is kept, the recording in work is dropped; run the command again to go on"
_KEPT: Final = {
    "index": _INDEXED,
    "reindex": _INDEXED,
    "adapt": "what is learnt is kept; run the command again to go on",
    "import-crops": _INDEXED,
    "evaluate": "the protocols that are done are kept; what was imported into a gallery is erased first",
    "train": "the last saved state is kept; --resume goes on from it",
    "simulate": "what is drawn is kept; run the command again to go on",
    "compact": "the gallery is as it was",
    "migrate-vectors": "what was moved stays moved; start it again for the rest",
    "jobs": "the job goes on; `sightline jobs cancel` stops it",
}
STATUS: Final = 130  # what shells expect of a program that SIGINT ended


@contextmanager
def announced(command: Callable[[], str | None]) -> Iterator[None]:
    """Answer Ctrl-C with KeyboardInterrupt, as Python does, and a line on standard error before it.

    Args:
        command: names the command that runs.
    """
    ours = threading.current_thread() is threading.main_thread()
    # A shell starts background commands with SIGINT ignored; that stays so.
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        say(_KEPT.get(command() or "", "nothing is left half-done"))
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def say(kept: str) -> None:
    """Write from a signal handler, where Python's own streams may be in the middle of a line."""
    os.write(2, f"\nStopping: {kept}. Ctrl-C again ends it at once.\n".encode())


def stop_when_told(stop: threading.Event, kept: str) -> None:
    """Set `stop` on the first Ctrl-C or SIGTERM and say so; the second ends the process."""

    def ask(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        say(kept)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
