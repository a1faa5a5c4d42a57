"""The benchmark of indexing runs to its end, by the code that a GPU is measured with."""

from pathlib import Path

import pytest

from benchmarks import indexing, scenes
from indexer.settings import IndexSettings


def test_a_scene_is_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = scenes.make("three", tmp_path, None, 2.0)
    assert path is not None

    result = indexing.measure(path, IndexSettings(), tmp_path / "exported", rounds=1)
    indexing.print_result(result, on_cpu=True)

    assert result.seconds == pytest.approx(2.0, abs=0.2)
    assert result.frames == 20
    assert set(result.alone[0]) == set(indexing.STAGES)
    assert "of the bound" in capsys.readouterr().out


def test_what_is_made_of_a_clip_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    assert scenes.make("eight", tmp_path, None, 2.0) is None
