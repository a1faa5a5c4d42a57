"""Everything a gallery holds, in a form that can be compared."""

from collections.abc import Mapping, Set
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import select

from gallery import Gallery
from gallery.sql.tables import METADATA

# When and under which random name something was written says nothing about what was written.
VOLATILE = {
    "video": {"indexed_at", "rows_sha256", "file_mtime_ns", "file_ctime_ns", "file_inode"},
    "camera": {"created_at"},
    "model": {"created_at"},
    "segment": {"id", "created_at"},
    "segment_video": {"segment_id"},
    "audit_event": {"at", "digest"},  # the digest is of the time, too
    "audit_head": {"digest"},
}


def contents(gallery: Gallery, but: Mapping[str, Set[str]] = MappingProxyType({})) -> dict[str, Any]:
    """Rows of every table, and the bytes of every segment and thumbnail; `but` for columns, by table."""
    found: dict[str, Any] = {}
    with gallery._database.engine.connect() as connection:
        for table in METADATA.sorted_tables:
            left_out = VOLATILE.get(table.name, set()) | but.get(table.name, set())
            columns = [c for c in table.columns if c.name not in left_out]
            found[table.name] = sorted(repr(row) for row in connection.execute(select(*columns)))
    found["segments"] = sorted(
        sorted((file.name, file.read_bytes()) for file in segment.iterdir())
        for segment in _below(gallery.data_dir / "segments")
    )
    found["thumbnails"] = sorted(
        (str(file.relative_to(gallery.data_dir)), file.read_bytes())
        for video in _below(gallery.data_dir / "thumbnails")
        for file in video.iterdir()
    )
    return found


def _below(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []
