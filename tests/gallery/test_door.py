"""The names that the gallery exports are those that other packages import."""

import ast
from collections.abc import Iterator
from pathlib import Path

import gallery

ROOT = Path(__file__).parents[2]
CALLERS = ("service", "indexer", "sightline", "scripts", "benchmarks")


def imported(folders: tuple[str, ...]) -> Iterator[str]:
    """Names that the code in some folders imports from `gallery`."""
    for folder in folders:
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.ImportFrom) and node.module == "gallery":
                    yield from (alias.name for alias in node.names)


def declared() -> set[str]:
    """Names that the type checker sees in `gallery`."""
    (block,) = [
        node
        for node in ast.parse((ROOT / "gallery/__init__.py").read_text()).body
        if isinstance(node, ast.If)
    ]
    return {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}


def test_exports_are_what_callers_import() -> None:
    assert declared() == set(imported(CALLERS)) - {"errors"}


def test_every_export_loads() -> None:
    for name in declared():
        assert getattr(gallery, name) is not None
