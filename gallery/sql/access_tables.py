"""The tables of what keys may be limited to, camera groups, and of sign-ins on the page."""

from datetime import datetime
from typing import Any

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
    roles: Mapped[list[Any] | None]  # of the token that it was opened with; null: with a key


class CameraGroup(Base):
    """A group of cameras; keys name it."""

    __tablename__ = "camera_group"

    name: Mapped[str] = mapped_column(primary_key=True)


class CameraGroupMember(Base):
    """A camera of a group; it leaves with the camera, whose id may be given again."""

    __tablename__ = "camera_group_member"

    group_name: Mapped[str] = mapped_column(
        ForeignKey("camera_group.name", ondelete="CASCADE"), primary_key=True
    )
    camera_id: Mapped[int] = mapped_column(
        ForeignKey("camera.id", ondelete="CASCADE"), primary_key=True, index=True
    )
