"""A network between processes and PostgreSQL that can be cut."""

import contextlib
import socket
import threading
from pathlib import Path

_CHUNK = 65536


class Proxy:
    """Forwards a TCP port of this machine to a Unix socket, unless it is cut: then what is sent lies there.

    Attributes:
        port: to connect to.
    """

    def __init__(self, target: Path) -> None:
        self._target = target
        self._open = threading.Event()
        self._open.set()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Let nothing through any more; nobody is told."""
        self._open.clear()

    def heal(self, *, reset: bool) -> None:
        """Let everything through again; with `reset` connections of before are gone instead."""
        if reset:
            for pair in self._pairs:
                _hang_up(*pair)
            self._pairs.clear()
        self._open.set()

    def close(self) -> None:
        """End all connections."""
        self._listener.close()
        self.heal(reset=True)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                try:
                    server.connect(str(self._target))
                except OSError:  # PostgreSQL is not there
                    _hang_up(client, server)
                    continue
                self._pairs.append((client, server))
                for one, other in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(one, other), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                self._open.wait()
                target.sendall(data)
        _hang_up(source, target)


def _hang_up(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
