"""Fuzzes every entrance: `python -m tests.fuzz.run 1000000 --seed 1`; the same command goes on.

The inputs are shared out over the entrances. What was done stands in a log, a line for each process; what is
found lies beside it in `findings/ENTRANCE/`, one input for each cause. `--keep` makes it part of the corpus,
which `make test` replays.
"""

import argparse
import json
import lzma
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.fuzz.driver import Finding, Outcome, drive
from tests.fuzz.entrances.base import Entrance
from tests.fuzz.entrances.catalogue import ENTRANCES

CORPUS: Final = Path(__file__).parent / "corpus"
_SMALL: Final = 2048  # bytes; what is larger is kept packed


def main() -> int:
    asked = _arguments()
    kinds = [ENTRANCES[name] for name in asked.entrance] or list(ENTRANCES.values())
    state: Path = asked.state
    if asked.few:
        return play_few(state)
    if asked.keep:
        print(f"{keep(state)} inputs are new in {CORPUS}")  # noqa: T201
        return 0
    state.mkdir(parents=True, exist_ok=True)
    log = state / "log.jsonl"
    shares = shared_out(asked.inputs, kinds)
    try:
        for kind, number, count in _chunks(shares, _done(log, asked.seed)):
            seed = f"{asked.seed}/{number}"
            outcome = drive(kind, count, seed=seed, corpus=corpus_of(kind.name))
            _record(log, asked.seed, kind, number, outcome)
            for finding in outcome.findings:
                _write(state, finding)
                print(f"{finding.entrance}: {finding.kind} ({finding.name})", flush=True)  # noqa: T201
    except KeyboardInterrupt:
        print("stopped: the same command goes on", flush=True)  # noqa: T201
    return print_table(log, asked.seed, kinds)


def play_few(state: Path) -> int:
    """Give in all corpora, and a few inputs that are the same each time; 1 if anything was found."""
    log = state / "log.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    for kind in ENTRANCES.values():
        corpus = corpus_of(kind.name)
        again = drive(kind, corpus) if corpus else Outcome()
        for number, outcome in enumerate((again, drive(kind, kind.few, seed="few", corpus=corpus))):
            _record(log, 0, kind, number, outcome)
            for finding in outcome.findings:
                print(f"{finding.entrance}: {finding.kind}\n{finding.said}\n{finding.data[:500]!r}")  # noqa: T201
    return print_table(log, 0, [*ENTRANCES.values()])


def shared_out(inputs: int, kinds: list[type[Entrance]]) -> dict[type[Entrance], int]:
    """How many inputs each entrance gets."""
    whole = sum(kind.share for kind in kinds)
    return {kind: max(1, round(inputs * kind.share / whole)) for kind in kinds}


def _chunks(
    shares: dict[type[Entrance], int], done: set[tuple[str, int]]
) -> Iterator[tuple[type[Entrance], int, int]]:
    """Entrance, number and inputs of each process that is left; entrances take turns."""
    counts = {kind: -(-inputs // kind.chunk) for kind, inputs in shares.items()}
    order = sorted(
        ((number + 0.5) / count, kind.name, number)
        for kind, count in counts.items()
        for number in range(count)
    )
    for _, name, number in order:
        kind = ENTRANCES[name]
        if (name, number) not in done:
            yield kind, number, min(kind.chunk, shares[kind] - number * kind.chunk)


def corpus_of(name: str) -> list[bytes]:
    """The inputs of an entrance that were findings once."""
    folder = CORPUS / name
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    return [lzma.decompress(one.read_bytes()) if one.suffix == ".xz" else one.read_bytes() for one in files]


def keep(state: Path) -> int:
    """Copy what was found into the corpus; return how many inputs are new there."""
    new = 0
    for file in sorted((state / "findings").glob("*/*.bin")):
        data = file.read_bytes()
        folder = CORPUS / file.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        target = folder / (file.stem + (".bin" if len(data) <= _SMALL else ".xz"))
        if data and not target.exists():
            target.write_bytes(data if len(data) <= _SMALL else lzma.compress(data))
            new += 1
    return new


def _write(state: Path, finding: Finding) -> None:
    """Keep a finding with what was said; a shorter input takes the place of a longer one."""
    folder = state / "findings" / finding.entrance
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{finding.name}.bin"
    if not file.exists() or file.stat().st_size > len(finding.data):
        file.write_bytes(finding.data)
        file.with_suffix(".txt").write_text(
            f"{finding.kind}\n\n{finding.said}\n", encoding="utf-8", errors="replace"
        )


def _record(log: Path, seed: int, kind: type[Entrance], number: int, outcome: Outcome) -> None:
    line = {
        "seed": seed,
        "entrance": kind.name,
        "chunk": number,
        "inputs": outcome.inputs,
        "seconds": round(outcome.seconds, 2),
        "lines": outcome.lines,
        "slowest": round(outcome.slowest, 3),
        "words": dict(outcome.words),
        "findings": {one.kind: one.name for one in outcome.findings},
    }
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
        file.flush()
        os.fsync(file.fileno())


def _lines(log: Path, seed: int) -> list[dict[str, Any]]:
    text = log.read_text(encoding="utf-8") if log.exists() else ""
    return [line for line in map(json.loads, text.splitlines()) if line["seed"] == seed]


def _done(log: Path, seed: int) -> set[tuple[str, int]]:
    return {(line["entrance"], line["chunk"]) for line in _lines(log, seed)}


def print_table(log: Path, seed: int, kinds: list[type[Entrance]]) -> int:
    """Print what each entrance got and what came of it; 1 if anything was found."""
    inputs, seconds, slowest = Counter[str](), Counter[str](), Counter[str]()
    words: dict[str, Counter[str]] = {}
    findings: dict[str, set[str]] = {}
    for line in _lines(log, seed):
        name = line["entrance"]
        inputs[name] += line["inputs"]
        seconds[name] += line["seconds"]
        slowest[name] = max(slowest[name], line["slowest"])
        words.setdefault(name, Counter()).update(line["words"])
        findings.setdefault(name, set()).update(line["findings"])
    print(f"{'entrance':16} {'inputs':>9} {'findings':>8} {'a second':>9} {'slowest':>9}  came of it")  # noqa: T201
    for kind in kinds:
        name = kind.name
        rate = inputs[name] / seconds[name] if seconds[name] else 0
        came = ", ".join(f"{word} {count}" for word, count in words.get(name, Counter()).most_common(5))
        found = len(findings.get(name, ()))
        print(f"{name:16} {inputs[name]:9} {found:8} {rate:9.0f} {slowest[name]:7.2f} s  {came}")  # noqa: T201
    total = sum(map(len, findings.values()))
    print(f"{inputs.total()} inputs of seed {seed} in {seconds.total():.0f} s, {total} findings")  # noqa: T201
    return 1 if total else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("inputs", type=int, nargs="?", default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--entrance", action="append", default=[], choices=sorted(ENTRANCES), help="only this one"
    )
    parser.add_argument(
        "--state", type=Path, default=Path("out/fuzz"), help="folder of the log and the findings"
    )
    parser.add_argument(
        "--few", action="store_true", help="only the corpora and a few inputs, as `make test` does"
    )
    parser.add_argument("--keep", action="store_true", help="add what was found to the corpus, and end")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
