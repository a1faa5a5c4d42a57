"""A Ray cluster: connecting, an actor for every so many processors of each node, and what becomes of them."""

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import structlog

from indexer.cluster.actor import Actor, NetworkMaker
from indexer.cluster.build import build
from indexer.cluster.connecting import first_line, library
from indexer.cluster.messages import About, ModelName
from indexer.cluster.pool import Pool, RemoteLost
from indexer.cluster.settings import ClusterSettings
from indexer.errors import ClusterUnavailable, NodeRefused
from indexer.settings import IndexSettings

log = structlog.get_logger()

CONCURRENCY: Final = 32  # calls of one actor at a time: those that wait for a run take no processor
LOST_SECONDS: Final = 20.0  # that a head may be silent
JOIN_SECONDS: Final = 5.0
AGAIN_SECONDS: Final = 60.0  # until a node that was refused, or whose actor died, is asked again


@dataclass(slots=True)
class _Slot:
    """A place for an actor on a node, by what it may use."""

    node: str
    address: str
    cpus: int
    gpus: int
    handle: Any = None
    preparing: Any = None  # the answer to `ready`
    remote: "RayRemote | None" = None
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class RayRemote:
    """See indexer.cluster.pool.Remote."""

    where: str
    device: str
    handle: Any = field(repr=False)

    def ask(self, method: str, *arguments: Any) -> "RayAsked":
        """See Remote."""
        ray = library()
        try:
            return RayAsked(getattr(self.handle, method).remote(*arguments), self.where)
        except (ray.exceptions.RayError, ConnectionError) as error:
            raise RemoteLost(first_line(error)) from error


@dataclass(frozen=True, slots=True)
class RayAsked:
    """See indexer.cluster.pool.Asked."""

    reference: Any
    where: str

    def get(self, seconds: float) -> Any:
        """See Asked."""
        ray = library()
        try:
            return ray.get(self.reference, timeout=seconds)
        except ray.exceptions.GetTimeoutError as error:
            raise TimeoutError from error
        except ray.exceptions.RayTaskError as error:
            raise error.cause or error from None
        except (ray.exceptions.RayError, ConnectionError) as error:
            raise RemoteLost(f"node {self.where}: {first_line(error)}") from error


class RayCluster:
    """Keeps a pool filled with the actors of the cluster that is connected; in the end it is left.

    Args:
        address: of the cluster, for the log.
        pool: is filled.
        settings: how to index.
        cluster: how nodes are used.
        networks: makes those of the actors.
        detector: digest of the detector's weights.
        model: that the actors load to begin with.
    """

    def __init__(
        self,
        address: str,
        pool: Pool,
        settings: IndexSettings,
        cluster: ClusterSettings,
        *,
        networks: NetworkMaker,
        detector: str,
        model: ModelName,
    ) -> None:
        self._address, self._pool, self._settings, self._cluster = address, pool, settings, cluster
        self._networks, self._detector, self._model = networks, detector, model
        self._slots: list[_Slot] = []
        self._ended = threading.Event()
        self._answered = time.monotonic()
        self._thread = threading.Thread(target=self._keep, name="ray-nodes", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(JOIN_SECONDS)
        if self.lost() is not None:
            return  # whatever Ray is asked for now it waits for
        for slot in self._slots:
            if slot.remote is not None:
                self._pool.drop(slot.remote)
            _kill(slot.handle)
        library().shutdown()

    def lost(self) -> str | None:
        """Why the cluster is lost, or None.

        Ray ends the process of a driver whose head has been away for a minute, and does not look for another.
        """
        silent = time.monotonic() - self._answered
        return f"the Ray cluster {self._address} is lost" if silent > LOST_SECONDS else None

    def refresh(self) -> None:
        """Look through the nodes: actors for new ones, none for those that are gone.

        Raises:
            ClusterUnavailable: the cluster does not answer.
        """
        nodes = alive_nodes()
        for slot in [slot for slot in self._slots if slot.node not in nodes]:
            if slot.remote is not None:
                log.warning("node left", node=slot.remote.where)
                self._pool.drop(slot.remote)
            self._slots.remove(slot)
        for node, (address, resources) in nodes.items():
            if not any(slot.node == node for slot in self._slots):
                self._slots += slots_of(node, address, resources, self._cluster.cpus)
        for slot in self._slots:
            self._settle(slot)
        self._say_why_none()

    def _settle(self, slot: _Slot) -> None:
        """Make the slot's actor, or see what has become of it."""
        if slot.remote is not None and not self._pool.has(slot.remote):
            self._abandon(slot)  # somebody lost it, though its node is there
        if slot.remote is not None:
            return
        if slot.handle is None:
            if time.monotonic() >= slot.not_before:
                self._make(slot)
            return
        try:
            about: About = RayAsked(slot.preparing, slot.address).get(0)
        except TimeoutError:
            return
        except Exception as error:  # noqa: BLE001  (a node with other code may raise anything)
            reason = str(error) if isinstance(error, NodeRefused | RemoteLost) else repr(error)
            log.warning("node not used", node=slot.address, reason=reason)
            self._pool.why_none = reason
            self._abandon(slot)
        else:
            slot.remote = RayRemote(about.where, about.device, slot.handle)
            self._pool.add(slot.remote)
            log.info("node ready", node=about.where, device=about.device, actors=self._pool.size)

    def _make(self, slot: _Slot) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        made = (
            library()
            .remote(Actor)
            .options(
                num_cpus=slot.cpus,
                num_gpus=slot.gpus,
                max_restarts=0,
                max_task_retries=0,
                max_concurrency=CONCURRENCY,
                scheduling_strategy=NodeAffinitySchedulingStrategy(slot.node, soft=False),
            )
        )
        slot.handle = made.remote(self._settings.model_dump_json(), self._networks, slot.cpus)
        slot.preparing = slot.handle.ready.remote(dict(build()), self._detector, self._model, slot.address)

    def _abandon(self, slot: _Slot) -> None:
        _kill(slot.handle)
        slot.handle = slot.preparing = slot.remote = None
        slot.not_before = time.monotonic() + AGAIN_SECONDS

    def _say_why_none(self) -> None:
        if not self._slots:
            self._pool.why_none = f"no node of the cluster has a processor for Sightline ({self._address})"
        elif self._pool.size == 0 and any(slot.preparing is not None for slot in self._slots):
            self._pool.why_none = "the nodes of the cluster are getting ready, or others use all of them"

    def _keep(self) -> None:
        while not self._ended.is_set():
            try:
                self.refresh()
                self._answered = time.monotonic()
            except ClusterUnavailable as error:
                self._pool.why_none = str(error)
            self._ended.wait(self._cluster.refresh_seconds)


def alive_nodes() -> dict[str, tuple[str, Mapping[str, float]]]:
    """Address and resources of each node by its id. Raises ClusterUnavailable."""
    ray = library()
    try:
        nodes = ray.nodes()
    except (ray.exceptions.RayError, ConnectionError, RuntimeError) as error:
        raise ClusterUnavailable(f"the Ray cluster does not answer: {first_line(error)}") from error
    return {
        node["NodeID"]: (str(node["NodeManagerAddress"]), node["Resources"])
        for node in nodes
        if node["Alive"]
    }


def slots_of(node: str, address: str, resources: Mapping[str, float], cpus: int) -> Sequence[_Slot]:
    """Places for actors on a node: one a GPU, and others on what processors are left."""
    left, gpus = int(resources.get("CPU", 0)), int(resources.get("GPU", 0))
    slots: list[_Slot] = []
    for gpu in range(gpus + left):
        use = min(cpus, left)
        if use < 1 or (gpu >= gpus and use < cpus and slots):
            break
        slots.append(_Slot(node, address, use, 1 if gpu < gpus else 0))
        left -= use
    return slots


def _kill(handle: Any) -> None:
    if handle is not None:
        with suppress(Exception):
            library().kill(handle)
