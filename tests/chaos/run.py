"""Rounds of faults with the real processes; prints how many of each there were.

    python -m tests.chaos.run 100 --seed 1 --log out/chaos.jsonl
    python -m tests.chaos.run 20 --fault "kill postgresql"

Every round is a line of the log. A run that is begun again with the same seed and log goes on where it
stopped; round N of a seed is always the same fault with the same random numbers.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.chaos.rounds import World


def main() -> int:
    """Run; 1 if any round left something wrong."""
    asked = _arguments()
    asked.log.parent.mkdir(parents=True, exist_ok=True)
    done = done_in(asked.log, asked.seed)
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        world = World(Path(folder))
        try:
            kinds = [one for one in world.faults() if asked.fault in {None, one[0]}]
            for number in range(asked.rounds):
                if number not in done:
                    done[number] = _play(world, kinds, asked, number)
        except KeyboardInterrupt:
            print("stopped: the same command goes on", flush=True)  # noqa: T201
        finally:
            world.close()
            os.sync()
    return print_table(done, asked.seed)


def _play(
    world: World, kinds: list[tuple[str, str]], asked: argparse.Namespace, number: int
) -> dict[str, Any]:
    random_ = random.Random(f"{asked.seed}/{number}")
    fault, kind = kinds[number % len(kinds)]
    began = time.monotonic()
    try:
        outcome = asdict(world.play(fault, kind, random_))
    except AssertionError as error:
        outcome = {"fault": fault, "database": kind, "problems": [f"never ended: {error}"]}
    seconds = round(time.monotonic() - began, 1)
    line = {"seed": asked.seed, "round": number, "seconds": seconds, **outcome}
    with asked.log.open("a") as log:
        log.write(json.dumps(line) + "\n")
    verdict = "; ".join(outcome["problems"]) or "clean"
    print(f"{number:5} {kind:10} {fault:18} {seconds:6.1f} s  {verdict[:300]}", flush=True)  # noqa: T201
    return line


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("rounds", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, default=Path("out/chaos.jsonl"))
    parser.add_argument("--fault", help="only this one")
    return parser.parse_args()


def done_in(log: Path, seed: int) -> dict[int, dict[str, Any]]:
    """Rounds of this seed that are in the log."""
    lines = map(json.loads, log.read_text().splitlines()) if log.exists() else ()
    return {line["round"]: line for line in lines if line["seed"] == seed}


def print_table(done: dict[int, dict[str, Any]], seed: int) -> int:
    """Print how many rounds of which fault there were; 1 if any left something wrong."""
    rounds, wrong = Counter[str](), Counter[str]()
    right = refused = taken = 0
    for line in done.values():
        name = f"{line['fault']}, {line['database']}"
        rounds[name] += 1
        wrong[name] += bool(line["problems"])
        right += line.get("right_answers", 0)
        refused += sum(line.get("refused", {}).values())
        taken += line.get("taken_over", 0)
    for name, count in sorted(rounds.items()):
        print(f"{name:34} {count:5} rounds, {count - wrong[name]:5} clean")  # noqa: T201
    total = sum(rounds.values())
    print(f"{total} rounds of seed {seed}, {total - sum(wrong.values())} clean")  # noqa: T201
    print(f"{right} answers right, {refused} refused, {taken} recordings taken over")  # noqa: T201
    return 1 if sum(wrong.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
