"""Where recordings lie: the one place that tells files from objects, and brings an object to this machine."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gallery.disk.copies import COPY, Tick, copied, remove_unused
from gallery.disk.media import cache_directory
from gallery.disk.objects import Objects, ObjectState
from gallery.errors import ObjectUnusable
from gallery.object_urls import is_object
from gallery.records.jobs import FiledFile
from gallery.records.videos import FileStamp
from gallery.settings import ObjectSettings

_ENDS_BYTES: Final = 16 << 20  # of an object that a look at what it says of itself reads, at either end


@dataclass(frozen=True, slots=True)
class AtHand:
    """A recording that can be read here: its file, and the stamp that is recorded of it."""

    path: Path
    size: int
    stamp: FileStamp


class Places:
    """Opens recordings by their places: paths, or URLs of objects below the roots that settings name.

    An object is copied to the disk and read from there: indexing reads all of it in any case, for its
    checksum.

    Args:
        settings: which objects may be read, and where they are.
        data_dir: under it lie the copies.
        spool: for copies that nobody keeps; None: in `data_dir`.
        others: URLs of a few objects, one of which is asked for when another is refused: see Objects.
    """

    def __init__(
        self,
        settings: ObjectSettings,
        data_dir: Path,
        spool: Path | None = None,
        others: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        self.objects = Objects(
            settings.object_roots, settings.object_endpoint, settings.max_object_bytes, others
        )
        self._max_copies_bytes = settings.max_copies_bytes
        self._data_dir = data_dir
        self._spool = spool or data_dir / "objects"

    @contextmanager
    def at_hand(
        self,
        place: str,
        *,
        filed: FiledFile | None = None,
        video_id: str | None = None,
        tick: Tick = lambda _done: None,
    ) -> Iterator[AtHand]:
        """Bring a recording to this machine, for as long as the block lasts.

        Args:
            place: its path or URL.
            filed: what an object was like when it was filed; another one is refused.
            video_id: keep the copy for this video, whose erasure removes it.
            tick: told how much of an object has been copied; may raise.

        Raises:
            ObjectUnusable: the object is not there, must not be read, or is another one.
            ObjectsUnavailable: the store cannot be reached, or refuses the credentials.
            OSError: there is no such file, or the disk has no room for the copy.
        """
        if not is_object(place):
            status = Path(place).stat()
            yield AtHand(Path(place), status.st_size, FileStamp.of(status))
            return
        state = self.objects.state(place)
        if filed not in {None, state.filed}:
            raise ObjectUnusable("the object was replaced after it was filed")
        keep = video_id is not None
        directory = self._spool if video_id is None else cache_directory(self._data_dir, video_id)
        if keep:
            remove_unused(self._data_dir / "cache", max(1, self._max_copies_bytes - state.size), f"*/*{COPY}")
        with copied(self.objects, place, state, directory, keep=keep, tick=tick) as path:
            yield AtHand(path, state.size, state.stamp)

    @contextmanager
    def ends(self, place: str, state: ObjectState) -> Iterator[Path]:
        """Give a file that has the beginning and the end of an object, and a hole in between.

        What a recording says of itself stands in one of them. Raises as `Objects.pieces`.
        """
        import tempfile

        head = min(_ENDS_BYTES, state.size)
        tail = max(head, state.size - _ENDS_BYTES)
        with tempfile.NamedTemporaryFile(prefix="sightline-") as file:
            file.truncate(state.size)
            at = 0
            for piece in self.objects.pieces(place, state, [(0, head), (tail, state.size)]):
                file.seek(at if at < head else at - head + tail)
                file.write(piece)
                at += len(piece)
            file.flush()
            yield Path(file.name)

    def seen(self, place: str) -> ObjectState | None:
        """What the store says of an object; None of a file. Raises as `at_hand`."""
        return self.objects.state(place) if is_object(place) else None

    def is_there(self, place: str, size: int | None = None) -> bool:
        """Whether a recording lies at its place, with a size if one is given. Raises ObjectsUnavailable."""
        try:
            found = self.seen(place)
            there = Path(place).stat().st_size if found is None else found.size
        except (ObjectUnusable, OSError):
            return False
        return size in {None, there}

    def forget(self, video_id: str) -> None:
        """Remove the copies that are kept for a video."""
        directory = cache_directory(self._data_dir, video_id)
        for path in directory.glob(f"*{COPY}"):
            path.unlink(missing_ok=True)
        with suppress(OSError):
            directory.rmdir()

    def close(self) -> None:
        """Close the connections to the store."""
        self.objects.close()
