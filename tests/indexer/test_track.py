import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from indexer.track import LOST_SECONDS, Tracker
from indexer.types import Tracked
from tests.indexer.tracks import STEP_US, detections

Row = tuple[float, float, float, float, float]


def walk(at: float, *, top: float = 50.0, score: float = 0.8) -> Row:
    return at, top, at + 40.0, top + 100.0, score


def follow(frames: dict[int, list[Row]], *, start_score: float = 0.6) -> dict[int, list[tuple[int, Tracked]]]:
    """Run a tracker over frames by their time in µs; what each track was continued with."""
    tracker, tracks = Tracker(start_score=start_score), defaultdict(list)
    for time_us, rows in frames.items():
        for person in tracker.update(detections(*rows), time_us):
            tracks[person.track].append((time_us, person))
    return tracks


def every(count: int, rows: list[Row], step_us: int = STEP_US) -> dict[int, list[Row]]:
    return {index * step_us: rows for index in range(count)}


def test_two_people_who_pass_each_other_keep_their_numbers() -> None:
    frames = {
        index * STEP_US: [walk(10.0 + 8 * index), walk(400.0 - 8 * index, top=120.0)] for index in range(50)
    }
    tracks = follow(frames)
    assert len(tracks) == 2
    for track in tracks.values():
        assert len({person.box[1] for _, person in track}) == 1
        assert len(track) >= 48


def test_only_real_detections_come_out() -> None:
    frames = {index * STEP_US: [walk(10.0 + 3 * index)] for index in range(30)}
    for gone in (12, 13, 14):
        frames[gone * STEP_US] = []
    found = follow(frames)
    given = {(time_us, row[:4]) for time_us, rows in frames.items() for row in rows}
    assert len(found) == 1
    for track in found.values():
        assert {(time_us, person.box) for time_us, person in track} <= given
        assert not {time_us for time_us, _ in track} & {12 * STEP_US, 13 * STEP_US, 14 * STEP_US}


@pytest.mark.parametrize("step_us", [40_000, 100_000, 200_000])
@pytest.mark.parametrize(("hidden", "numbers"), [(LOST_SECONDS * 0.8, 1), (LOST_SECONDS * 1.4, 2)])
def test_a_person_may_be_hidden_for_the_same_time_at_any_rate(
    step_us: int, hidden: float, numbers: int
) -> None:
    frames = every(20, [walk(10.0)], step_us)
    again = 20 * step_us + round(hidden * 1e6)
    last = max(frames)
    frames |= {time_us: [] for time_us in range(last + step_us, again, step_us)}
    frames |= {again + index * step_us: [walk(10.0)] for index in range(20)}
    assert len(follow(frames)) == numbers


def test_times_may_be_uneven() -> None:
    """A person at constant speed, seen at irregular moments."""
    times = np.cumsum(np.random.default_rng(2).choice([40_000, 80_000, 120_000, 320_000], 60))
    frames = {int(time_us): [walk(time_us * 60e-6)] for time_us in times}
    assert len(follow(frames)) == 1


def test_weak_detections_continue_a_track_but_start_none() -> None:
    weak, strong = walk(10.0, score=0.5), walk(10.0, score=0.7)
    assert not follow(every(20, [weak]))
    frames = every(20, [weak])
    frames[5 * STEP_US] = [strong]
    (track,) = follow(frames).values()
    assert [time_us // STEP_US for time_us, _ in track] == list(range(6, 20))
    assert len(follow(every(20, [weak]), start_score=0.45)) == 1


def test_frames_without_anybody() -> None:
    assert not follow(every(10, []))


def test_every_tracker_counts_for_itself_and_alike() -> None:
    frames = {index * STEP_US: [walk(10.0 + 5 * index), walk(300.0)] for index in range(30)}
    assert follow(frames) == follow(frames)


@pytest.mark.long
def test_the_library_comes_where_opencv_does_not_load(tmp_path: Path) -> None:
    (tmp_path / "cv2.py").write_text("raise ImportError('libGL.so.1: cannot open shared object file')\n")
    code = "import sys; import indexer.track; assert 'cv2' not in sys.modules"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env=environment)


def test_whoever_wants_opencv_still_gets_it() -> None:
    code = (
        "import sys\n"
        "from types import ModuleType\n"
        "sys.modules['cv2'] = own = ModuleType('cv2')\n"
        "import indexer.track\n"
        "assert sys.modules['cv2'] is own\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
