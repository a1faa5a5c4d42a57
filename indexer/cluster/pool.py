"""The actors that are ready, as the driver sees them, and who has which."""

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from indexer.errors import ClusterUnavailable

LOOK_SECONDS = 0.25  # how soon somebody who waits notices that the work is not wanted any more


class RemoteLost(Exception):
    """The actor, or its node, is gone or out of reach; what it was asked for may be asked of another."""


class Asked(Protocol):
    """What an actor was asked for."""

    def get(self, seconds: float) -> Any:
        """The answer. Raises TimeoutError: not yet; RemoteLost; or what the actor raised."""


class Remote(Protocol):
    """An actor. `where` names its node, `device` is "cpu" or "cuda:N"."""

    @property
    def where(self) -> str:
        """Its node, in words."""

    @property
    def device(self) -> str:
        """Where its networks run."""

    def ask(self, method: str, *arguments: Any) -> Asked:
        """Call a method of indexer.cluster.actor.Actor. Raises RemoteLost."""


class Pool:
    """The actors that are ready. Each is lent to one recording at a time."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._free: list[Remote] = []
        self._lent: list[Remote] = []
        self.why_none = "no node of the cluster is ready yet"

    @property
    def size(self) -> int:
        """How many there are, lent or free."""
        with self._changed:
            return len(self._free) + len(self._lent)

    @property
    def free(self) -> int:
        """How many are free."""
        with self._changed:
            return len(self._free)

    def add(self, remote: Remote) -> None:
        """An actor is ready."""
        with self._changed:
            self._free.append(remote)
            self._changed.notify_all()

    def drop(self, remote: Remote) -> None:
        """An actor is lost; again does nothing."""
        with self._changed:
            self._free = [one for one in self._free if one is not remote]
            self._lent = [one for one in self._lent if one is not remote]
            self._changed.notify_all()

    def has(self, remote: Remote) -> bool:
        """Whether it is not known to be lost."""
        with self._changed:
            return any(one is remote for one in (*self._free, *self._lent))

    def take(
        self, wanted: int = 1, *, like: Remote | None = None, other_than: str | None = None
    ) -> list[Remote]:
        """Lend up to so many that are free, at once.

        Args:
            wanted: how many at most.
            like: only those that compute as this one does, on a CPU or on a GPU.
            other_than: a node; those on others first.
        """
        with self._changed:
            fitting = [one for one in self._free if like is None or _kind(one) == _kind(like)]
            taken = sorted(fitting, key=lambda one: one.where == other_than)[: max(0, wanted)]
            self._free = [one for one in self._free if not any(one is other for other in taken)]
            self._lent += taken
            return taken

    def wait_for(
        self, like: Remote, other_than: str | None, seconds: float, check: Callable[[], None]
    ) -> Remote:
        """Lend one that computes as another does, once there is one.

        Raises:
            ClusterUnavailable: for so long there was none.
        """
        until = time.monotonic() + seconds
        while True:
            check()
            if taken := self.take(like=like, other_than=other_than):
                return taken[0]
            if time.monotonic() > until:
                raise ClusterUnavailable(self.why_none)
            with self._changed:
                self._changed.wait(LOOK_SECONDS)

    def give_back(self, remote: Remote) -> None:
        """A recording is done with it; one that is lost stays so."""
        with self._changed:
            if any(one is remote for one in self._lent):
                self._lent = [one for one in self._lent if one is not remote]
                self._free.append(remote)
                self._changed.notify_all()


def _kind(remote: Remote) -> str:
    """Networks round alike on processors of a kind."""
    return remote.device.partition(":")[0]
