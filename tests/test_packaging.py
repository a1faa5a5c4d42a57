"""The guards of docs/decisions/0001: the wheel holds what is listed, no top-level name has a second owner."""

import importlib.metadata
import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from what git knows: leftovers of other builds cannot hide a mistake."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    known = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in known.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).symlink_to(ROOT / name)
    pip = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", str(built), str(source)], check=True)
    (file,) = built.iterdir()
    return file


def test_each_top_level_name_belongs_to_this_distribution_alone(pyproject: dict[str, Any]) -> None:
    owners = importlib.metadata.packages_distributions()
    ours = {package.partition(".")[0] for package in pyproject["tool"]["setuptools"]["packages"]}

    others = {
        name: owners[name]
        for name in ours | {"migrations", "tests"}
        if set(owners.get(name, [])) - {"sightline"}
    }

    assert others == {}


def test_the_distribution_cannot_be_uploaded(pyproject: dict[str, Any]) -> None:
    assert "Private :: Do Not Upload" in pyproject["project"]["classifiers"]


def test_the_wheel_holds_exactly_the_listed_packages(wheel: Path, pyproject: dict[str, Any]) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name and ".data/" not in name]

    packages = {str(Path(name).parent).replace("/", ".") for name in names if name.endswith(".py")}

    assert packages == set(pyproject["tool"]["setuptools"]["packages"])


def test_every_source_file_is_in_the_wheel(wheel: Path, pyproject: dict[str, Any]) -> None:
    """A package folder that somebody forgot to list would be missing here."""
    top_level = {package for package in pyproject["tool"]["setuptools"]["packages"] if "." not in package}
    expected = {
        str(path.relative_to(ROOT))
        for package in top_level
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    with zipfile.ZipFile(wheel) as archive:
        missing = expected - set(archive.namelist())

    assert missing == set()


def test_every_folder_of_code_is_listed(pyproject: dict[str, Any]) -> None:
    """Said here in a moment; the wheel says it too, but takes its time to build."""
    listed = set(pyproject["tool"]["setuptools"]["packages"])
    top_level = {package for package in listed if "." not in package}
    found = {
        ".".join(file.parent.relative_to(ROOT).parts)
        for package in top_level
        for file in (ROOT / package).rglob("__init__.py")
    }

    assert listed == found


def test_every_package_brings_its_types(wheel: Path, pyproject: dict[str, Any]) -> None:
    packages = {package.partition(".")[0] for package in pyproject["tool"]["setuptools"]["packages"]}

    with zipfile.ZipFile(wheel) as archive:
        typed = {name.partition("/")[0] for name in archive.namelist() if name.endswith("/py.typed")}

    assert typed == packages


def test_weights_page_and_migrations_are_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()

    assert "models/weights/nanodet-g.onnx" in names
    assert "service/web/index.html" in names
    assert any(name.endswith("share/sightline/alembic.ini") for name in names)
    assert any(name.endswith("share/sightline/migrations/env.py") for name in names)
    assert any("share/sightline/migrations/versions/" in name for name in names)


def test_an_installed_wheel_migrates_without_a_checkout(wheel: Path, tmp_path: Path) -> None:
    """The wheel alone, in an environment of its own, far from the checkout: as in the image."""
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False, symlinks=True)
    python = environment / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-qq", "--no-deps"]
    subprocess.run([*pip, str(wheel)], check=True)
    (packages,) = environment.glob("lib/python*/site-packages")
    # Dependencies are borrowed; the checkout is not among them, as .pth files do not nest.
    (packages / "borrowed.pth").write_text(str(Path(pytest.__file__).parent.parent))

    result = subprocess.run(
        [str(environment / "bin" / "sightline"), "migrate", "--data-dir", str(tmp_path / "data")],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    assert (tmp_path / "data" / "gallery.sqlite3").exists()
