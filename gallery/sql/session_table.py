"""The table of sign-ins on the page."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from gallery.sql.base import Base


class SignIn(Base):
    """Somebody is signed in on the page: only the hash of the cookie's token is stored.

    Rows of sessions that ended are removed; the audit trail says when each began and ended.
    """

    __tablename__ = "sign_in"
    __table_args__ = (Index("ix_sign_in_key_id", "key_id"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)  # SHA-256 of a 256-bit random token
    key_id: Mapped[str] = mapped_column(ForeignKey("api_key.id", ondelete="CASCADE"))
    created_at: Mapped[datetime]
    used_at: Mapped[datetime]  # the last request, to the minute
    expires_at: Mapped[datetime]  # however much it is used
