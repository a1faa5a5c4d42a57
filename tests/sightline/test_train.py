"""`sightline train` as a person uses it, and as torchrun starts it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from models import checkpoint
from tests.models.people import draw_tracklets
from tests.sightline.conftest import Run

ROOT = Path(__file__).parents[2]
SMALL = ("--set", "input={height: 32, width: 32}", "--device", "cpu")


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set in the layout of the simulator: three people to train with."""
    root = tmp_path_factory.mktemp("people")
    draw_tracklets(root / "bbox_train", identities=3)
    (root / "bbox_test" / "0009").mkdir(parents=True)
    picture = root / "bbox_train" / "0001" / "0001C1T0001F000.png"
    shutil.copy(picture, root / "bbox_test" / "0009" / "0009C1T0001F000.png")
    return root


def losses(out: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (out / "log.jsonl").read_text().splitlines()]


def test_a_run_leaves_a_checkpoint_a_log_and_tensorboards_files(
    run: Run, people: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    data = ("--dataset", "simulated", "--root", people, "--out", out)
    result = run("train", "tiny", *data, *SMALL, "--set", "schedule.steps=2", "--threads", "1")

    assert result.exit_code == 0, result.output
    assert f"Model: {out / 'model'}" in result.output
    model = checkpoint.load(out / "model")
    assert model.card["training"]["dataset"] == "simulated"
    assert len(losses(out)) == 2
    assert list(out.glob("events.out.tfevents*"))

    again = run("train", "tiny", *data, *SMALL, "--set", "schedule.steps=2")
    assert again.exit_code == 2
    assert "holds a run already" in again.output
    resumed = run("train", "tiny", *data, *SMALL, "--set", "schedule.steps=2", "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert checkpoint.load(out / "model").id == model.id


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gone",), "no recipe 'gone'"),
        (("tiny", "--set", "batch.frames=3"), "unknown key 'batch'"),
        (("tiny", "--set", "batches.frames=many"), "batches.frames"),
        (("tiny", "--set", "nothing"), "not like key=value"),
        (("tiny", "--split", "5"), "no split 5 in simulated; choose one from 0 to 0"),
        (("tiny", "--device", "cuda:77"), "cuda:77"),
        (("tiny", "--set", "batches.identities=9"), "give no batch of 9 people"),
        (("tiny", "--set", "initialise=gone"), "no model and no checkpoint 'gone'"),
        (("tiny", "--finish"), "holds no run"),
    ],
)
def test_what_cannot_be_is_one_line_and_leaves_nothing(
    run: Run, people: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    out = tmp_path / "run"
    result = run("train", *arguments, "--dataset", "simulated", "--root", people, "--out", out)

    assert result.exit_code == 2, result.output
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert not (out / "model").exists()


@pytest.mark.long
def test_two_processes_learn_what_one_does(run: Run, people: Path, tmp_path: Path) -> None:
    """Of two batches a step one process takes both in turn, two take one each."""
    command = ["train", "tiny", "--dataset", "simulated", "--root", str(people), *SMALL]
    command += ["--set", "batches.accumulate=2", "--set", "schedule.steps=3", "--out"]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    result = run(*command, tmp_path / "1")
    assert result.exit_code == 0, result.output

    together = subprocess.run(
        [*torchrun, "-m", "sightline", *command, str(tmp_path / "2")],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert together.returncode == 0, together.stderr
    assert together.stdout.count("Model: ") == 1
    alone = losses(tmp_path / "1")
    assert max(alone) > 2 * min(alone)  # weights that differ would show in the loss
    assert losses(tmp_path / "2") == pytest.approx(alone, rel=1e-4)
    assert checkpoint.load(tmp_path / "2" / "model").card["training"]["processes"] == 2
