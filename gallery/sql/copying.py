"""From a row to the plain record that leaves the gallery."""

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from gallery.sql.base import Base

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")


def copied(kind: type[Record], row: Base, **others: Any) -> Record:
    """Copy the columns that a record has fields for; `others` are its fields that are no columns."""
    columns = {field.name: getattr(row, field.name) for field in fields(kind) if field.name not in others}
    return kind(**columns, **others)
