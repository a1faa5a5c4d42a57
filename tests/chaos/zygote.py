"""Runs `sightline` commands as processes that start at once: forked from one that has imported everything.

What a child runs is the command line itself; only its networks are others, which see the drawn colours and
need no seconds to load. Its clock may be off, where the library of `tests.chaos.clock` is loaded.

A line on standard input is a JSON object with `arguments`, `environment` and `log`; a line on standard output
answers with the id of the process.
"""

import ctypes
import importlib
import json
import os
import signal
import sys
from typing import Any

import indexer.networks
import indexer.worker
import service.networks
from sightline.main import app
from tests.indexer.fakes import ColourDetector, TinyEmbedder

# Of <linux/capability.h> and <linux/prctl.h>: the rights to write, and to read, whatever permissions say.
_VERSION, _DROP, _PASS_OVER = 0x20080522, 24, (1, 2)
# What commands import when they run: a second of CPU for each process of a round, and once is enough.
_PRELOADED = (
    "gallery.backup.restoring",
    "indexer.work",
    "service.access.first_key",
    "service.app",
    "service.connections",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.h11_impl",
)
BATCH_SECONDS = 0.02  # long enough for something to happen meanwhile


def patch() -> None:
    """Put networks that see colours in the place of those that take seconds to load."""

    def embedder(*_: object) -> TinyEmbedder:
        return TinyEmbedder(seconds=BATCH_SECONDS)

    def detector(*_: object) -> ColourDetector:
        return ColourDetector(seconds=BATCH_SECONDS)

    for module, name, made in (
        (indexer.networks, "make_embedder", embedder),
        (indexer.networks, "make_detector", detector),
        (indexer.worker, "make_detector", detector),
        (service.networks, "load", lambda *_: (TinyEmbedder(), ColourDetector())),
    ):
        setattr(module, name, made)


def become(request: dict[str, Any]) -> None:
    """Be the process that was asked for, with its clock and environment."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    for descriptor, number in ((null, 0), (log, 1), (log, 2)):
        os.dup2(descriptor, number)
    os.environ.update(request["environment"])
    if request["clock"]:
        os.environ["CHAOS_CLOCK"] = str(request["clock"])  # for its own children
        ctypes.CDLL(None).chaos_shift(ctypes.c_long(request["clock"]))
    if os.getuid() == 0:
        obey_permissions()
    app(request["arguments"])


def obey_permissions() -> None:
    """Give up root's right to pass over the permissions of files: for this process and its children."""
    library = ctypes.CDLL(None, use_errno=True)
    header, capabilities = (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)()
    library.capget(header, capabilities)
    for number in _PASS_OVER:
        library.prctl(_DROP, number, 0, 0, 0)
        for word in range(3):  # effective, permitted, inheritable
            capabilities[word] &= ~(1 << number)
    if library.capset(header, capabilities):
        raise OSError(ctypes.get_errno(), "capset")


def serve() -> None:
    """Fork a child a line until the input ends."""
    for module in _PRELOADED:
        importlib.import_module(module)
    patch()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                become(json.loads(line))
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 1
            except BaseException:  # noqa: BLE001  (a child must not go on as its parent)
                sys.excepthook(*sys.exc_info())
            finally:
                os._exit(status)
        os.write(1, f"{child}\n".encode())


if __name__ == "__main__":
    serve()
