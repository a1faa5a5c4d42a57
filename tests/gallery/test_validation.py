from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import pytest

from gallery.errors import InvalidInput, NotFound
from gallery.validation import json_list, json_object, known_id, moment, text


@pytest.mark.parametrize("value", ["", "a\0b", "\ud800", "x" * 1001, 7, None, b"bytes"])
def test_text_that_cannot_be_stored(value: Any) -> None:
    with pytest.raises(InvalidInput):
        text(value, "value")


@pytest.mark.parametrize("value", ["x", "Tür 3, 北门 🚪", "'; DROP TABLE job; --", "x" * 1000])
def test_text_passes_unchanged(value: str) -> None:
    assert text(value, "value") == value


@pytest.mark.parametrize(
    "value", ["", "..", "A" * 32, "0" * 31, "0" * 33, "0" * 32 + "\n", "\0" * 32, "٣" * 32, 5]
)
def test_what_is_no_id_is_not_found(value: Any) -> None:
    with pytest.raises(NotFound):
        known_id(value, "probe")


@pytest.mark.parametrize(
    "value",
    [
        datetime(2026, 1, 1),
        datetime(1969, 12, 31, tzinfo=UTC),
        datetime(2200, 1, 1, tzinfo=UTC),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=2))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-2))),
    ],
)
def test_times_out_of_range(value: datetime) -> None:
    with pytest.raises(InvalidInput):
        moment(value, "start")


def test_times_become_utc() -> None:
    local = datetime(2026, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert moment(local, "start") == local
    assert moment(local, "start").tzinfo is UTC


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        {"a": float("nan")},
        {"a": float("inf")},
        {"a": "nul \0"},
        {"nul \0": 1},
        {"a": [{"b": "\0"}]},
        {"a": "\ud800"},
        {"a": b"bytes"},
        {"a": {1, 2}},
        {"a": nested(100_000)},
        {"a": 10**5000},
        [],
        "text",
    ],
)
def test_json_that_cannot_be_stored(value: Any) -> None:
    with pytest.raises(InvalidInput):
        json_object(value, "detail")


def test_json_of_too_many_bytes() -> None:
    with pytest.raises(InvalidInput, match="bytes of JSON"):
        json_list(["x" * 1_000_000] * 40, "hits")


def test_json_that_only_looks_like_nul_passes() -> None:
    assert json_object({"a": "\\u0000"}, "detail") == {"a": "\\u0000"}


def test_json_is_copied() -> None:
    inner = {"b": (1, 2)}
    copy = json_object(MappingProxyType({"a": inner}), "detail")
    inner["b"] = (3, 4)
    assert copy == {"a": {"b": [1, 2]}}
    with pytest.raises(InvalidInput, match="array"):
        json_list({}, "hits")  # type: ignore[arg-type]
