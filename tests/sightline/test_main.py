"""What all commands have in common."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from sightline.main import app
from tests.sightline.conftest import Run

ROOT = Path(__file__).parents[2]
COMMANDS = sorted(get_command(app).commands)  # type: ignore[attr-defined]


def test_help_lists_every_command(run: Run) -> None:
    result = run("--help")

    assert result.exit_code == 0
    assert [name for name in COMMANDS if name not in result.output] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(run: Run, command: str) -> None:
    assert "Usage:" in run(command, "--help").output


def test_help_and_lists_need_neither_torch_nor_video() -> None:
    """They cost a second and hundreds of megabytes."""
    script = (
        "import sys; from typer.testing import CliRunner; from sightline.main import app\n"
        "CliRunner().invoke(app, ['search', '--help'])\n"
        "sys.exit(','.join({'torch', 'av', 'faiss', 'fastapi', 'sqlalchemy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert result.stderr.strip() == ""


@pytest.mark.parametrize(
    ("own", "spins"),
    [
        ({}, "1000"),
        pytest.param({"GOMP_SPINCOUNT": "77"}, "77", marks=pytest.mark.long),
        pytest.param({"OMP_WAIT_POLICY": "active"}, "30000000000", marks=pytest.mark.long),
    ],
)
def test_threads_wait_briefly_unless_the_user_says_otherwise(
    tmp_path: Path, own: dict[str, str], spins: str
) -> None:
    """As libgomp itself reports it when torch loads it."""
    rest = {k: v for k, v in os.environ.items() if k not in {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"}}
    data = ("--dataset", "simulated", "--root", str(tmp_path / "gone"), "--out", str(tmp_path / "run"))
    result = subprocess.run(
        [sys.executable, "-m", "sightline", "train", "tiny", *data],
        # As many threads as cores: with more libgomp hardly spins whatever it is told.
        env={**rest, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OMP_DISPLAY_ENV": "verbose", **own},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 2, result.stderr
    assert set(re.findall(r"GOMP_SPINCOUNT = '(\d+)'", result.stderr)) == {spins}


def test_the_version_is_that_of_the_package(run: Run) -> None:
    assert run("--version").output.startswith("sightline 0.")


def test_a_database_that_does_not_answer_is_one_line_with_its_remedy(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/none")

    result = run("cameras")

    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert "SIGHTLINE_DATABASE_URL" in result.stderr
    assert "secret" not in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_wrong_setting_is_one_line_that_names_the_variable(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_PORT", "a door")

    result = run("serve")

    assert result.exit_code == 2
    assert "SIGHTLINE_PORT" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_gallery_without_schema_is_not_migrated_unasked(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "gallery" / "gallery.sqlite3"
    file.write_bytes(b"")

    refused, migrated, used = run("cameras"), run("migrate"), run("cameras")

    assert (refused.exit_code, migrated.exit_code, used.exit_code) == (2, 0, 0)
    assert "sightline migrate" in refused.stderr


def test_a_first_gallery_is_made_on_the_spot(run: Run, tmp_path: Path) -> None:
    result = run("cameras", "--data-dir", tmp_path / "new")

    assert result.exit_code == 0
    assert (tmp_path / "new" / "gallery.sqlite3").exists()


def test_a_data_set_that_is_not_there_is_answered_with_its_layout(run: Run, tmp_path: Path) -> None:
    result = run("evaluate", "--dataset", "duke-video", "--root", tmp_path)

    line, *layout = result.stderr.splitlines()
    assert result.exit_code == 2
    assert line.endswith("there is no folder train; it must look like this (see docs/datasets.md)")
    assert layout[:3] == ["ROOT/", "  train/", "    0001/                                person"]
