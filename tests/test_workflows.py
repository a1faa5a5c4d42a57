"""One command for everybody: what runs elsewhere is what a developer runs."""

import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
WORKFLOW = ".github/workflows/test.yml"
NIGHTLY = ".github/workflows/fuzz.yml"
HOOKS = ".pre-commit-config.yaml"


@pytest.mark.parametrize("workflow", [WORKFLOW, NIGHTLY])
def test_the_workflows_follow_their_specification(workflow: str) -> None:
    tool = Path(sys.executable).with_name("check-jsonschema")
    command = [str(tool), "--builtin-schema", "vendor.github-workflows", workflow]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert result.returncode == 0, result.stdout + result.stderr


def test_every_machine_runs_make_test() -> None:
    *_, test, long = YAML(typ="safe").load(ROOT / WORKFLOW)["jobs"]["test"]["steps"]

    assert test == {"run": "make test"}
    assert long == {"if": "github.event_name == 'schedule'", "run": "make test-long"}
    assert (ROOT / ".ci/run").read_text(encoding="utf-8").rstrip().endswith("exec make test")


def test_every_night_other_inputs_are_made() -> None:
    steps = YAML(typ="safe").load(ROOT / NIGHTLY)["jobs"]["fuzz"]["steps"]

    assert {"run": "make fuzz INPUTS=1000000 SEED=${{ github.run_number }}"} in steps


def test_a_commit_is_checked_by_make_lint_and_nothing_else() -> None:
    hooks = [hook for repo in YAML(typ="safe").load(ROOT / HOOKS)["repos"] for hook in repo["hooks"]]

    assert [hook["entry"] for hook in hooks] == ["make lint"]
