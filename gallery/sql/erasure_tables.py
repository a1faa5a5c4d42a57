"""The tables of erasure: what went and under which rule, what may not go, and what goes by itself."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from gallery.sql.base import Base

_Number = BigInteger().with_variant(Integer, "sqlite")


class Erasure(Base):
    """One erasure: its certificate, and what was found out afterwards."""

    __tablename__ = "erasure"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime]
    key_id: Mapped[str | None] = mapped_column(String(32))  # who did it; None: the command line or a rule
    kind: Mapped[str] = mapped_column(String(12))  # of its target
    certificate: Mapped[dict[str, Any]]  # a Certificate: what went, what remains; never changed
    certificate_sha256: Mapped[str] = mapped_column(String(64))  # also in its audit event
    proof: Mapped[dict[str, Any] | None]  # an ErasureProof; None: not yet
    settled_at: Mapped[datetime | None]  # when all of it had left the disk


class PartErased(Base):
    """Something of a video that is still here was erased: single tracklets, or all of a stretch of time."""

    __tablename__ = "part_erased"

    id: Mapped[int] = mapped_column(_Number, primary_key=True)
    video_id: Mapped[str] = mapped_column(ForeignKey("video.id", ondelete="CASCADE"), index=True)
    erasure_id: Mapped[str] = mapped_column(String(32))
    tracklets: Mapped[int]
    start_us: Mapped[int | None] = mapped_column(BigInteger)  # µs since its first frame; None: no stretch
    end_us: Mapped[int | None] = mapped_column(BigInteger)


class LegalHold(Base):
    """What may not be erased until somebody lifts it; the row outlives what it is about."""

    __tablename__ = "legal_hold"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))  # recording camera case
    video_id: Mapped[str | None] = mapped_column(String(32), index=True)
    camera_id: Mapped[int | None] = mapped_column(index=True)
    case_id: Mapped[str | None] = mapped_column(String(32), index=True)
    start: Mapped[datetime | None]  # of the stretch of a camera; None: open
    end: Mapped[datetime | None]
    reason: Mapped[str]
    key_id: Mapped[str | None] = mapped_column(String(32))  # who put it on
    created_at: Mapped[datetime]
    lifted_by: Mapped[str | None] = mapped_column(String(32))
    lifted_at: Mapped[datetime | None]
    lift_reason: Mapped[str | None]


class RetentionRule(Base):
    """For how many days something is kept; a camera's own rule goes before the one for all cameras."""

    __tablename__ = "retention_rule"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))  # recordings probes searches
    camera_id: Mapped[int | None] = mapped_column(ForeignKey("camera.id", ondelete="CASCADE"), index=True)
    days: Mapped[int]
    key_id: Mapped[str | None] = mapped_column(String(32))  # who set it
    created_at: Mapped[datetime]
