"""Long benchmarks are not run by tests; that their recipes are still valid can be seen at once."""

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks import peers
from benchmarks.peer_indexes import FaissFlat, Matrix, Numpy, Ours, Peer, Query, Span
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


class Made(Numpy):
    """An exact index that can be spoiled."""

    def __init__(self, folder: Path, spoil: str) -> None:
        super().__init__(folder)
        self.name = self._spoil = spoil  # type: ignore[misc]

    def search(self, query: Query, limit: int, span: Span | None) -> Sequence[int]:
        found = list(super().search(query, limit, span))
        if self._spoil == "raises":
            raise ValueError("no | more")
        return {"few": found[:-1], "other": [*found[:-1], found[0]], "outside": [*found[:-1], 0]}[self._spoil]


def compared(some: Sequence[Peer], vectors: Matrix, span: Span | None) -> dict[str, peers.Cell]:
    asked = argparse.Namespace(limit=10, cell_seconds=60.0)
    return peers.compare(some, peers._queries(vectors, 3), vectors, span, asked)


@pytest.mark.parametrize("filtered", ["none", "10 %", "1 %"])
def test_indexes_of_the_comparison_find_the_same_and_others_are_invalid(
    tmp_path: Path, filtered: str
) -> None:
    vectors = peers.made_up(500, 16)
    kinds: list[type[Peer]] = [Ours, FaissFlat, Numpy]
    some = [kind(tmp_path / kind.__name__) for kind in kinds]
    some += [Made(tmp_path / spoil, spoil) for spoil in ("few", "other", "outside", "raises")]
    for one in some:
        one.folder.mkdir()
        one.build(vectors)
    cells = compared(some, vectors, peers.spans(len(vectors))[filtered])
    for one in some:
        one.close()
    assert [cells[kind.name].recall for kind in kinds] == [[1.0] * 3] * 3
    assert [cells[kind.name].wrong for kind in kinds] == [""] * 3
    assert "hits of" in cells["few"].wrong
    assert cells["other"].wrong == "not exact"
    assert cells["outside"].wrong == (
        "not exact" if filtered == "none" else "hits that the filter leaves out"
    )
    assert (cells["raises"].wrong, cells["raises"].wall_ms) == ("ValueError: no / more", [])
