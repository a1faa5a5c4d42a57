"""A process that has loaded what decoders need, and forks one for each file.

`python -m service.nursery FD MODULE...`: to start Python and load the libraries takes a tenth of a second for
a photo and a third for a clip. Started by `service.children` without any variable of the environment, so that
neither it nor what it forks knows a secret. It opens nothing itself.

Each message on the socket FD is a `Task` as JSON with four descriptors: standard input, output and error
output of the fork, and a socket on which is sent first a descriptor of the process, to kill it by, and in the
end its status. The end of FD ends everything.
"""

import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
import traceback
from contextlib import suppress
from typing import Final, NamedTuple

STATUS: Final = struct.Struct("<i")  # of a process, minus a signal's number
MOST_BYTES: Final = 1 << 16  # of a message
_DESCRIPTORS: Final = 4
_LAST_DESCRIPTOR: Final = 1 << 20


class Task(NamedTuple):
    """What a fork does: `main` of a module, with arguments as on a command line."""

    module: str
    arguments: list[str]


def main() -> None:
    """Load the modules, then serve until the socket ends."""
    control = socket.socket(fileno=int(sys.argv[1]))
    for module in sys.argv[2:]:
        importlib.import_module(module)
    gc.freeze()  # else a collection in a fork would copy all pages
    running: dict[int, tuple[int, socket.socket]] = {}  # by descriptor of the process
    poll = select.poll()
    poll.register(control, select.POLLIN)
    while True:
        for ready, _ in poll.poll():
            if ready in running:
                poll.unregister(ready)
                _tell_end(ready, *running.pop(ready))
                continue
            message, descriptors, _, _ = socket.recv_fds(control, MOST_BYTES, _DESCRIPTORS)
            if not message:
                _end(running)
                return
            started = _fork(Task(*json.loads(message)), descriptors)
            running[started[0]] = started[1:]
            poll.register(started[0], select.POLLIN)


def _fork(task: Task, descriptors: list[int]) -> tuple[int, int, socket.socket]:
    """Fork; give a descriptor of the process, its number, and the socket that it is told on."""
    *standard, last = descriptors
    pid = os.fork()
    if pid == 0:
        _become(task, standard)
    told = socket.socket(fileno=last)
    process = os.pidfd_open(pid)
    with suppress(OSError):  # nobody waits for it any more
        socket.send_fds(told, [b"\0"], [process])
    for descriptor in standard:
        os.close(descriptor)
    return process, pid, told


def _become(task: Task, standard: list[int]) -> None:
    """Do the task in this process, and end it."""
    status = 1
    try:
        for number, descriptor in enumerate(standard):
            os.dup2(descriptor, number)
        os.closerange(3, _LAST_DESCRIPTOR)
        sys.argv = [task.module, *task.arguments]
        status = importlib.import_module(task.module).main()
        sys.stdout.flush()
    except BaseException:  # noqa: BLE001  (whatever it is, this process must not go on as a nursery)
        traceback.print_exc()
    finally:
        with suppress(BaseException):
            sys.stderr.flush()
        os._exit(status)


def _tell_end(process: int, pid: int, told: socket.socket) -> None:
    _, waited = os.waitpid(pid, 0)
    os.close(process)
    with told, suppress(OSError):
        told.send(STATUS.pack(os.waitstatus_to_exitcode(waited)))


def _end(running: dict[int, tuple[int, socket.socket]]) -> None:
    for process in running:
        signal.pidfd_send_signal(process, signal.SIGKILL)


if __name__ == "__main__":
    main()
