"""Inputs one after the other in a process of its own, under limits; what kills or stops it is a finding."""

import hashlib
import mmap
import os
import pickle
import random
import resource
import shutil
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog

from tests.fuzz.entrances.base import Entrance
from tests.fuzz.guard import Guard
from tests.fuzz.lines import Lines
from tests.fuzz.mutate import LARGEST, Shake
from tests.waiting import take_time

SHARED_BYTES: Final = LARGEST + (1 << 16)
POOL: Final = 400  # inputs of a process that reached something new
WATCHED: Final = 300  # inputs of a process that are all watched
LOOK_SECONDS: Final = 0.05
PATIENCE: Final = 900.0  # seconds that an input may wait and compute nothing, on however busy a machine
_HEAD: Final = struct.Struct("<QI")


@dataclass(slots=True)
class Finding:
    """An input for which something did not hold; `kind` is the same for the same cause."""

    entrance: str
    kind: str
    said: str
    data: bytes

    @property
    def name(self) -> str:
        """Of its file: the cause, as a digest."""
        return hashlib.sha256(f"{self.entrance} {self.kind}".encode()).hexdigest()[:12]


@dataclass(slots=True)
class Outcome:
    """What came of some inputs."""

    inputs: int = 0
    seconds: float = 0.0
    lines: int = 0
    slowest: float = 0.0
    words: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)


def drive(
    kind: type[Entrance], inputs: Sequence[bytes] | int, *, seed: str = "", corpus: Sequence[bytes] = ()
) -> Outcome:
    """Give an entrance inputs, each in the same process until one ends it, then the rest in another.

    Args:
        kind: of entrance.
        inputs: themselves, or how many to make of its seeds and a corpus.
        seed: of chance.
        corpus: inputs that were findings once.
    """
    total = Outcome()
    kind.prepare()
    began = time.monotonic()
    done, count = 0, inputs if isinstance(inputs, int) else len(inputs)
    while done < count:
        one, ended_at, finding = _process(kind, inputs, f"{seed}/{done}", corpus, done)
        done = ended_at
        for outcome in one:
            total.lines, total.slowest = max(total.lines, outcome.lines), max(total.slowest, outcome.slowest)
            total.words += outcome.words
            total.findings += outcome.findings
        if finding is not None:
            total.findings.append(finding)
    total.inputs, total.seconds = count, time.monotonic() - began
    return total


def _process(
    kind: type[Entrance], inputs: Sequence[bytes] | int, seed: str, corpus: Sequence[bytes], start: int
) -> tuple[list[Outcome], int, Finding | None]:
    """Run a process from input `start` on; return what it told, how far it came, and what ended it."""
    count = inputs if isinstance(inputs, int) else len(inputs)
    shared = mmap.mmap(-1, SHARED_BYTES)
    folder = Path(tempfile.mkdtemp(prefix=f"fuzz-{kind.name}-"))
    told = folder / "told"
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _child(kind, inputs, seed, corpus, start, shared, folder, told)
            status = 0
        except BaseException:  # noqa: BLE001  (the process ends here)
            traceback.print_exc()
        finally:
            os._exit(status)
    try:
        reason = _wait(child, kind, shared, count)
        number, length = _HEAD.unpack_from(shared)
        data = bytes(shared[_HEAD.size : _HEAD.size + length])
        outcomes = [pickle.loads(told.read_bytes())] if told.exists() else []
        if reason is None and number == count:
            return outcomes, count, None
        said = reason or "it ended with status 1"
        return outcomes, number + 1, Finding(kind.name, said.partition(" after ")[0], said, data)
    finally:
        shared.close()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(child: int, kind: type[Entrance], shared: mmap.mmap, count: int) -> str | None:
    """Wait for a process; end it when an input takes too long. Returns why it ended, None if it was done."""
    last, began, used = -1, time.monotonic(), 0.0
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            if os.WIFSIGNALED(status):
                return f"signal {os.WTERMSIG(status)}"
            return "" if os.WEXITSTATUS(status) else None
        (number, _) = _HEAD.unpack_from(shared)
        now, computed = time.monotonic(), _computed(child)
        if number != last:
            last, began, used = number, now, computed
        elif number < count and (computed - used > 4 * kind.seconds or now - began > PATIENCE):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return f"hang: no end after {now - began:.0f} s, {computed - used:.1f} s of computing"
        take_time(LOOK_SECONDS)


def _computed(process: int) -> float:
    """Seconds that a process has computed."""
    try:
        text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _child(
    kind: type[Entrance],
    inputs: Sequence[bytes] | int,
    seed: str,
    corpus: Sequence[bytes],
    start: int,
    shared: mmap.mmap,
    folder: Path,
    told: Path,
) -> None:
    work = folder / "work"
    work.mkdir()
    os.chdir(work)
    warnings.simplefilter("ignore")  # of damaged files, which all are
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    tempfile.tempdir = str(work)
    entrance = kind(work)
    _limit(kind)
    guard = Guard(folder, programs=kind.programs)
    outcome = Outcome()
    lines = Lines(kind.watched)
    random_ = random.Random(f"{seed}/{kind.name}")
    shake = Shake(random_, kind.tokens)
    pool = [*entrance.seeds(), *corpus]
    entrance.leftovers()
    count = inputs if isinstance(inputs, int) else len(inputs)
    for number in range(start, count):
        if isinstance(inputs, int):
            data = entrance.change(shake, random_.choice(pool), random_.choice(pool))[:LARGEST]
        else:
            data = inputs[number]
        _HEAD.pack_into(shared, 0, number, len(data))
        shared[_HEAD.size : _HEAD.size + len(data)] = data
        before, began = lines.count, time.process_time()
        # Watching takes longer than most checks: once the common lines are known, a part is watched.
        watching = lines.watching() if number - start < WATCHED or random_.random() < 0.25 else nullcontext()
        finding = _one(entrance, data, watching, guard, outcome)
        took = time.process_time() - began
        outcome.slowest = max(outcome.slowest, took)
        if finding is None and took > kind.seconds:
            finding = "slow", f"{took:.1f} s of computing"
        if finding is not None:
            _note(outcome, [Finding(kind.name, *finding, data)], told)
        elif lines.count > before and len(pool) < POOL:
            pool.append(data)
    outcome.lines = lines.count
    _note(outcome, [Finding(kind.name, wrong, wrong, b"") for wrong in entrance.close()], told)
    _HEAD.pack_into(shared, 0, count, 0)


def _note(outcome: Outcome, findings: Iterable[Finding], told: Path) -> None:
    """Keep findings, one of each kind and the shortest, and write down what is known so far."""
    known = {one.kind: one for one in outcome.findings}
    for one in findings:
        if one.kind not in known or len(one.data) < len(known[one.kind].data):
            known[one.kind] = one
    outcome.findings = [*known.values()]
    told.write_bytes(pickle.dumps(outcome))


def _one(
    entrance: Entrance, data: bytes, watching: AbstractContextManager[None], guard: Guard, outcome: Outcome
) -> tuple[str, str] | None:
    """Give one input in; return what is wrong, as a cause and in words."""
    try:
        with watching:
            word = entrance.check(data)
    except Exception as error:  # noqa: BLE001  (that is what is looked for)
        return _cause(error), "".join(traceback.format_exception(error)[-12:])
    outcome.words.update([word] if isinstance(word, str) else word)
    if guard.found:
        found, guard.found[:] = list(guard.found), []
        return f"it did {found[0].split()[0]}", "\n".join(found)
    if left := entrance.leftovers():
        return "it left something behind", ", ".join(left)
    return None


def _cause(error: BaseException) -> str:
    """The type of an error and where it was raised; of several in a row, the deepest place that is ours."""
    places = [one for one in traceback.extract_tb(error.__traceback__) if "site-packages" not in one.filename]
    ours = [one for one in places if "/tests/fuzz/" not in one.filename] or places
    last = ours[-1]
    return f"{type(error).__name__} in {Path(last.filename).name}, {last.name}"


def _limit(kind: type[Entrance]) -> None:
    """Memory beyond what the process has; nothing dumped."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + (kind.memory_mib << 20)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
