"""The files of a model: copied first, then put in their place by the transaction that names them."""

import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import select

from gallery.disk.files import copy_file, discard_tree, move_durably, subdirectories, sync_directory
from gallery.disk.locks import Staging, staging_root
from gallery.disk.media import exported_directory, model_directory
from gallery.errors import InvalidInput
from gallery.sql.database import Database
from gallery.sql.tables import GalleryState, Model
from gallery.vectors.segments import Segments


class ModelFiles:
    """A copy of a model's files that nobody sees before it is published. Use it as a context manager.

    Args:
        data_dir: the gallery's.
        source: folder whose files are copied; it has neither folders nor links.

    Attributes:
        digests: SHA-256 of each file by its name.
    """

    def __init__(self, data_dir: Path, source: Path) -> None:
        self._data_dir = data_dir
        self._source = source
        self._staging = Staging(data_dir)
        self.digests: dict[str, str] = {}

    def __enter__(self) -> Self:
        try:
            self._copy()
        except BaseException:
            self._staging.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._staging.release()

    @property
    def _folder(self) -> Path:
        return self._staging.directory / "model"

    def _copy(self) -> None:
        for file in sorted(self._source.iterdir()):
            if not stat.S_ISREG(file.lstat().st_mode):
                raise InvalidInput(f"{file} is not a file: a model's folder has nothing else")
            self.digests[file.name] = copy_file(file, self._folder / file.name)
        if not self.digests:
            raise InvalidInput(f"{self._source} is empty")
        sync_directory(self._folder)

    def publish(self, model_id: str) -> None:
        """Put the copy in its place, in the transaction that names it and that excludes others.

        What lies there already was left by a transaction that did not commit.
        """
        target = model_directory(self._data_dir, model_id)
        discard_tree(target, staging_root(self._data_dir))
        move_durably(self._folder, target)


def discard_model_files(segments: Segments, model_id: str, segment_ids: Sequence[str]) -> None:
    """Remove what a removed model leaves on the disk; what a crash leaves there, the next sweep removes."""
    data_dir = segments.data_dir
    for segment_id in segment_ids:
        segments.discard(segment_id)
    discard_tree(model_directory(data_dir, model_id), staging_root(data_dir))
    discard_tree(exported_directory(data_dir) / model_id, staging_root(data_dir))


def sweep_models(database: Database, data_dir: Path) -> int:
    """Remove files of models that no row names."""
    with _orphans(database, data_dir) as orphans:  # removed while nobody can publish into their place
        return sum(discard_tree(directory, staging_root(data_dir)) for directory in orphans)


def orphan_models(database: Database, data_dir: Path) -> list[Path]:
    """List directories of models that no row names, and nobody is about to name."""
    with _orphans(database, data_dir) as orphans:
        return orphans


@contextmanager
def _orphans(database: Database, data_dir: Path) -> Iterator[list[Path]]:
    found = subdirectories(data_dir / "models")
    if not found:
        yield []
        return
    with database.write() as session:
        # A process that publishes files holds this row until it commits.
        session.execute(select(GalleryState).with_for_update())
        known = set(session.scalars(select(Model.id).where(Model.files.is_not(None))))
        yield [directory for directory in found if directory.name not in known]
