"""No test waits for a time: on a busy machine it is too short, on a quiet one it is lost."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import waiting

ROOT = Path(__file__).parent
HELPER = Path(waiting.__file__)


def sleeps(source: str) -> Iterator[int]:
    """Lines that call `time.sleep`, or import it under its own name."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="time"), attr="sleep"):
                yield node.lineno
            case ast.ImportFrom(module="time", names=names) if any(name.name == "sleep" for name in names):
                yield node.lineno


def test_tests_wait_for_conditions() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{line}"
        for file in sorted(ROOT.rglob("*.py"))
        if file != HELPER
        for line in sleeps(file.read_text(encoding="utf-8"))
    ]

    assert found == [], "use tests.waiting.until, or take_time where slowness itself is what is tested"


def test_a_wait_is_found() -> None:
    assert list(sleeps("import time\ntime.sleep(1)\n")) == [2]
    assert list(sleeps("from time import sleep\n")) == [1]


def test_waiting_returns_what_was_waited_for() -> None:
    seen = iter([0, "", 7])

    assert waiting.until(lambda: next(seen), pause=0.0) == 7


def test_waiting_ends() -> None:
    with pytest.raises(AssertionError, match="in vain"):
        waiting.until(lambda: False, patience=0.0)
