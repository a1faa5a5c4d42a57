"""Tables beside those of jobs: files of watched folders, who is told that a job has ended, and what."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, UniqueConstraint
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


class Webhook(Base):
    """An address that is told of each job that ends."""

    __tablename__ = "webhook"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    url: Mapped[str]
    secret: Mapped[str]  # signs what is sent, so it cannot be a hash
    key_id: Mapped[str | None] = mapped_column(String(32))  # who registered it
    created_at: Mapped[datetime]


class WebhookDelivery(Base):
    """What one webhook is told of one job; written in the transaction in which the job ends."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        UniqueConstraint("webhook_id", "job_id"),
        Index("ix_webhook_delivery_next_at", "next_at"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    webhook_id: Mapped[str] = mapped_column(ForeignKey("webhook.id", ondelete="CASCADE"))
    job_id: Mapped[str] = mapped_column(String(32))
    body: Mapped[str]  # JSON, as it is signed and sent
    attempts: Mapped[int]
    next_at: Mapped[datetime | None]  # of the next attempt; None: it was delivered, or given up
    delivered_at: Mapped[datetime | None]
    reason: Mapped[str | None]  # why the last attempt failed
    created_at: Mapped[datetime]
