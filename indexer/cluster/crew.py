"""The actors that work on one recording, and others in the place of those that are lost."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, Self

import structlog

from gallery import ObjectsUnavailable
from indexer.cluster.messages import ModelName
from indexer.cluster.pool import LOOK_SECONDS, Asked, Pool, Remote, RemoteLost
from indexer.embedding import Features
from indexer.errors import NodesLost, NotOnNode, StoreAway
from indexer.names import shown
from models.preprocessing import Crop

log = structlog.get_logger()

SILENT: Final = 2.0  # times the seconds after which a decoder is given up: by then an actor has answered


class Crew:
    """The actors of one recording; as a context manager it gives them back in the end.

    Args:
        pool: lends them.
        first: of them, lent already.
        name: of the recording.
        tries: actors that may be lost over it.
        patience: seconds to wait for another one in the place of a lost one.
        stall_seconds: that an actor may be silent, times `SILENT`.
    """

    def __init__(
        self, pool: Pool, first: Remote, name: str, *, tries: int, patience: float, stall_seconds: float
    ) -> None:
        self._pool, self._name = pool, name
        self._tries, self._patience, self._silence = tries, patience, SILENT * stall_seconds
        self._lock = threading.Lock()
        self._members = [first]
        self._failed: list[str] = []
        self._asked: Counter[int] = Counter()  # batches that each has in work, by id()
        self.first = first
        self.check: Callable[[], None] = lambda: None
        self.waited: Callable[[float], None] = lambda _: None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for remote in self.members:
            if remote is not self.first:
                self._pool.give_back(remote)

    @property
    def members(self) -> Sequence[Remote]:
        """Those who work on it now."""
        with self._lock:
            return tuple(self._members)

    def grow(self, by: int) -> None:
        """Take more actors, as far as some are free."""
        taken = self._pool.take(by, like=self.first)
        with self._lock:
            self._members += taken

    def embed(self, model: ModelName, clips: Sequence[Sequence[Crop]]) -> Features:
        """Raw features of clips, (N, D), by the actor that has least to do.

        Raises:
            NodesLost, ClusterUnavailable: see `instead_of`.
            ModelError: as on one machine.
        """
        while True:
            with self._lock:
                remote = min(self._members, key=lambda one: self._asked[id(one)])
                self._asked[id(remote)] += 1
            try:
                features: Features = self.answer(remote.ask("embed", model, clips), remote, working=True)
            except RemoteLost as lost:
                self.instead_of(remote, lost)
            else:
                return features
            finally:
                with self._lock:
                    self._asked[id(remote)] -= 1

    def answer(self, asked: Asked, remote: Remote, *, working: bool = False) -> Any:
        """What an actor was asked for; `working`: the time counts as the stage's own, not as waiting.

        Raises:
            RemoteLost: it is lost, or has said nothing for too long.
            Whatever it raised, and what `check` raises while one waits.
        """
        began = time.monotonic()
        try:
            while True:
                try:
                    return asked.get(LOOK_SECONDS)
                except TimeoutError:
                    self.check()
                if time.monotonic() - began > self._silence:
                    raise RemoteLost(f"node {remote.where} said nothing for {self._silence:g} s")
        finally:
            if not working:
                self.waited(time.monotonic() - began)

    def instead_of(self, remote: Remote, cause: RemoteLost | NotOnNode) -> Remote:
        """Another actor in the place of one that is lost, or that cannot read the recording.

        Raises:
            NodesLost: so many were lost over this recording that it may be what kills them.
            NotOnNode: so many cannot read it.
            ObjectsUnavailable: so many cannot reach the store that it is in.
            ClusterUnavailable: there was no other for as long as one is waited for.
        """
        with self._lock:
            there = any(one is remote for one in self._members)
            self._members = [one for one in self._members if one is not remote]
            if there:
                self._failed.append(remote.where)
            failed = list(self._failed)
        if there:
            what = "node lost" if isinstance(cause, RemoteLost) else "recording not on node"
            log.warning(what, node=remote.where, recording=shown(self._name), reason=str(cause))
            self._leave(remote, cause)
        if len(failed) >= self._tries:
            if isinstance(cause, StoreAway):
                raise ObjectsUnavailable(str(cause))  # which passes
            if isinstance(cause, NotOnNode):
                raise cause
            lost = f"{len(failed)} nodes were lost while they worked on it: {', '.join(failed)}"
            raise NodesLost(f"{shown(self._name)}: given up: {lost}")
        return self._another(remote)

    def _leave(self, remote: Remote, cause: RemoteLost | NotOnNode) -> None:
        if isinstance(cause, RemoteLost):
            self._pool.drop(remote)
        elif remote is not self.first:
            self._pool.give_back(remote)

    def _another(self, remote: Remote) -> Remote:
        """One that is free; else one of the recording's own, which then does more; else the next there is."""
        taken = self._pool.take(like=remote, other_than=remote.where)
        with self._lock:
            if not taken and self._members:
                return min(self._members, key=lambda one: self._asked[id(one)])
        found = taken[0] if taken else self._pool.wait_for(remote, remote.where, self._patience, self.check)
        with self._lock:
            self._members.append(found)
        return found
