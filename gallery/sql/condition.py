"""Whether a running program can go on with its database and its folder: whether they take writes."""

import os
import tempfile
from pathlib import Path

from sqlalchemy import text

from gallery.sql.database import Database, sqlite_file


def takes_writes(database: Database) -> bool:
    """Tell whether the database would take a change now; changes nothing and takes no lock."""
    if not database.is_postgresql:
        file = sqlite_file(str(database.engine.url))
        return file is not None and os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)
    query = text("SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool")
    with database.read() as session:
        return not session.execute(query).scalar_one()


def folder_takes_writes(folder: Path) -> bool:
    """Write a byte to a file without a name, which leaves nothing behind; False where that fails."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0")
            file.flush()
    except OSError:
        return False
    return True
