"""The directions of imports hold, and no package can be added without being held to them."""

import configparser
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MOST_MODULES = 16


def lint_imports(config: Path, where: Path = ROOT) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(tool), "--no-cache", "--config", str(config)],
        cwd=where,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_contract_is_kept() -> None:
    result = lint_imports(ROOT / ".importlinter")

    assert result.returncode == 0, result.stdout + result.stderr


def test_a_contract_can_break(tmp_path: Path) -> None:
    """The gallery does import SQLAlchemy: a contract against that must fail, or the linter sees nothing."""
    config = tmp_path / "importlinter"
    config.write_text(
        "[importlinter]\nroot_packages =\n    gallery\ninclude_external_packages = True\n"
        "[importlinter:contract:no-sql]\nname = no SQL\ntype = forbidden\n"
        "source_modules = gallery\nforbidden_modules = sqlalchemy\n"
    )

    assert lint_imports(config).returncode != 0


def test_a_circle_is_found(tmp_path: Path) -> None:
    package = tmp_path / "round"
    (package / "room").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "room" / "__init__.py").touch()
    (package / "hall.py").write_text("from round.room import door")
    (package / "room" / "door.py").write_text("def out() -> None:\n    from round import hall\n")
    config = tmp_path / "importlinter"
    config.write_text(
        "[importlinter]\nroot_packages =\n    round\n"
        "[importlinter:contract:no-circles]\nname = no circles\ntype = acyclic_siblings\n"
        "ancestors =\n    round\n"
    )

    assert "BROKEN" in lint_imports(config, tmp_path).stdout


@pytest.mark.parametrize("package", ["gallery", "models/training", "models/evaluation"])
def test_no_folder_is_a_heap(package: str) -> None:
    """What belongs together fits on a screen; beyond that a folder gets rooms."""
    folders = {file.parent for file in (ROOT / package).rglob("*.py")}
    modules = {folder: [*folder.glob("[!_]*.py")] for folder in folders}

    assert {str(folder): len(files) for folder, files in modules.items() if len(files) > MOST_MODULES} == {}


def test_every_package_of_the_project_is_under_the_contracts() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    named = set(config["importlinter"]["root_packages"].split())

    found = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"migrations"}

    assert found - {"tests"} == named
