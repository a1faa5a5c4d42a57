"""Entrances that do something wrong each: `python -m tests.fuzz.broken` prints what the driver says."""

import ctypes
import importlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.fuzz.driver import drive
from tests.fuzz.entrances.base import Entrance, must


class Wrong(Entrance):
    """Does what its subclass says with every third input."""

    seconds = 0.3
    memory_mib = 128

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._given = 0

    def seeds(self) -> list[bytes]:
        return [b"seed"]

    def check(self, data: bytes) -> str:
        self._given += 1
        if self._given % 3 == 2:
            DEEDS[self.name](self.folder)
        return "done"

    def close(self) -> list[str]:
        return ["it is not as it was"] if self.name == "ends" else []


def _raises(folder: Path) -> None:
    raise KeyError("x")


def _compute(seconds: float) -> None:
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def _run(folder: Path) -> None:
    subprocess.run(["true"], check=True)


def _connect(folder: Path) -> None:
    with socket.socket() as one:
        one.connect_ex(("127.0.0.1", 9))


def _import(folder: Path) -> None:
    importlib.import_module("sightline_fuzz_uncompiled")


DEEDS: dict[str, Callable[[Path], object]] = {
    "raises": _raises,
    "promises": lambda folder: must(False, "it does not hold"),
    "leaves": lambda folder: (folder / "left").touch(),
    "writes": lambda folder: Path(os.devnull).parent.joinpath("shm", "fuzz-outside").write_bytes(b""),
    "runs": _run,
    "connects": _connect,
    "slow": lambda folder: _compute(0.5),
    "hangs": lambda folder: _compute(60),
    "crashes": lambda folder: ctypes.string_at(0),
    "eats": lambda folder: bytearray(1 << 30),
    "imports": _import,
    "ends": lambda folder: None,
    "good": lambda folder: None,
}


def main() -> None:
    found = {}
    with tempfile.TemporaryDirectory() as modules:
        Path(modules, "sightline_fuzz_uncompiled.py").touch()
        sys.path.append(modules)
        for name in DEEDS:
            kind = type(name, (Wrong,), {"name": name})
            found[name] = [one.kind for one in drive(kind, 3).findings]
    Path("/dev/shm/fuzz-outside").unlink(missing_ok=True)
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main()
