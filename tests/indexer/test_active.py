"""Active tracks: sampling, ends, bounds on memory."""

import numpy as np
import torch
from numpy.typing import NDArray

from indexer.active import ActiveTracks
from indexer.clips import Stretch
from indexer.sampling import kept_crop
from indexer.settings import IndexSettings
from indexer.types import Frame, Tracked
from models.preprocessing import Preprocessing, resize

SMALL = Preprocessing(height=64, width=32)


def frame(number: int, *, fps: int = 10, size: tuple[int, int] = (120, 160)) -> Frame:
    image = np.full((*size, 3), number % 256, dtype=np.uint8)
    return Frame(number, round(number * 1e6 / fps), image, size[::-1])


def person(track: int, left: float = 20.0, height: float = 40.0) -> Tracked:
    return Tracked(track, (left, 30.0, left + height / 2, 30.0 + height), 0.8)


def active(**changes: float) -> ActiveTracks:
    return ActiveTracks(IndexSettings().model_copy(update=changes), SMALL, lost_seconds=1.0)


def test_all_boxes_are_kept_and_some_moments_sampled() -> None:
    people = active()
    for number in range(10):
        assert people.update(frame(number), [person(1)]) == []
    (track,) = people.finish()
    assert track.boxes["frame"].tolist() == list(range(10))
    assert [sample.box for sample in track.samples] == [0, 2, 4, 6, 8]
    assert [sample.time_us for sample in track.samples] == [n * 100_000 for n in (0, 2, 4, 6, 8)]
    assert int(track.samples[1].crop[0, 0, 0]) == 2


def test_the_pace_is_that_of_the_frames_looked_at_not_of_the_boxes() -> None:
    people = active()
    for number in range(9):
        people.update(frame(number, fps=4), [person(1)] if number % 4 == 0 else [])
    (track,) = people.finish()
    assert (len(track.boxes), track.pace_us) == (3, 250_000)


def test_sampling_follows_time_whatever_the_rate() -> None:
    for fps in (3, 5, 12, 25, 30):
        people = active()
        for number in range(4 * fps):
            people.update(frame(number, fps=fps), [person(1)])
        (track,) = people.finish()
        assert len(track.samples) == 4 * min(fps, 5)


def test_a_track_ends_when_nobody_was_seen_for_a_while() -> None:
    people = active()
    people.update(frame(0), [person(1), person(2)])
    ended: list[tuple[int, Stretch]] = []
    for number in range(1, 20):
        ended += [(number, track) for track in people.update(frame(number), [person(2)])]
    ((number, track),) = ended
    assert number == 11
    assert len(track.boxes) == 1
    assert people.horizon_us == 0  # the other one began at 0 and lives


def test_the_horizon_passes_the_ended() -> None:
    people = active()
    people.update(frame(5), [])
    assert people.horizon_us == 500_001
    people.update(frame(6), [person(1)])
    people.update(frame(7), [person(1)])
    assert people.horizon_us == 600_000


def test_a_long_track_goes_on_as_a_new_one() -> None:
    people = active(max_track_seconds=2.0)
    tracks = [track for number in range(50) for track in people.update(frame(number), [person(1)])]
    tracks += people.finish()
    assert [int(track.boxes["frame"][0]) for track in tracks] == [0, 21, 42]
    assert sum(len(track.boxes) for track in tracks) == 50


def test_crops_of_everybody_stay_below_their_budget() -> None:
    people = active(max_crop_bytes=50_000)
    ended = []
    held = 0
    for number in range(100):
        ended += people.update(frame(number), [person(1, height=60.0), person(2, left=80.0, height=30.0)])
        held = max(held, people.crop_bytes)
    assert held <= 50_000
    tall = [track for track in ended if track.boxes["h"][0] == 60.0]
    assert tall  # the larger one is cut first
    assert sum(len(t.boxes) for t in [*ended, *people.finish()]) == 200


def test_a_box_outside_the_picture_has_no_crop() -> None:
    people = active()
    people.update(frame(0), [Tracked(1, (-60.0, 10.0, -20.0, 90.0), 1.0), Tracked(2, (5, 5, 5, 9), 1.0)])
    (track,) = people.finish()
    assert len(track.boxes) == 1
    assert track.samples == []


def test_people_at_the_edge_are_marked() -> None:
    people = active()
    people.update(frame(0), [Tracked(1, (-3.0, 30.0, 20.0, 90.0), 1.0), person(2, left=80.0)])
    at_edge, inside = people.finish()
    assert at_edge.samples[0].at_border
    assert not inside.samples[0].at_border
    assert at_edge.samples[0].crop.shape == (60, 20, 3)


def test_keeping_less_changes_nothing_for_the_network() -> None:
    rng = np.random.default_rng(5)
    for height, width in [(20, 10), (64, 32), (90, 20), (130, 70), (64, 300)]:
        crop: NDArray[np.uint8] = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
        kept = kept_crop(crop, SMALL)
        assert kept.size <= 64 * 32 * 3
        assert torch.equal(resize([kept], SMALL), resize([crop], SMALL))
        assert not np.shares_memory(kept, crop)
