"""docs/new-system.md: two files and two lines, in a copy of the package, make a system."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import models
from tests.models.people import draw_tracklets

ROOT = Path(models.__file__).parent.parent
PAGE = ROOT / "docs/new-system.md"
RUN = """
from pathlib import Path
from models.datasets.records import Tracklet
from models.embedder import Embedder
from models import checkpoint
from models.training.recipe import read_recipe
from models.training.train import train

people = [Tracklet(int(p.name[:4]), int(p.name[5]), (p,)) for p in sorted(Path("people").rglob("*.png"))]
model = checkpoint.load(train(read_recipe("mean-colour.yaml"), people, Path("run"), dataset="drawn"))
print(model.network.kind, Embedder(model).embed_images([]).shape)
"""


def blocks() -> dict[str, str]:
    """The code of the page by the file that its first line names."""
    found = re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return dict(found)


def register(file: Path, name: str, after: str, module: str) -> None:
    """Add a name to a register beside another one, with its import."""
    text = file.read_text(encoding="utf-8")
    assert text.count(f"{after},") == 1
    text = text.replace(f"{after},", f"{after}, {name},")
    file.write_text(
        text.replace("\nfrom models.", f"\nfrom {module} import {name}\nfrom models.", 1), "utf-8"
    )


def test_two_files_and_two_lines_make_a_system(tmp_path: Path) -> None:
    weights = shutil.ignore_patterns("weights", "*.safetensors", "__pycache__")
    shutil.copytree(ROOT / "models", tmp_path / "models", ignore=weights)
    code = blocks()
    assert list(code) == [
        "models/networks/mean_colour.py",
        "models/training/objectives/mean_colour.py",
        "mean-colour.yaml",
    ]
    for name, text in code.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    register(
        tmp_path / "models/networks/catalogue.py", "MeanColour", "CrossModal", "models.networks.mean_colour"
    )
    register(
        tmp_path / "models/training/objectives/__init__.py",
        "MeanColourObjective",
        "VKDObjective",
        "models.training.objectives.mean_colour",
    )
    draw_tracklets(tmp_path / "people", identities=2, cameras=2, frames=1)

    done = subprocess.run(
        [sys.executable, "-c", RUN], cwd=tmp_path, capture_output=True, text=True, timeout=240, check=False
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split("\n")[-2] == "mean-colour (0, 8)"


def test_the_example_passes_the_linter(tmp_path: Path) -> None:
    files = [name for name in blocks() if name.endswith(".py")]
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(blocks()[name], encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    config = ["--config", str(ROOT / "pyproject.toml"), *files]
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run(
            [*ruff, *command, *config], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
