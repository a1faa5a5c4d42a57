"""The tables of cases: what belongs to one investigation."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from gallery.sql.base import Base

_Number = BigInteger().with_variant(Integer, "sqlite")


class CaseFile(Base):
    """A case: photos and searches that belong together, with what people noted."""

    __tablename__ = "case_file"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    key_id: Mapped[str | None] = mapped_column(String(32), index=True)  # whose it is
    title: Mapped[str]
    number: Mapped[str | None]
    purpose: Mapped[str | None]
    created_at: Mapped[datetime]


class CaseItem(Base):
    """A photo or search of a case; the row outlives the photo, and then says when that went."""

    __tablename__ = "case_item"
    __table_args__ = (UniqueConstraint("case_id", "subject_id"),)

    id: Mapped[int] = mapped_column(_Number, primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_file.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(8))  # photo search
    subject_id: Mapped[str] = mapped_column(String(32), index=True)  # no foreign key: photos may go
    key_id: Mapped[str | None] = mapped_column(String(32))  # who added it
    added_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]


class CaseNote(Base):
    """What somebody noted, or that something of the case was erased."""

    __tablename__ = "case_note"

    id: Mapped[int] = mapped_column(_Number, primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_file.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(8))  # note erased
    text: Mapped[str]
    key_id: Mapped[str | None] = mapped_column(String(32))  # who wrote it
    at: Mapped[datetime]
