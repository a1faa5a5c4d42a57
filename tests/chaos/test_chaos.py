"""The loop of `make chaos` itself: a few rounds of it, and that it goes on where it stopped."""

import json
import os
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gallery import Gallery, NewRecording
from tests.chaos import run, scenes
from tests.chaos.moments import Doing, Watch, choose
from tests.gallery.making import MODEL, make_tracklets


@pytest.mark.long
def test_rounds_end_clean_and_are_not_played_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log.jsonl"
    monkeypatch.setattr("sys.argv", ["chaos", "4", "--seed", "7", "--log", str(log), "--lanes", "2"])
    assert run.main() == 0
    assert "4 rounds of seed 7, 4 clean" in capsys.readouterr().out
    played = log.read_text()
    lines = [json.loads(line) for line in played.splitlines()]
    assert sorted(line["round"] for line in lines) == [0, 1, 2, 3]
    assert all(line["moment"]["planned"] for line in lines)
    assert run.main() == 0
    assert log.read_text() == played


def test_a_round_that_left_something_wrong_fails_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = {"seed": 1, "round": 0, "fault": "nothing", "database": "sqlite", "problems": ["x"]}
    log = tmp_path / "log.jsonl"
    log.write_text(json.dumps(line) + "\n" + json.dumps({**line, "seed": 2, "problems": []}) + "\n")
    for seed, status in ((1, 1), (2, 0)):
        asked = ["chaos", "1", "--seed", str(seed), "--log", str(log), "--lanes", "1"]
        monkeypatch.setattr("sys.argv", asked)
        assert run.main() == status
    assert "1 rounds of seed 1, 0 clean" in capsys.readouterr().out


def test_a_moment_is_chosen_by_the_seed_and_comes_with_the_work() -> None:
    idle, done = Doing(), Doing(leased=1, frames=scenes.FRAMES, writing=True, tracklets=2, whole=True)
    planned = set()
    for number in range(200):
        moment = choose(random.Random(number))
        assert moment.name == choose(random.Random(number)).name
        assert not moment.comes(idle, 0)
        assert moment.comes(done, 2)
        planned.add(moment.name.lstrip("0123456789 "))
    assert len(planned) == 7


def test_what_a_process_is_at_is_seen_from_outside(gallery: Gallery) -> None:
    watch = Watch(gallery, {"me": os.getpid()})
    camera = gallery.catalogue.add_camera("gate")
    start = datetime(2026, 3, 1, 8, tzinfo=UTC)
    gallery.jobs.file([NewRecording(camera.id, "/a.mp4", "a.mp4", False, start)])
    assert not watch.look(["me"]).busy(["me"])
    claim = gallery.jobs.claim("me", lease_seconds=60)
    assert claim is not None
    gallery.jobs.renew(claim, lease_seconds=60, stage="index", progress=0.5, counters={"frames_decoded": 7})
    with gallery.writer("0" * 64, MODEL) as writer:
        writer.add(make_tracklets(1, 1)[0])
        standing = watch.look(["me"])
        assert standing.doing["me"] == Doing(1, "index", 7, writing=True, tracklets=1, whole=False)
        assert (standing.left, standing.videos, standing.busy(["me"])) == (1, 0, ["me"])
    gallery.jobs.release(claim)
    assert not watch.look(["me"]).busy(["me"])
