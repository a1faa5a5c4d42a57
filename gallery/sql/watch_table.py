"""The table of files that a watched folder has filed: what is known of them stays when they are erased."""

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from gallery.sql.base import Base


class Watched(Base):
    """A file of a watched folder that was filed, or whose content was here already. Without its name."""

    __tablename__ = "watched_file"

    inode: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    size_bytes: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    mtime_ns: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    content_hash: Mapped[str] = mapped_column(String(64), index=True)
    recording_id: Mapped[str | None] = mapped_column(String(32))  # of a job; None: it was here already
    seen_at: Mapped[datetime]
