"""Recordings in an S3-compatible store: which of them may be read, and reading them."""

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from gallery.errors import GalleryError, ObjectsUnavailable, ObjectUnusable
from gallery.object_urls import SCHEME, checked_url
from gallery.records.jobs import FiledFile
from gallery.records.videos import FileStamp

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

REPLACED: Final = "the object was replaced while it was read"
PIECE_BYTES: Final = 8 << 20  # of an object that is read at a time
_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 30
_TRIES: Final = 3
_BAD_REQUEST: Final = "400"  # what a question without a body hears of what is wrong with credentials
_CREDENTIALS: Final = frozenset(
    {
        # said by stores
        "AccountProblem",
        "AllAccessDisabled",
        "AuthorizationHeaderMalformed",
        "ExpiredToken",
        "InvalidAccessKeyId",
        "InvalidSecurity",
        "InvalidToken",
        "NotSignedUp",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
        # raised by botocore before it asks
        "CredentialRetrievalError",
        "NoCredentialsError",
        "PartialCredentialsError",
        "SSOTokenLoadError",
        "TokenRetrievalError",
        "UnauthorizedSSOTokenError",
    }
)


@dataclass(frozen=True, slots=True)
class ObjectState:
    """What the store says of an object; another `tag` is another content."""

    size: int
    tag: str
    written: datetime

    @property
    def filed(self) -> FiledFile:
        """What is kept of it with a job; of its tag as much as fits."""
        digest = hashlib.sha256(self.tag.encode()).digest()
        return FiledFile(self.size, int(self.written.timestamp() * 1e9), int.from_bytes(digest[:8]) >> 1)

    @property
    def stamp(self) -> FileStamp:
        """What takes the place of a file's stamp."""
        return FileStamp(self.filed.mtime_ns, self.filed.ctime_ns, 0)


class Objects:
    """The store, as far as recordings may be read from it. Safe to share between threads.

    Credentials are botocore's own affair (environment, file, or role of the machine): they are no settings,
    and are kept nowhere.

    Args:
        roots: URLs that objects must lie below; none: no object may be read.
        endpoint: of a store that is not Amazon's.
        max_bytes: of the largest object that is read.
        others: URLs of a few other objects, to ask for when one is refused.
    """

    def __init__(
        self,
        roots: Sequence[str],
        endpoint: str | None,
        max_bytes: int,
        others: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self.roots, self.endpoint, self.max_bytes = tuple(roots), endpoint, max_bytes
        self.others = others
        self._lock = threading.Lock()
        self._opened: AbstractFileSystem | None = None

    @property
    def where(self) -> str:
        """The store as it is called in messages."""
        return (urlsplit(self.endpoint).netloc if self.endpoint else "") or "Amazon S3"

    def allowed(self, url: str) -> str:
        """The URL, if it is one of an object below the roots. Raises ObjectUnusable."""
        try:
            checked = checked_url(url)
        except ValueError as error:
            raise ObjectUnusable(f"not the URL of a recording: it {error}") from error
        if not any(checked.startswith(root) for root in self.roots):
            raise ObjectUnusable("the object is not below SIGHTLINE_OBJECT_ROOTS")
        return checked

    def state(self, url: str) -> ObjectState:
        """What the store says of an object now.

        Raises:
            ObjectUnusable: it is not there, must not be read, or is empty or too large.
            ObjectsUnavailable: the store cannot be reached, or refuses the credentials.
        """
        place = self.allowed(url)
        with self._said(place):
            about = self._files().info(place, refresh=True)
        found = _state_of(about)
        if not found.size:
            raise ObjectUnusable("the object is empty")
        if found.size > self.max_bytes:
            limit = f"SIGHTLINE_MAX_OBJECT_BYTES ({self.max_bytes:,})"
            raise ObjectUnusable(f"the object has {found.size:,} bytes, more than {limit}")
        return found

    def pieces(self, url: str, state: ObjectState, spans: Sequence[tuple[int, int]]) -> Iterator[bytes]:
        """Read stretches of an object, (begin, end) in bytes each, piece by piece in their order.

        Raises:
            ObjectUnusable: it is another one than `state` says, or ends too early.
            ObjectsUnavailable: the store cannot be reached, or refuses the credentials.
        """
        place = self.allowed(url)
        with self._said(place):
            # Each of its requests says that it wants this very content.
            file = self._files().open(place, "rb", block_size=PIECE_BYTES, cache_type="none")
            if _state_of(file.details).tag != state.tag:
                raise ObjectUnusable(REPLACED)
        with file:
            for begin, end in spans:
                yield from self._read(file, place, begin, end)

    def check(self, root: str) -> None:
        """Ask for the bucket of a root. Raises ObjectUnusable: there is none; ObjectsUnavailable."""
        with self._said(root):
            self._files().info(root.removeprefix(SCHEME).partition("/")[0], refresh=True)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            opened, self._opened = self._opened, None
        session = getattr(opened, "_s3", None)
        if opened is not None and session is not None:
            opened.close_session(opened.loop, session)

    def _read(self, file: Any, place: str, begin: int, end: int) -> Iterator[bytes]:
        while begin < end:
            with self._said(place):
                file.seek(begin)
                piece = bytes(file.read(min(PIECE_BYTES, end - begin)))
            if not piece:
                raise ObjectsUnavailable(
                    f"the object store at {self.where} broke off in the middle of an object"
                )
            begin += len(piece)
            yield piece

    def _files(self) -> "AbstractFileSystem":
        with self._lock:
            if self._opened is None:
                self._opened = _connect(self.endpoint)
            return self._opened

    @contextmanager
    def _said(self, place: str) -> Iterator[None]:
        """Say what a store refuses in our own words: those of libraries may name what nobody should read."""
        try:
            from botocore.exceptions import BotoCoreError
            from s3fs.utils import FileExpired
        except ImportError as error:
            raise ObjectsUnavailable(f"the extra [objects] is not installed: {error}") from error
        try:
            yield
        except FileNotFoundError as error:
            raise ObjectUnusable("there is no such object") from error
        except FileExpired as error:
            raise ObjectUnusable(REPLACED) from error
        except (OSError, BotoCoreError) as error:
            raise self._meant(place, error) from error

    def _meant(self, place: str, error: Exception) -> GalleryError:
        """Tell a refusal of one object from one of all, which passes as a store does that is away."""
        store = f"the object store at {self.where}"
        code, listed = _code(error), None
        refused = isinstance(error, PermissionError)
        if code not in _CREDENTIALS and (refused or code == _BAD_REQUEST):
            listed = self._code_of_listing(place)
            code = listed if listed in _CREDENTIALS else code
        if code in _CREDENTIALS:
            self._begin_anew()
            return ObjectsUnavailable(f"{store} needs valid credentials ({code})")
        if not refused:
            return ObjectsUnavailable(f"{store} cannot be reached ({type(error).__name__})")
        if listed is None or self._reads_another(place):
            return ObjectUnusable(f"{store} does not let it be read")
        self._begin_anew()
        return ObjectsUnavailable(f"{store} lets these credentials read nothing ({listed})")

    def _code_of_listing(self, place: str) -> str | None:
        """Why the store does not list what begins like an object, or None: it does.

        An answer to that has a body, which says why. The answer to whether an object is there has none.
        """
        bucket, _, prefix = place.removeprefix(SCHEME).partition("/")
        try:
            self._files().call_s3("list_objects_v2", Bucket=bucket, Prefix=prefix, MaxKeys=1)
        except Exception as error:  # noqa: BLE001  (whatever it is: the refusal itself is what is told)
            return _code(error)
        return None

    def _reads_another(self, place: str) -> bool:
        """Whether the store says of any other object that it knows, or has it not."""
        for url in self.others():
            if url == place:
                continue
            try:
                self._files().info(self.allowed(url), refresh=True)
            except FileNotFoundError:
                return True
            except Exception:  # noqa: BLE001, S112  (the next one may be readable)
                continue
            return True
        return False

    def _begin_anew(self) -> None:
        """Read the credentials again before the next request; who still reads goes on with the old ones."""
        with self._lock:
            self._opened = None


def _code(error: Exception) -> str:
    """What the store calls it, or else the name of the error."""
    response = getattr(error.__cause__, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or type(error).__name__)


def _state_of(about: dict[str, Any]) -> ObjectState:
    """Raises ObjectUnusable: it is what some call a folder."""
    tag, written = about.get("ETag"), about.get("LastModified")
    if about.get("type") != "file" or not tag or not isinstance(written, datetime):
        raise ObjectUnusable("there is no such object")
    return ObjectState(int(about["size"]), str(tag).strip('"'), written)


def _connect(endpoint: str | None) -> "AbstractFileSystem":
    import fsspec

    timeouts = {"connect_timeout": _CONNECT_SECONDS, "read_timeout": _READ_SECONDS}
    files = fsspec.filesystem(
        "s3",
        endpoint_url=endpoint,
        config_kwargs=timeouts | {"retries": {"max_attempts": 0}},  # those below are enough
        skip_instance_cache=True,
        use_listings_cache=False,
    )
    files.retries = _TRIES
    return files
