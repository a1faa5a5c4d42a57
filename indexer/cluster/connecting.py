"""Becoming a driver of a Ray cluster, or one line on why that cannot be."""

import os
import signal
import socket
import threading
from contextlib import suppress
from typing import Any, Final

from indexer.errors import ClusterUnavailable

LOCAL: Final = "local"
REACH_SECONDS: Final = 5.0


def connect(address: str) -> None:
    """Make this process a driver of a cluster.

    Args:
        address: "local" for one made on this machine, "auto" for the one it belongs to, or HOST:PORT.

    Raises:
        ClusterUnavailable: Ray is not installed, or the cluster cannot be reached.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        ray = library()
    except ImportError as error:
        raise ClusterUnavailable("Ray is not installed: pip install 'sightline[cluster]'") from error
    if address not in {LOCAL, "auto"}:
        _reach(address)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        ray.init(address=address, include_dashboard=False, log_to_driver=False, configure_logging=False)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError, ray.exceptions.RayError) as error:
        with suppress(Exception):
            ray.shutdown()
        raise ClusterUnavailable(
            f"the Ray cluster {address} cannot be reached: {first_line(error)}"
        ) from error
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                signal.signal(number, handler)  # Ray puts its own in their place


def _reach(address: str) -> None:
    """Find out in seconds whether anybody listens there: Ray itself takes minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACH_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise ClusterUnavailable(f"the Ray cluster {address} cannot be reached: {error}") from error


def library() -> Any:
    """The library, which is imported only where a cluster is used. Raises ImportError."""
    import ray

    return ray


def first_line(error: BaseException) -> str:
    """The first line of what Ray says."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
