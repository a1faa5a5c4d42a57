"""Each model that ships indexes a sample, embeds again what another indexed, and finds people."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from models import zoo
from models.names import SHIPPED
from sightline.main import app

SAMPLES = Path(__file__).parents[2] / "samples"


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


@pytest.mark.long
@pytest.mark.parametrize("first", SHIPPED)
def test_a_shipped_model_indexes_reindexes_and_finds(
    first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = SHIPPED[SHIPPED.index(first) - 1]
    monkeypatch.setenv("SIGHTLINE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SIGHTLINE_INDEX_MODEL", first)
    run("index", SAMPLES / "camera-1.mp4", "--camera", "gate", "--start", "2026-03-02T09:00:00Z")
    run("reindex", "--model", second)
    probe = next(iter(sorted((SAMPLES / "probes").glob("*.jpg"))))
    answers: dict[str, dict[str, Any]] = {}
    for name in (first, second):
        monkeypatch.setenv("SIGHTLINE_MODEL", name)
        answers[name] = json.loads(run("search", probe, "--json").stdout)
        assert answers[name]["model"]["id"] == zoo.load(name).id
        assert answers[name]["hits"]
    # Both know the same tracklets, each in its own order.
    tracklets = [{hit["tracklet_id"] for hit in answer["hits"]} for answer in answers.values()]
    assert tracklets[0] == tracklets[1]
