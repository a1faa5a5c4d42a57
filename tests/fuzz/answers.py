"""Answers of the API: all that they say, and whether the description has them."""

import io
import json
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import jsonschema

from tests.fuzz.entrances.base import must
from tests.fuzz.requests import Json


def text_of(answer: Any) -> str:
    """All that an answer says, what lies in an archive too."""
    said = f"{answer.headers}\n{answer.text}"
    if answer.headers.get("content-type") == "application/zip":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as package:
            said += "\n".join(package.read(name).decode(errors="replace") for name in package.namelist())
    return said


@lru_cache(512)
def _validator(document: "_Hashed", schema_: str) -> Any:
    whole = {**json.loads(schema_), "components": document.document["components"]}
    return jsonschema.Draft202012Validator(whole)


class _Hashed:
    """A document that stands for itself in a cache."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def __hash__(self) -> int:
        return 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed)


def validate(document: Json, schema_: Json, value: Any, what: str) -> None:
    error = next(_validator(_Hashed(document), json.dumps(schema_)).iter_errors(value), None)
    if error is not None:
        must(
            False,
            f"{what} answers what its schema does not have, at {error.json_path}: {error.message[:100]}",
        )
