"""Milvus as a place for vectors: collections, and the few requests that are made of them.

Each model has two collections: vectors of tracklets, which are ranked, and of clips, which are fetched. A
vector is known by the key of its segment and its place in it. Both are flat and compared by inner product, so
that search is exact, and strongly consistent: what was inserted before a request is seen by it.

Which vectors may be seen is decided elsewhere: a request names the keys.
"""

import hashlib
import logging
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from gallery.errors import VectorsUnavailable
from gallery.records.tracklets import FloatArray
from gallery.settings import GallerySettings
from gallery.vectors.index import Halves

if TYPE_CHECKING:
    from pymilvus import MilvusClient

T = TypeVar("T")
MOST_FOUND: Final = 16384  # that Milvus returns of one search
AT_ONCE: Final = 1024  # vectors that are sent or fetched by one request
_SECONDS: Final = 10.0  # that a request may take
_PING_MILLISECONDS: Final = 300_000  # what servers of gRPC accept by default
_INSERT_SECONDS: Final = 60.0
_SEARCHES: Final = 8  # under way at the same time
_PREFIX: Final = "sightline_"


def collection_of(model_id: str, kind: str) -> str:
    """Name the collection of a model's vectors; `kind` is "tracklets" or "clips"."""
    return f"{_PREFIX}{hashlib.sha256(model_id.encode()).hexdigest()[:16]}_{kind}"


class Milvus:
    """A connection that is made when it is first needed, and made anew after it failed. Threads may share it.

    Args:
        uri: http://HOST:PORT, or a file that ends in .db for milvus-lite.
        token: USER:PASSWORD, or an API key.
    """

    def __init__(self, uri: str, token: str | None = None) -> None:
        self._uri = uri
        self._token = token or ""
        self._client: MilvusClient | None = None
        self._loaded: set[str] = set()
        self._lock = threading.Lock()
        self._threads = ThreadPoolExecutor(_SEARCHES, "milvus")

    @classmethod
    def named(cls, settings: GallerySettings) -> "Milvus":
        """Make a connection to where settings say that Milvus is."""
        assert settings.milvus_uri is not None
        token = settings.milvus_token
        return cls(settings.milvus_uri, None if token is None else token.get_secret_value())

    def version(self) -> str:
        """Return the server's version. Raises VectorsUnavailable."""
        return self._asked(lambda client: str(client.get_server_version(timeout=_SECONDS)))

    def insert(self, collection: str, key: str, first: int, vectors: Halves) -> None:
        """Add vectors, (N, D), of a segment, at its places from `first`; again does nothing more.

        Raises:
            VectorsUnavailable: nothing is sure to be there.
        """
        self._make(collection, vectors.shape[1])
        widened = vectors.astype(np.float32)
        for start in range(0, len(widened), AT_ONCE):
            rows = [
                {"id": f"{key}-{place}", "segment": key, "place": place, "vector": vector}
                for place, vector in enumerate(widened[start : start + AT_ONCE], first + start)
            ]
            self._asked(partial(_upsert, collection, rows))

    def count(self, collection: str, key: str) -> int:
        """Count the vectors of a segment. Raises VectorsUnavailable."""
        found = self._of(collection, [], filter=f'segment == "{key}"', output_fields=["count(*)"])
        return int(found[0]["count(*)"]) if found else 0

    def fetch(
        self, collection: str, places: Sequence[tuple[str, int]], dimension: int
    ) -> NDArray[np.float32]:
        """Fetch vectors by segment and place: (N, D); those that are not there are not a number.

        Raises:
            VectorsUnavailable: Milvus cannot be asked.
        """
        fetched = np.full((len(places), dimension), np.nan, np.float32)
        for start in range(0, len(places), AT_ONCE):
            some = {
                f"{one}-{place}": row
                for row, (one, place) in enumerate(places[start : start + AT_ONCE], start)
            }
            named = ",".join(f'"{one}"' for one in some)
            for found in self._of(collection, [], filter=f"id in [{named}]", output_fields=["id", "vector"]):
                fetched[some[found["id"]]] = found["vector"]
        return fetched

    def search_each(
        self, collection: str, query: FloatArray, wanted: Mapping[int, tuple[str, int]]
    ) -> dict[int, list[tuple[str, int, float]]]:
        """Search once for each key: segment, place and score of the vectors nearest to a query, best first.

        Args:
            collection: where.
            query: (D,).
            wanted: what may be found, as an expression, and how many at most (up to `MOST_FOUND`).

        Raises:
            VectorsUnavailable: Milvus cannot be asked.
        """
        asked = list(wanted.values())
        if len(asked) == 1:  # no thread has to be woken
            return {key: self._search(collection, query, *one) for key, one in wanted.items()}
        answers = self._threads.map(lambda one: self._search(collection, query, *one), asked)
        return dict(zip(wanted, answers, strict=True))

    def delete(self, key: str) -> None:
        """Remove the vectors of a segment, whichever model's. Raises VectorsUnavailable."""
        for collection in self._asked(lambda client: client.list_collections(timeout=_SECONDS)):
            if collection.startswith(_PREFIX) and self._load(collection):
                self._asked(partial(_delete, collection, key))

    def close(self) -> None:
        """Close the connection; again does nothing."""
        self._threads.shutdown()
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _search(
        self, collection: str, query: FloatArray, only: str, count: int
    ) -> list[tuple[str, int, float]]:
        (hits,) = self._of(
            collection,
            [[]],
            ask="search",
            data=[query.tolist()],
            anns_field="vector",
            filter=only,
            limit=count,
            search_params={"metric_type": "IP"},
        )
        return [(*_split(hit["id"]), float(hit["distance"])) for hit in hits]

    def _of(self, collection: str, nothing: list[Any], *, ask: str = "query", **arguments: Any) -> list[Any]:
        """Ask a collection that may not be there: then the answer is `nothing`."""
        if not self._load(collection):
            return nothing

        def action(client: "MilvusClient") -> list[Any]:
            found: list[Any] = getattr(client, ask)(
                collection, consistency_level="Strong", timeout=_SECONDS, **arguments
            )
            return found

        return self._asked(action)

    def _load(self, collection: str) -> bool:
        """Have a collection ready for requests; False if there is none."""
        if collection in self._loaded:
            return True
        if not self._asked(lambda client: client.has_collection(collection, timeout=_SECONDS)):
            return False
        self._asked(lambda client: client.load_collection(collection, timeout=_INSERT_SECONDS))
        self._loaded.add(collection)
        return True

    def _make(self, collection: str, dimension: int) -> None:
        """Make a collection unless it is there; of several who do so at once, one does."""
        if self._load(collection):
            return
        try:
            self._asked(lambda client: _create(client, collection, dimension))
        except VectorsUnavailable:
            if not self._load(collection):
                raise
        self._load(collection)

    def _asked(self, action: Callable[["MilvusClient"], T]) -> T:
        """Do something with the connection. Raises VectorsUnavailable, in one line."""
        client_class = _imported()
        from grpc import RpcError
        from pymilvus.exceptions import MilvusException

        try:
            return action(self._connected(client_class))
        except (MilvusException, RpcError, OSError) as error:
            self._loaded.clear()  # a server that was started anew may have to load them again
            said = _said(error)
            raise VectorsUnavailable(f"Milvus at {self._uri} cannot be used: {said}"[:300]) from error

    def _connected(self, client_class: "type[MilvusClient]") -> "MilvusClient":
        with self._lock:
            if self._client is None:
                # A server that is pinged more often than this may hang up, as milvus-lite does.
                options = {"grpc.keepalive_time_ms": _PING_MILLISECONDS}
                self._client = client_class(
                    uri=self._uri, token=self._token, timeout=_SECONDS, grpc_options=options
                )
            return self._client


def _imported() -> "type[MilvusClient]":
    """Import the client, which is large: only where it is needed."""
    # It would read the variables of whatever .env lies about, and write a log of its own beside ours.
    os.environ.setdefault("PYTHON_DOTENV_DISABLED", "1")
    try:
        from pymilvus import MilvusClient
    except ImportError as error:
        raise VectorsUnavailable(f"the extra [milvus] is not installed: {error}") from error
    logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
    found: type[MilvusClient] = MilvusClient
    return found


def _upsert(collection: str, rows: list[dict[str, Any]], client: "MilvusClient") -> None:
    client.upsert(collection, rows, timeout=_INSERT_SECONDS)


def _delete(collection: str, key: str, client: "MilvusClient") -> None:
    client.delete(collection, filter=f'segment == "{key}"', timeout=_INSERT_SECONDS)


def _create(client: "MilvusClient", collection: str, dimension: int) -> None:
    from pymilvus import DataType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=64)
    schema.add_field("segment", DataType.VARCHAR, max_length=32)
    schema.add_field("place", DataType.INT64)
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
    indexes = client.prepare_index_params()
    indexes.add_index("vector", index_type="FLAT", metric_type="IP")
    indexes.add_index("segment", index_type="INVERTED")
    client.create_collection(
        collection, schema=schema, index_params=indexes, consistency_level="Strong", timeout=_INSERT_SECONDS
    )


def _said(error: Exception) -> str:
    """What an error says, in one line; one of the transport has its words in `details()`."""
    details = getattr(error, "details", None)
    words = details() if callable(details) else getattr(error, "message", error)
    return " ".join(str(words).split()) or type(error).__name__


def _split(name: str) -> tuple[str, int]:
    key, _, place = name.partition("-")
    return key, int(place)
