"""The tables of camera groups: what keys may be limited to."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from gallery.sql.base import Base


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
