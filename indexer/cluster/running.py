"""`sightline worker --ray`: connects, waits while the cluster is away, and lets the lanes run."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import structlog

from gallery import Gallery, JobKind
from indexer.cluster.actor import NetworkMaker
from indexer.cluster.connecting import connect
from indexer.cluster.indexing import ClusterIndexing
from indexer.cluster.lanes import Lane, run_lanes
from indexer.cluster.messages import ModelName
from indexer.cluster.networks import Networks
from indexer.cluster.pool import Pool
from indexer.cluster.ray_cluster import RayCluster
from indexer.cluster.settings import ClusterSettings
from indexer.embedding import ClipEmbedder
from indexer.errors import ClusterUnavailable
from indexer.networks import ModelInUse
from indexer.settings import IndexSettings
from indexer.worker import Worker
from models.detector import Detector

log = structlog.get_logger()

RECONNECT_SECONDS: Final = 10.0


class LoadedHere(Protocol):
    """See ModelInUse."""

    @property
    def spec(self) -> str:
        """How nodes load what was given last."""

    def __call__(self) -> ClipEmbedder:
        """The model in use."""


class Driver:
    """Runs index jobs by a cluster.

    Args:
        gallery: where jobs are filed and videos go.
        settings: how to index.
        cluster: how nodes are used.
        address: of the cluster; see RayCluster.
        name: unique among living workers; its lanes add a number.
        keep_anchor: see Worker.
        networks: makes those of the nodes, and of the detector here; None for the real ones.
        embedder: gives the model in use, loaded here; None for the real one.
    """

    def __init__(
        self,
        gallery: Gallery,
        settings: IndexSettings,
        cluster: ClusterSettings,
        address: str,
        name: str,
        *,
        keep_anchor: Callable[[], Path | None] | None = None,
        networks: NetworkMaker | None = None,
        embedder: "LoadedHere | None" = None,
    ) -> None:
        self._gallery, self._settings, self._cluster = gallery, settings, cluster
        self._address, self._name, self._keep_anchor = address, name, keep_anchor
        self._here = settings.model_copy(update={"device": "cpu"})  # a driver needs no GPU
        self._networks = networks or Networks(gallery.models.exported)
        self._loading = threading.Lock()
        self._in_use = embedder or ModelInUse(gallery, self._here)

    def run(self, stop: threading.Event, *, once: bool = False) -> None:
        """Work until `stop` is set, or with `once` until nothing is left to lease.

        Raises:
            ClusterUnavailable: the cluster is lost, and Ray with it: only a new process can reach one again.
                Or, with `once`, it cannot be reached, or has no node to work on.
            What `Worker.run` raises.
        """
        if not self._connect(stop, once):
            return
        embedder, model = self._model()
        log.info("worker ready", worker=self._name, model=embedder.name, ray=self._address)
        pool = Pool()
        with RayCluster(
            self._address,
            pool,
            self._settings,
            self._cluster,
            networks=self._networks,
            detector=self._networks.detector_digest(self._settings.detector),
            model=model,
        ) as nodes:
            run_lanes(
                lambda number, lane: self._worker(number, lane, pool),
                pool,
                stop,
                once=once,
                patience=self._settings.outage_seconds,
                lost=nodes.lost,
            )

    def _connect(self, stop: threading.Event, once: bool) -> bool:
        """Reach the cluster, however long that takes; False: the worker is to stop."""
        while not stop.is_set():
            try:
                connect(self._address)
            except ClusterUnavailable as error:
                if once:
                    raise
                log.warning("jobs wait", worker=self._name, reason=str(error))
                stop.wait(RECONNECT_SECONDS)
            else:
                return True
        return False

    def _worker(self, number: int, lane: Lane, pool: Pool) -> Worker:
        indexing = ClusterIndexing(
            self._gallery,
            pool,
            self._settings,
            self._cluster,
            model=self._model,
            detector_factory=self._detector,
            first=lambda: lane.remote,
        )
        return Worker(
            self._gallery,
            lambda: self._model()[0],
            self._settings,
            f"{self._name}-{number}",
            kinds=[JobKind.INDEX],
            keep_anchor=self._keep_anchor,
            indexing=indexing,
            gate=lane,
            upkeep=number == 0,
        )

    def _model(self) -> tuple[ClipEmbedder, ModelName]:
        with self._loading:  # lanes ask at the same time
            embedder = self._in_use()
            return embedder, ModelName(self._in_use.spec, embedder.id)

    def _detector(self, input_size: int | None) -> Detector:
        return self._networks.detector(self._here, input_size)
