"""Long benchmarks are not run by tests; that their recipes are still valid can be seen at once."""

import importlib.util
import sys
from pathlib import Path

import pytest

from models.training.objectives.vkd import VKDSettings
from models.training.recipe import read_recipe

SCRIPT = Path(__file__).parent.parent / "benchmarks/systems.py"
spec = importlib.util.spec_from_file_location("systems", SCRIPT)
assert spec is not None
assert spec.loader is not None
systems = importlib.util.module_from_spec(spec)
sys.modules["systems"] = systems  # dataclasses look there
spec.loader.exec_module(systems)


@pytest.mark.parametrize("name", systems.RUNS)
def test_each_run_of_the_comparison_is_a_valid_recipe_of_one_budget(name: str, tmp_path: Path) -> None:
    recipe = read_recipe(systems.RUNS[name].recipe, systems.changes(name, "imagenet", 250, tmp_path))
    batches, frames = recipe.batches, recipe.batches.frames
    if isinstance(recipe.system, VKDSettings) and recipe.system.teacher is not None:
        frames = recipe.system.frames
    assert batches.identities * batches.clips * frames == 64
    assert (recipe.input.height, recipe.input.width) == (128, 64)
    assert recipe.schedule.steps == {"crf-fusion": 25, "begin": 1}.get(name, 250)


def test_runs_come_after_those_they_begin_with() -> None:
    names = list(systems.RUNS)
    for number, name in enumerate(names):
        text = " ".join(systems.changes(name, "imagenet", 250, Path("/out")))
        assert all(f"/out/{other}" not in text for other in names[number + 1 :])
