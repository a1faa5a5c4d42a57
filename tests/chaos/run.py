"""Rounds of faults with the real processes; prints how many of each there were.

    python -m tests.chaos.run 100 --seed 1 --log out/chaos.jsonl
    python -m tests.chaos.run 20 --fault "kill postgresql" --lanes 1

Every round is a line of the log; what the processes said in a round that left something wrong is kept beside
it. A run that is begun again with the same seed and log goes on where it stopped; round N of a seed is always
the same fault, at the same moment of the work, with the recordings in the same order. Half of a round is
waiting, for a lease to run out or a process to end, so several go on side by side: lanes, each a process with
a PostgreSQL of its own.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
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
    if asked.lane is not None or asked.lanes == 1:
        _run_lane(asked, asked.lane or 0)
    else:
        _run_lanes(asked)
    if asked.lane is not None:
        return 0
    done = done_in(asked.log, asked.seed)
    print_table(done, asked.seed)
    return 1 if len(done) < asked.rounds or any(line["problems"] for line in done.values()) else 0


def _run_lanes(asked: argparse.Namespace) -> None:
    """Play every lane in a process of its own."""
    command = [sys.executable, "-m", "tests.chaos.run", *sys.argv[1:], "--lanes", str(asked.lanes)]
    # In sessions of their own: Ctrl-C is ours, and they are told once.
    lanes = [
        subprocess.Popen([*command, "--lane", str(lane)], start_new_session=True)
        for lane in range(asked.lanes)
    ]
    try:
        for lane in lanes:
            lane.wait()
    except KeyboardInterrupt:
        for lane in lanes:
            lane.terminate()
        for lane in lanes:
            lane.wait()


def _run_lane(asked: argparse.Namespace, lane: int) -> None:
    """Play what is left of the rounds of a lane."""
    done = done_in(asked.log, asked.seed)
    left = [number for number in range(lane, asked.rounds, asked.lanes) if number not in done]
    if not left:
        return
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        world = World(Path(folder))
        try:
            kinds = [one for one in world.faults() if asked.fault in {None, one[0]}]
            for number in left:
                _play(world, kinds, asked, number)
        except KeyboardInterrupt:
            print("stopped: the same command goes on", flush=True)  # noqa: T201
        finally:
            world.close()
            os.sync()


def _play(world: World, kinds: list[tuple[str, str]], asked: argparse.Namespace, number: int) -> None:
    random_ = random.Random(f"{asked.seed}/{number}")
    fault, kind = kinds[number % len(kinds)]
    began = time.monotonic()
    try:
        outcome = asdict(world.play(fault, kind, random_))
    except AssertionError as error:
        outcome = {"fault": fault, "database": kind, "problems": [f"never ended: {error}"]}
    if outcome["problems"]:
        kept = asked.log.parent / f"{asked.log.stem}-{asked.seed}-{number}"
        shutil.copytree(world.said, kept, dirs_exist_ok=True)
    seconds = round(time.monotonic() - began, 1)
    line = {"seed": asked.seed, "round": number, "seconds": seconds, **outcome}
    with asked.log.open("a") as log:
        log.write(json.dumps(line) + "\n")
    verdict = "; ".join(outcome["problems"]) or "clean"
    moment = outcome.get("moment", {})
    when = f"{'in' if moment.get('midst') else 'outside'} work, {moment.get('planned')}"
    print(f"{number:5} {kind:10} {fault:18} {seconds:6.1f} s  {when:40} {verdict[:300]}", flush=True)  # noqa: T201


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("rounds", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, default=Path("out/chaos.jsonl"))
    parser.add_argument("--fault", help="only this one")
    cores = len(os.sched_getaffinity(0))
    parser.add_argument("--lanes", type=int, default=cores, help="rounds side by side; by default one a core")
    parser.add_argument("--lane", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def done_in(log: Path, seed: int) -> dict[int, dict[str, Any]]:
    """Rounds of this seed that are in the log."""
    lines = map(json.loads, log.read_text().splitlines()) if log.exists() else ()
    return {line["round"]: line for line in lines if line["seed"] == seed}


def print_table(done: dict[int, dict[str, Any]], seed: int) -> None:
    """Print how many rounds of which fault there were, clean, and struck in the middle of work."""
    rounds, wrong, midst = Counter[str](), Counter[str](), Counter[str]()
    right = refused = taken = 0
    for line in done.values():
        name = f"{line['fault']}, {line['database']}"
        rounds[name] += 1
        wrong[name] += bool(line["problems"])
        midst[name] += line.get("moment", {}).get("midst", False)
        right += line.get("right_answers", 0)
        refused += sum(line.get("refused", {}).values())
        taken += line.get("taken_over", 0)
    for name, count in sorted(rounds.items()):
        clean = count - wrong[name]
        print(f"{name:34} {count:5} rounds, {clean:5} clean, {midst[name]:5} in the middle of work")  # noqa: T201
    total = sum(rounds.values())
    print(f"{total} rounds of seed {seed}, {total - sum(wrong.values())} clean")  # noqa: T201
    print(f"{sum(midst.values())} faults in the middle of work")  # noqa: T201
    print(f"{right} answers right, {refused} refused, {taken} recordings taken over")  # noqa: T201


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
