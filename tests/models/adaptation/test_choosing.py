"""Samples are spread over cameras and hours; whole stretches of time are held out."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from models.adaptation.choosing import HOUR, STRETCH, held_out, spread_sample
from models.adaptation.source import Sighting


def seen(camera: int, begins: float) -> Sighting:
    return Sighting(f"{camera}-{begins}", f"camera {camera}", "one", begins, begins + 5)


def test_a_quiet_camera_is_not_drowned_out() -> None:
    busy = [seen(0, 3.6 * n) for n in range(10_000)]  # ten hours
    quiet = [seen(1, 360 * n) for n in range(100)]

    chosen = [(busy + quiet)[i] for i in spread_sample(busy + quiet, 200, seed=0)]

    cameras = Counter(sighting.camera for sighting in chosen)
    assert cameras["camera 1"] == 100
    hours = Counter(s.start // HOUR for s in chosen if s.camera == "camera 0")
    assert len(hours) == 10
    assert max(hours.values()) - min(hours.values()) <= 1


@given(count=st.integers(0, 60), most=st.integers(0, 60), seed=st.integers(0, 9))
def test_a_sample_is_as_large_as_asked_and_in_order(count: int, most: int, seed: int) -> None:
    sightings = [seen(n % 3, 1000.0 * n) for n in range(count)]

    chosen = spread_sample(sightings, most, seed)

    assert len(chosen) == min(count, most)
    assert chosen == sorted(set(chosen))
    assert chosen == spread_sample(sightings, most, seed)


def test_stretches_are_held_out_whole() -> None:
    sightings = [seen(n % 2, 60.0 * n) for n in range(1000)]

    judged = held_out(sightings, 100, seed=1)

    whole = Counter(sightings[i].start // STRETCH for i in judged)
    assert len(judged) == 100
    assert sum(count == STRETCH / 60 for count in whole.values()) >= len(whole) - 1


def test_where_times_are_not_known_tracklets_are_drawn_one_by_one() -> None:
    sightings = [Sighting(str(n), "hall", "one") for n in range(50)]

    judged = held_out(sightings, 20, seed=1)

    assert len(set(judged)) == 20
    assert judged != list(range(20))
