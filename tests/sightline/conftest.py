"""The command line as a person uses it: arguments in, text and exit status out."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sightline.main import app

Run = Callable[..., Result]


@pytest.fixture
def run(sqlite_settings: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on an empty, migrated gallery."""
    monkeypatch.setenv("SIGHTLINE_DATA_DIR", str(tmp_path / "gallery"))
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)

    return invoke
