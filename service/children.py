"""Processes that decode foreign media: they have no secrets and limits, and end when nobody waits for them.

Photos and videos come from strangers, and decoders are old code in C. Whatever a file does to such a process,
the service goes on. Each is forked by a nursery (`service.nursery`), which has loaded the libraries before.
"""

import atexit
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from typing import Final, NamedTuple, Self

import structlog

from service.nursery import MOST_BYTES, STATUS, Task
from service.work import checkpoint

log = structlog.get_logger(__name__)

_LOOK_SECONDS: Final = 0.1
_START_SECONDS: Final = 60.0  # that a nursery may take to load its libraries, on a busy machine
_READ_BYTES: Final = 1 << 20
# Modules that load the same: one nursery has them all. Photos have one of their own, as what a process has
# loaded counts among the little memory that theirs may take.
_TOGETHER: Final = (("service.clip_child", "service.start_child"),)


class Ended(NamedTuple):
    """How a process ended: its status, minus a signal's number, and what it wrote."""

    status: int
    answer: bytes


def run(module: str, *arguments: str, data: bytes, seconds: float) -> Ended:
    """Run `main` of a module of this package in a process of its own and wait for its end.

    Args:
        module: its name.
        arguments: for its command line.
        data: its standard input.
        seconds: how long it may take.

    Raises:
        TimeoutError: it took longer.
        Abandoned: nobody waits for it any more.
        OSError: no process can be started.
    """
    deadline = time.monotonic() + seconds
    with _in_memory(data) as given, _nursery_of(module).start(Task(module, [*arguments]), given) as child:
        try:
            answer, complaint = child.read(deadline)
            status = child.status(deadline)
        except BaseException:
            child.kill()
            raise
    if status != 0:
        said = complaint[-500:].decode(errors="replace")
        log.info("a file was refused", by=module, status=status, said=said)
    return Ended(status, answer)


def _in_memory(data: bytes) -> io.FileIO:
    """A file that holds data and has no name, at its beginning."""
    file = io.FileIO(os.memfd_create("input"), "r+")
    file.write(data)
    file.seek(0)
    return file


class _Child:
    """A process that a nursery has forked. Use as a context manager.

    Args:
        outputs: what its standard output and its error output are read from.
        told: where the nursery says how it ended.
        process: a descriptor of it.
    """

    def __init__(self, outputs: tuple[int, int], told: socket.socket, process: int) -> None:
        self._outputs = outputs
        self._told = told
        self._process = process

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in (*self._outputs, self._process):
            os.close(descriptor)
        self._told.close()

    def read(self, deadline: float) -> tuple[bytes, bytes]:
        """Output and error output to their ends. Raises TimeoutError, Abandoned."""
        parts: dict[int, list[bytes]] = {descriptor: [] for descriptor in self._outputs}
        poll = select.poll()
        for descriptor in parts:
            poll.register(descriptor, select.POLLIN)
        open_ones = len(parts)
        while open_ones:
            checkpoint()
            if time.monotonic() > deadline:
                raise TimeoutError("a process took too long")
            for descriptor, _ in poll.poll(_LOOK_SECONDS * 1000):
                part = os.read(descriptor, _READ_BYTES)
                parts[descriptor].append(part)
                if not part:
                    poll.unregister(descriptor)
                    open_ones -= 1
        answer, complaint = (b"".join(parts[descriptor]) for descriptor in self._outputs)
        return answer, complaint

    def status(self, deadline: float) -> int:
        """How it ended. Raises TimeoutError; ConnectionResetError: that will never be known."""
        self._told.settimeout(max(_LOOK_SECONDS, deadline - time.monotonic()))
        said = self._told.recv(STATUS.size)
        if not said:
            raise ConnectionResetError("the nursery ended")
        return int(STATUS.unpack(said)[0])

    def kill(self) -> None:
        """End it, unless it has ended."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._process, signal.SIGKILL)


class _Nursery:
    """The process that forks those of some modules: begun when one is first wanted, and again if it ends."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._modules = modules
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, task: Task, given: io.FileIO) -> _Child:
        """Have a process forked that reads `given`. Raises OSError."""
        control = self._connected()
        try:
            return _ask(control, task, given)
        except ConnectionError:  # it has ended: the first to find that out begins another
            return _ask(self._connected(ended=control), task, given)

    def end(self) -> None:
        """End it, and all that it has forked."""
        with self._lock:
            if self._control is not None:
                self._control.close()
            if self._process is not None:
                self._process.wait()
            self._control = self._process = None

    def _connected(self, ended: socket.socket | None = None) -> socket.socket:
        """The socket that it is asked on, of a new one if that on `ended` is the last."""
        with self._lock:
            if self._control is None or self._control is ended:
                if self._control is not None and self._process is not None:
                    self._control.close()
                    self._process.wait()
                self._control, self._process = self._begin()
            return self._control

    def _begin(self) -> "tuple[socket.socket, subprocess.Popen[bytes]]":
        mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            command = [sys.executable, "-I", "-m", "service.nursery", str(its.fileno()), *self._modules]
            process = subprocess.Popen(  # noqa: S603  (nothing of the command is a client's)
                command,
                stdin=subprocess.DEVNULL,
                env={"OPENBLAS_NUM_THREADS": "1"},  # threads would not survive a fork
                pass_fds=[its.fileno()],
                process_group=0,  # Ctrl-C is the service's, which then ends it
            )
        return mine, process


def _ask(control: socket.socket, task: Task, given: io.FileIO) -> _Child:
    """Ask a nursery for a process. Raises ConnectionError: it has ended; OSError."""
    message = json.dumps(task).encode()
    assert len(message) <= MOST_BYTES
    with ExitStack() as ours, ExitStack() as its:
        outputs = []
        for _ in range(2):
            mine, other = os.pipe()
            ours.callback(os.close, mine)
            its.callback(os.close, other)
            outputs.append((mine, other))
        told, tells = (
            stack.enter_context(one) for stack, one in zip((ours, its), socket.socketpair(), strict=True)
        )
        socket.send_fds(
            control, [message], [given.fileno(), *(other for _, other in outputs), tells.fileno()]
        )
        its.close()  # else the end of the nursery would never be seen
        told.settimeout(_START_SECONDS)
        _, found, _, _ = socket.recv_fds(told, 1, 1)
        if not found:
            raise ConnectionResetError("the nursery ended")
        ours.pop_all()
    (answer, _), (complaint, _) = outputs
    return _Child((answer, complaint), told, found[0])


_nurseries: dict[tuple[str, ...], _Nursery] = {}


def _nursery_of(module: str) -> _Nursery:
    modules = next((group for group in _TOGETHER if module in group), (module,))
    return _nurseries.setdefault(modules, _Nursery(modules))


@atexit.register
def end() -> None:
    """End all nurseries, as the service ends."""
    for nursery in _nurseries.values():
        nursery.end()
