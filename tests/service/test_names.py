"""Names and texts of people show as they are, in every field of every request; older ones stay readable."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import create_engine, text
from starlette.testclient import TestClient

from gallery import Gallery, InvalidInput
from service.schemas import GivenName, Prose
from tests.service.conftest import Archive

Json = dict[str, Any]
DESCRIPTION: Json = json.loads((Path(__file__).parents[2] / "openapi.json").read_text())
CHECKED = {"name", "prose"}  # formats that only the types of `service.schemas` bear
# What is looked up and not kept, or has rules of its own: ids, names of what there is, places, times.
ELSEWHERE = (
    {"camera_groups", "cameras", "sites", "camera", "model", "parent"}
    | {"probe_id", "tracklet_id", "search_id", "upload_id", "recordings", "tracklets", "cases", "leave_out"}
    | {"recording", "case", "time_zone", "path", "anchors", "url"}
)
UNSEEN = ["\0", "a\x1b[31mb", "a\x7fb", "a\x85b", "a\u202eb", "a\u200bb", "a\u2066b", "\ufeffa", "a\u2028b"]
# Letters, marks and symbols to Unicode: fillers, the blank of Braille, what belongs to a letter and has none.
UNSEEN += [
    "\u3164",
    "a\u115fb",
    "\uffa0a",
    "a\u2800",
    "a\u034fb",
    "a\U0001d159",
    "\u17b4",
    "\u200d",
    "\ufe0f",
]
UNSEEN += ["\u0301", "a \u0301b", "a" + "\u0301" * 10, "a" + "\u200d" * 9]
BLANK = ["", " ", "\t \n", "\u3000\xa0"]
NO_NAME = ["a\nb", "a\tb", " a", "a ", "a\u3000"]
GOOD = [
    "Anna & Ben",
    "2026/17",
    "\u0633\u0644\u0627\u0645\u200c\u0647\u0627",
    "👩\u200d🔬",
    "❤\ufe0f\u200d🔥",
    "葛\U000e0100城",
    "Nguyễn",
    "हिन्दी",
    "שָׁלוֹם",
    "<b>x</b>",
    "a" * 200,
]


def strings(schema: Json, field: str, seen: set[str]) -> Iterator[tuple[str, Json]]:
    """The strings of a schema, each with the field that it is in."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        if name not in seen:
            seen.add(name)
            yield from strings(DESCRIPTION["components"]["schemas"][name], field, seen)
        return
    for kind in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(kind, []):
            yield from strings(part, field, seen)
    if isinstance(schema.get("items"), dict):
        yield from strings(schema["items"], field, seen)
    for name, part in schema.get("properties", {}).items():
        yield from strings(part, name, seen)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from strings(schema["additionalProperties"], field, seen)
    if schema.get("type") == "string":
        yield field, schema


def requested() -> Iterator[tuple[str, Json]]:
    for methods in DESCRIPTION["paths"].values():
        for operation in methods.values():
            for content in operation.get("requestBody", {}).get("content", {}).values():
                yield from strings(content["schema"], operation["operationId"], set())


def test_no_field_of_a_request_takes_any_text() -> None:
    found = list(requested())
    assert len(found) > 50
    loose = {
        field
        for field, schema in found
        if not schema.keys() & {"enum", "const", "pattern", "contentMediaType"}
        and schema.get("format") not in CHECKED | {"date-time", "binary", "date"}
    }
    assert loose <= ELSEWHERE, "give it the type GivenName or Prose"
    assert {field for field, schema in found if schema.get("format") in CHECKED} >= {
        "name", "title", "number", "purpose", "text", "reason", "file_name", "site",
    }  # fmt: skip
    assert all("maxLength" in schema for _, schema in found if schema.get("format") in CHECKED)


@pytest.mark.parametrize(
    ("kind", "wrong"), [(GivenName, [*UNSEEN, *BLANK, *NO_NAME]), (Prose, UNSEEN + BLANK)]
)
def test_what_they_take(kind: Any, wrong: list[str]) -> None:
    adapter: TypeAdapter[str] = TypeAdapter(kind)
    for value in wrong:
        with pytest.raises(ValidationError):
            adapter.validate_python(value)
    for value in GOOD:
        assert adapter.validate_python(value) == value
    assert TypeAdapter(Prose).validate_python("Two\nlines\tand more\r\n") == "Two\nlines\tand more\r\n"


def test_the_command_line_is_held_to_the_same(sqlite_gallery: Gallery) -> None:
    case = sqlite_gallery.cases.add("fine")
    for value in [*UNSEEN, *BLANK]:
        for give in (
            lambda: sqlite_gallery.keys.create(value),  # noqa: B023
            lambda: sqlite_gallery.cases.add(value),  # noqa: B023
            lambda: sqlite_gallery.cases.change(case.id, number=value),  # noqa: B023
            lambda: sqlite_gallery.cases.note(case.id, value),  # noqa: B023
            lambda: sqlite_gallery.catalogue.add_camera(value),  # noqa: B023
        ):
            with pytest.raises(InvalidInput):
                give()


def test_over_http_and_what_is_there_already_stays_readable(client: TestClient, archive: Archive) -> None:
    for path, body in (
        ("/v1/keys", {"name": "a\u202eb", "scopes": ["search"]}),
        ("/v1/cases", {"title": "a\u200bb"}),
        ("/v1/uploads", {"file_name": "a\x07.mp4"}),
        ("/v1/holds", {"camera": "gate", "reason": "\u2066"}),
    ):
        refused = client.post(path, json=body)
        assert refused.status_code == 422, path
        assert refused.json()["errors"][0]["pointer"] == "/" + next(
            k for k in body if k not in {"scopes", "camera"}
        )
    engine = create_engine(f"sqlite:///{archive.gallery.data_dir}/gallery.sqlite3")
    with engine.begin() as connection:
        connection.execute(text("UPDATE api_key SET name = :name"), {"name": " old\u202e\n"})
    engine.dispose()
    assert client.get("/v1/keys").json()["items"][0]["name"] == " old\u202e\n"
