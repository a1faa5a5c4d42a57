"""Keeps the C library from handing memory back to the system after every layer of a network."""

import ctypes
import sys

M_TRIM_THRESHOLD = -1
M_MMAP_MAX = -4
NEVER = 2**31 - 1


def keep_memory() -> None:
    """Let the process keep freed memory as long as it lives. Does nothing where there is no glibc.

    Activations of a training step are tens of megabytes each; glibc gives such blocks back when they are
    freed, and the next step waits while the system clears new pages: up to half of its time.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_MAX, 0)
        mallopt(M_TRIM_THRESHOLD, NEVER)
