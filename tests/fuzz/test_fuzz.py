"""What was found once stays mended, a few inputs for every entrance, and that the fuzzer finds things."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import run
from tests.fuzz.driver import Finding, Outcome
from tests.fuzz.entrances.base import Entrance, pack, unpack
from tests.fuzz.entrances.catalogue import ENTRANCES
from tests.fuzz.entrances.texts import Cursors
from tests.fuzz.mutate import Shake

ROOT = Path(__file__).parents[2]


def played(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a module: the fuzzer forks, which a process with threads should not do."""
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": ""},
    )


def test_corpora_and_a_few_inputs_for_every_entrance(tmp_path: Path) -> None:
    ended = played("tests.fuzz.run", "--few", "--state", str(tmp_path))
    assert ended.returncode == 0, ended.stdout[-5000:] + ended.stderr[-2000:]
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    inputs = {name: [line["inputs"] for line in lines if line["entrance"] == name] for name in ENTRANCES}
    assert inputs == {name: [len(run.corpus_of(name)), kind.few] for name, kind in ENTRANCES.items()}
    words = {
        name: {word for line in lines if line["entrance"] == name for word in line["words"]}
        for name in ENTRANCES
    }
    assert [name for name, found in words.items() if not found] == []
    assert {"200", "201", "404"} <= words["rest"]


def test_the_corpora_are_small_and_of_entrances_that_there_are() -> None:
    files = [file for file in run.CORPUS.rglob("*") if file.is_file()]
    assert {file.parent.name for file in files} <= set(ENTRANCES)
    assert 0 < sum(file.stat().st_size for file in files) < 1_000_000


def test_whatever_an_entrance_does_wrong_is_found() -> None:
    ended = played("tests.fuzz.broken")
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {
        "raises": ["KeyError in broken.py, _raises"],
        "promises": ["Broken in base.py, must"],
        "leaves": ["it left something behind"],
        "writes": ["it did open"],
        "runs": ["it did subprocess.Popen"],
        "connects": ["it did socket.connect"],
        "slow": ["slow"],
        "hangs": ["hang: no end"],
        "crashes": ["signal 11"],
        "eats": ["MemoryError in broken.py, <lambda>"],
        "imports": [],
        "ends": ["it is not as it was"],
        "good": [],
    }


def test_a_run_goes_on_where_it_stopped_and_keeps_what_it_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[tuple[int, str]] = []

    def drive(kind: type[Entrance], inputs: int, *, seed: str, corpus: object) -> Outcome:
        given.append((inputs, seed))
        if len(given) == 2:
            raise KeyboardInterrupt
        found = [
            Finding(kind.name, "E in x", "said", b"long input"),
            Finding(kind.name, "E in x", "said", b"short"),
        ]
        return Outcome(inputs, 1.0, findings=found if len(given) == 1 else [])

    monkeypatch.setattr(run, "drive", drive)
    monkeypatch.setattr(run, "CORPUS", tmp_path / "corpus")
    monkeypatch.setattr(Cursors, "chunk", 50)
    asked = ["run", "120", "--seed", "3", "--entrance", "cursors", "--state", str(tmp_path)]
    monkeypatch.setattr("sys.argv", asked)
    assert run.main() == 1
    assert "stopped: the same command goes on" in capsys.readouterr().out
    assert run.main() == 1
    assert given == [(50, "3/0"), (50, "3/1"), (50, "3/1"), (20, "3/2")]
    assert "120 inputs of seed 3 in 3 s, 1 findings" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", [*asked, "--keep"])
    assert run.main() == 0
    assert run.corpus_of("cursors") == [b"short"]


def test_inputs_are_shared_out_and_every_entrance_gets_some() -> None:
    shares = run.shared_out(1_000_000, [*ENTRANCES.values()])
    assert min(shares.values()) > 0
    assert sum(shares.values()) == pytest.approx(1_000_000, abs=len(shares))


def test_changes_are_the_same_for_the_same_seed_and_are_changes() -> None:
    data = pack({"card.json": b'{"a": [1, {"b": "text"}]}', "weights": bytes(range(64))})
    for how in (Shake.havoc, Shake.text, Shake.json):
        one, again = ([how(Shake(random.Random(seed)), data, data) for seed in range(200)] for _ in range(2))
        assert one == again
        assert len(set(one)) > 150
    documents = [
        json.loads(Shake(random.Random(seed)).dumped({"a": [1, {"b": "text"}]})) for seed in range(50)
    ]
    assert all(document == {"a": [1, {"b": "text"}]} for document in documents if "[[[" not in str(document))
    assert unpack(data) == {"card.json": b'{"a": [1, {"b": "text"}]}', "weights": bytes(range(64))}
