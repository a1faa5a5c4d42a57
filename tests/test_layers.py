"""The directions of imports hold, and no package can be added without being held to them."""

import configparser
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def lint_imports(config: Path) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(tool), "--no-cache", "--config", str(config)],
        cwd=ROOT,
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
        "[importlinter]\nroot_packages = gallery\ninclude_external_packages = True\n"
        "[importlinter:contract:no-sql]\nname = no SQL\ntype = forbidden\n"
        "source_modules = gallery\nforbidden_modules = sqlalchemy\n"
    )

    assert lint_imports(config).returncode != 0


def test_every_package_of_the_project_is_under_the_contracts() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter")
    named = set(config["importlinter"]["root_packages"].split())

    found = {path.parent.name for path in ROOT.glob("*/__init__.py")} | {"migrations"}

    assert found - {"tests"} == named
