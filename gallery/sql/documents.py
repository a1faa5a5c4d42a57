"""JSON columns that hold records: written from a record, read into one.

Columns outlive versions of the code: a key that the record does not know is passed over, and one that is not
there gets the record's default.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import TypeAdapter

from gallery.validation import json_list, json_object

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")


class Document(Generic[Record]):
    """Turns one kind of record into JSON and back."""

    def __init__(self, kind: type[Record], what: str) -> None:
        self._adapter = TypeAdapter(kind)
        self._what = what

    def dump(self, record: Record) -> dict[str, Any]:
        """Return the record as a JSON object; InvalidInput if it holds what cannot be stored."""
        return json_object(record, self._what)

    def dump_all(self, records: Sequence[Record]) -> list[Any]:
        """Return some records as a JSON array; InvalidInput if one holds what cannot be stored."""
        return json_list(records, self._what)

    def load(self, stored: object) -> Record:
        """Read a record from a JSON object."""
        return self._adapter.validate_python(stored)

    def load_all(self, stored: Sequence[object]) -> list[Record]:
        """Read records from a JSON array."""
        return [self._adapter.validate_python(one) for one in stored]
