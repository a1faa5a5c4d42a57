"""Integrity checks of the database by its own means."""

from sqlalchemy import text

from gallery.sql.database import Database

_MOST_SENTENCES = 20


def check_database(database: Database) -> list[str]:
    """Run SQLite's own checks of the file and of the references between rows; nothing on a server.

    Raises:
        CatalogueDamaged: so much is damaged that it cannot even be checked.
    """
    if database.is_postgresql:
        return []
    with database.read() as session:
        verdicts = session.scalars(text(f"PRAGMA integrity_check({_MOST_SENTENCES})")).all()
        found = [f"the database is damaged: {verdict}" for verdict in verdicts if verdict != "ok"]
        broken = session.execute(text("PRAGMA foreign_key_check")).all()
        found += [f"a row of {table} refers to a missing row of {parent}" for table, _, parent, _ in broken]
    return found
