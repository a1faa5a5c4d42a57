"""`sightline adapt`: what it refuses, what it says when there is too little, and its job."""

import json

import pytest

from tests.sightline.conftest import Run

pytestmark = pytest.mark.usefixtures("networks")


def test_too_little_to_learn_from_is_said_and_the_old_model_stays(run: Run) -> None:
    result = run("adapt", "--name", "ours")
    assert result.exit_code == 1
    said = " ".join(result.output.split())
    assert "The old model stays: 0 tracklets are too few" in said
    assert "100% done" in said
    told = json.loads(run("adapt", "--name", "ours", "--json").stdout)
    assert (told["outcome"], told["model_id"], told["report"]) == ("kept", None, None)


def test_what_it_refuses(run: Run) -> None:
    for wrong in (["--name", "../up"], ["--name", "ours", "--hours", "-1"], ["--name", "a", "--camera", "x"]):
        assert run("adapt", *wrong).exit_code == 2, wrong


def test_a_job_that_a_worker_runs(run: Run) -> None:
    filed = run("adapt", "--name", "ours", "--rounds", "2", "--job")
    assert filed.exit_code == 0, filed.output
    for jobs, state in (("indexing", "queued"), ("models", "succeeded")):
        worked = run("worker", "--once", "--jobs", jobs)
        assert worked.exit_code == 0, worked.output
        assert json.loads(run("jobs", "list", "--json").stdout)[0]["state"] == state
    (job,) = json.loads(run("jobs", "list", "--json").stdout)
    assert (job["kind"], job["state"], job["options"]["rounds"]) == ("adapt", "succeeded", 2)
    shown = json.loads(run("jobs", "show", job["id"], "--json").stdout)
    assert shown["recordings"][0]["counters"]["outcome"] == "kept"
    assert "too few" in shown["recordings"][0]["reason"]
