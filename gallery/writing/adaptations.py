"""Working folders of adaptations: what a killed run continues from, and the report of one that has ended.

Both show people. `videos.json` names the videos whose pictures may lie in a folder; when one of them is
erased, the folder goes, and with it an unfinished run.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Final

from sqlalchemy import select

from gallery.disk.files import (
    discard_tree,
    make_private,
    remove_tree,
    subdirectories,
    sync_directory,
    write_durably,
)
from gallery.disk.locks import lock_at_once, staging_root
from gallery.errors import Conflict, NotFound
from gallery.sql.database import Database
from gallery.sql.tables import Video
from gallery.validation import model_name

_VIDEOS: Final = "videos.json"
_REPORT: Final = "report.html"
_ERASED: Final = ".erased"  # a file beside the folder: something of what it shows is erased


class Adaptations:
    """The folders, by the names of the models that come out of them."""

    def __init__(self, database: Database, data_dir: Path) -> None:
        self._database = database
        self._data_dir = data_dir

    @contextmanager
    def work(self, name: str) -> Iterator[Path]:
        """Give the folder of an adaptation to one process at a time; it is made if need be, and stays.

        Raises:
            InvalidInput: no name of a model.
            Conflict: another process works in it.
        """
        folder = self.folder(name)
        make_private(folder.parent)
        with _locked(folder) as mine:
            if not mine:
                raise Conflict(f"another process adapts {name} already")
            make_private(folder)
            yield folder
        self.sweep()  # a recording may have been erased while nobody else could touch the folder

    def folder(self, name: str) -> Path:
        """Return where the folder of an adaptation is, or would be. Raises InvalidInput."""
        return self._data_dir / "adaptations" / model_name(name)

    @staticmethod
    def shows(folder: Path, video_ids: Sequence[str]) -> None:
        """Note whose pictures may lie in a folder from now on."""
        write_durably(folder / _VIDEOS, json.dumps(sorted(video_ids)).encode())

    @staticmethod
    def end(folder: Path, file: str, outcome: bytes) -> None:
        """Write how an adaptation ended into a file of its folder; of the rest only the report stays."""
        write_durably(folder / file, outcome)
        for entry in sorted(folder.iterdir()):
            if entry.is_dir():
                remove_tree(entry)
            elif entry.name not in {file, _VIDEOS, _REPORT}:
                entry.unlink()
        sync_directory(folder)

    def report(self, name: str) -> Path:
        """Return the report of an adaptation that has ended: an HTML page that shows people.

        Raises:
            NotFound: there is none.
        """
        path = self.folder(name) / _REPORT
        if not path.is_file():
            raise NotFound(f"no report of {name}")
        return path

    def discard(self, name: str) -> bool:
        """Remove the folder of an adaptation, unless a process works in it; False if there is none."""
        folder = self.folder(name)
        if not folder.exists():
            return False
        with _locked(folder) as mine:
            return mine and discard_tree(folder, staging_root(self._data_dir))

    def sweep(self) -> int:
        """Remove folders with pictures of erased videos, unless a process works in them; count them."""
        removed = 0
        for folder in subdirectories(self._data_dir / "adaptations"):
            with _locked(folder) as mine:
                if mine and self._shows_erased(folder):
                    removed += discard_tree(folder, staging_root(self._data_dir))
                    folder.with_name(folder.name + _ERASED).unlink(missing_ok=True)
        return removed

    def forget(self, video_ids: Sequence[str]) -> None:
        """Remove the folders that may show some videos, of which something was erased.

        One in which a process works goes when that is done.
        """
        for folder in subdirectories(self._data_dir / "adaptations"):
            with suppress(FileNotFoundError, ValueError):  # what is damaged is swept anyway
                shown = json.loads((folder / _VIDEOS).read_bytes())
                if not set(shown).isdisjoint(video_ids):
                    write_durably(folder.with_name(folder.name + _ERASED), b"")
        self.sweep()

    def _shows_erased(self, folder: Path) -> bool:
        try:
            shown = json.loads((folder / _VIDEOS).read_bytes())
        except FileNotFoundError:
            return False
        except ValueError:
            return True  # damaged: whose pictures these are, nobody can tell
        if folder.with_name(folder.name + _ERASED).exists():
            return True
        with self._database.read() as session:
            there = set(session.scalars(select(Video.id)))
        return not set(shown) <= there


def _locked(folder: Path) -> AbstractContextManager[bool]:
    """Lock a folder by a file beside it; False if another process holds the lock."""
    return lock_at_once(folder.with_name(folder.name + ".lock"))
