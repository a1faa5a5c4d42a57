"""The client of docs/client.md: made from the committed description, used against a running server."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from fastapi import FastAPI

from tests.service.conftest import Archive
from tests.service.videos import RED, encoded, scene
from tests.sightline.serving import served

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "client.md").read_text()
# An environment of its own, made by scripts/setup.sh: as that of a caller, it knows nothing of Sightline.
ENVIRONMENT = Path(sys.prefix) / "client"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.S)


def run(command: list[str], folder: Path, **variables: str) -> str:
    """Run a program of the caller's environment in a folder; what it printed."""
    path = f"{ENVIRONMENT / 'bin'}{os.pathsep}{os.environ['PATH']}"
    python = str(ENVIRONMENT / "bin" / "python")
    ran = subprocess.run(
        [python, *command],
        cwd=folder,
        env={"PATH": path, **variables},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the generated client, of which nothing is missing."""
    if not ENVIRONMENT.is_dir():
        pytest.fail(f"{ENVIRONMENT} is missing: `make setup` makes it")
    folder = tmp_path_factory.mktemp("caller")
    (folder / "client.yaml").write_text(blocks("yaml")[0])
    (folder / "openapi.json").write_bytes((ROOT / "openapi.json").read_bytes())
    (line,) = (line for block in blocks("sh") for line in block.splitlines() if " generate " in line)
    run(["-m", "openapi_python_client", *line.split()[1:], "--fail-on-warning"], folder)
    return folder


@pytest.fixture
def server(make_app: Callable[..., FastAPI], secret: str) -> Iterator[Mapping[str, str]]:
    """Its URL and a key, as a caller's program finds them."""
    with served(make_app()) as url:
        yield {"URL": url, "KEY": secret}


def test_every_module_of_it_can_be_imported(made: Path) -> None:
    modules = sorted(
        ".".join(path.relative_to(made).with_suffix("").parts)
        for path in (made / "sightline_client").rglob("*.py")
    )
    assert "sightline_client.api.searches.create_search" in modules
    run(["-c", "import importlib\n" + "".join(f"importlib.import_module('{m}')\n" for m in modules)], made)


def test_the_program_of_the_page_works(made: Path, server: Mapping[str, str], archive: Archive) -> None:
    (made / "photo.jpg").write_bytes(encoded(scene((RED, 100, 60)), "JPEG"))
    printed = [line.split(": ", 1) for line in run(["-c", blocks("python")[0]], made, **server).splitlines()]
    said = {name: [text for known, text in printed if known == name] for name, _ in printed}

    assert said["cameras"] == ["gate roof yard"]
    found = [line.split()[1] for line in said["photo"]]
    assert set(found) == {archive.tracklets["gate", RED], archive.tracklets["yard", RED]}
    assert said["further hits"] == ["2"]
    clip = (made / "clip.mp4").read_bytes()
    assert said["bytes of the clip"] == [str(len(clip))]
    assert clip[4:8] == b"ftyp"
    # The tracklet that was searched for is not among its own hits.
    of_yard = {tracklet for (camera, _), tracklet in archive.tracklets.items() if camera == "yard"}
    assert {line.split()[1] for line in said["tracklet"]} == of_yard - {found[0]}
    assert said["refused"][0].startswith("415 ")


def test_the_page_names_the_tested_version() -> None:
    (pinned,) = re.findall(r"^openapi-python-client==\S+$", (ROOT / "constraints.txt").read_text(), re.M)
    assert pinned in PAGE
