"""Limits that a process which opens foreign files sets itself, once it has loaded what it needs."""

import resource


def limit(*, memory_bytes: int, cpu_seconds: int, open_files: int, file_bytes: int) -> None:
    """Allow this process so much from now on, or less where it was allowed less before.

    Args:
        memory_bytes: of address space.
        cpu_seconds: of computing, then the kernel ends it.
        open_files: descriptors, those that are open now among them.
        file_bytes: length of a file that it writes.
    """
    for kind, wanted in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_NOFILE, open_files),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(kind)
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (most, most))
