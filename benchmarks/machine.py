"""What a benchmark says of the machine, the day and the versions, so that its table can be judged later."""

import os
import platform
import resource
import sys
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def machine(command: str, packages: Sequence[str] = ()) -> str:
    """Two lines: machine, load, date and versions; and the command as it was typed."""
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.split(": ")[1] for line in cpuinfo if line.startswith("model name")), "?")
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    named = ", ".join(f"{package} {version_of(package)}" for package in packages)
    return (
        f"{processor}, {os.cpu_count()} cores, {gib:.0f} GiB, load {os.getloadavg()[0]:.1f} before, "
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, Linux {platform.release()}, "
        f"Python {platform.python_version()}{', ' if named else ''}{named}\n"
        f"`{' '.join([command, *sys.argv[1:]])}`"
    )


def version_of(package: str) -> str:
    """The installed version of a package, or that there is none."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def cpu_seconds(others: Iterable[int] = ()) -> float:
    """CPU seconds of this process, of its children that have ended, and of other processes with theirs."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime + sum(map(_cpu_of, others))


def folder_bytes(folder: Path) -> int:
    """How many bytes the files of a folder have."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _cpu_of(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS
