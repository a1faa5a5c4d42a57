"""No test waits for a time: on a busy machine it is too short, on a quiet one it is lost."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import waiting

ROOT = Path(__file__).parent
# The helpers; and a script that takes the page's picture for the documentation.
ALLOWED = {Path(waiting.__file__), ROOT / "browser" / "conftest.py", ROOT / "browser" / "picture.py"}


def sleeps(source: str) -> Iterator[int]:
    """Lines that name `time.sleep` or the browser's pause, or import the first under its own name."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id="time"), attr="sleep"):
                yield node.lineno
            case ast.Attribute(attr="wait_for_timeout"):
                yield node.lineno
            case ast.ImportFrom(module="time", names=names) if any(name.name == "sleep" for name in names):
                yield node.lineno


def test_tests_wait_for_conditions() -> None:
    found = [
        f"{file.relative_to(ROOT)}:{line}"
        for file in sorted(ROOT.rglob("*.py"))
        if file not in ALLOWED
        for line in sleeps(file.read_text(encoding="utf-8"))
    ]

    assert found == [], "use tests.waiting.until, or take_time where slowness itself is what is tested"


def test_a_wait_is_found() -> None:
    assert list(sleeps("import time\ntime.sleep(1)\n")) == [2]
    assert list(sleeps("from time import sleep\n")) == [1]
    assert list(sleeps("page.wait_for_timeout(300)\n")) == [1]


def test_waiting_returns_what_was_waited_for() -> None:
    seen = iter([0, "", 7])

    assert waiting.until(lambda: next(seen), pause=0.0) == 7


def test_waiting_ends() -> None:
    with pytest.raises(AssertionError, match="in vain"):
        waiting.until(lambda: False, patience=0.0)
