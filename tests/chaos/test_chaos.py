"""The loop of `make chaos` itself: a few rounds of it, and that it goes on where it stopped."""

import json
from pathlib import Path

import pytest

from tests.chaos import run


@pytest.mark.long
def test_rounds_end_clean_and_are_not_played_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log.jsonl"
    monkeypatch.setattr("sys.argv", ["chaos", "4", "--seed", "7", "--log", str(log)])
    assert run.main() == 0
    assert "4 rounds of seed 7, 4 clean" in capsys.readouterr().out
    played = log.read_text()
    assert [json.loads(line)["round"] for line in played.splitlines()] == [0, 1, 2, 3]
    assert run.main() == 0
    assert log.read_text() == played


def test_a_round_that_left_something_wrong_fails_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = {"seed": 1, "round": 0, "fault": "nothing", "database": "sqlite", "problems": ["x"]}
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps(line) + "\n" + json.dumps({**line, "seed": 2, "problems": []}) + "\n")
    for seed, status in ((1, 1), (2, 0)):
        assert run.print_table(run.done_in(log, seed), seed) == status
    assert "1 rounds of seed 1, 0 clean" in capsys.readouterr().out
