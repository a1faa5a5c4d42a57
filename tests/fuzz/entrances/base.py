"""What an entrance for foreign bytes is: how to make good ones, how to change them, and what must hold."""

import os
import shutil
import struct
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from tests.fuzz.mutate import Shake


class Broken(AssertionError):
    """What an entrance promises does not hold for an input."""


class Entrance(ABC):
    """An entrance; made anew in each process that drives it.

    Attributes:
        name: of its corpus.
        watched: modules whose lines say that an input is a new one.
        tokens: words that its readers know.
        share: of the inputs of a run, relative to others.
        chunk: inputs of one process.
        few: inputs in `make test`.
        seconds: of computing that no input may take.
        memory_mib: that the process may take beyond what it has when it starts.
        programs: whether it starts programs itself.
    """

    name: ClassVar[str]
    watched: ClassVar[tuple[str, ...]] = ()
    tokens: ClassVar[Sequence[bytes]] = ()
    share: ClassVar[float] = 1.0
    chunk: ClassVar[int] = 2000
    few: ClassVar[int] = 100
    seconds: ClassVar[float] = 2.0
    memory_mib: ClassVar[int] = 512
    programs: ClassVar[bool] = False

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod  # noqa: B027  (most have nothing to make)
    def prepare(cls) -> None:
        """Make what seeds are made of and all processes share, before the first of them is started."""

    @abstractmethod
    def seeds(self) -> list[bytes]:
        """Good input of every kind."""

    @abstractmethod
    def check(self, data: bytes) -> str | Counter[str]:
        """Give an input in; return in a word, or several, what came of it. What it raises is a finding."""

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        """Another input made of one, and now and then of an `other`."""
        return shake.havoc(data, other)

    def leftovers(self) -> list[str]:
        """What lies in the folder and should not; it goes."""
        found = sorted(os.listdir(self.folder))
        for name in found:
            path = self.folder / name
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        return found

    def close(self) -> list[str]:
        """End, and say what is wrong after all the inputs."""
        return []


def must(holds: bool, what: str) -> None:
    """Raise Broken unless something holds."""
    if not holds:
        raise Broken(what)


def pack(parts: Mapping[str, bytes]) -> bytes:
    """Several files as one input."""
    return b"".join(
        struct.pack("<HI", len(name.encode()), len(content)) + name.encode() + content
        for name, content in parts.items()
    )


def unpack(data: bytes) -> dict[str, bytes]:
    """The files of an input."""
    parts, at = {}, 0
    while at + 6 <= len(data):
        named, length = struct.unpack_from("<HI", data, at)
        name = data[at + 6 : at + 6 + named].decode(errors="replace")
        parts[name] = data[at + 6 + named : at + 6 + named + length]
        at += 6 + named + length
    return parts


def change_one(shake: Shake, data: bytes, other: bytes) -> bytes:
    """Change one of the files of an input, as JSON where that is its name."""
    parts, others = unpack(data), unpack(other)
    name = shake.random.choice([*parts])
    how = shake.json if name.endswith(".json") else shake.havoc
    parts[name] = how(parts[name], others.get(name, b""))
    return pack(parts)


@contextmanager
def written(folder: Path, parts: Mapping[str, bytes]) -> Iterator[Path]:
    """The files of an input in a folder of their own, for a while."""
    root = folder / "input"
    root.mkdir()
    try:
        for name, content in parts.items():
            (root / name).write_bytes(content)
        yield root
    finally:
        shutil.rmtree(root)
