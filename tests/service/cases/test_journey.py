"""Journeys: what one person can have done, and that the rest is flagged and stays."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.cases import drawing, journey
from service.cases.journey import Limits, Place, Sighting
from service.cases.sightings import Gap, Journey
from service.cases.tracks import Track, apart

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMITS = Limits(speed=10, reach=25)
# A degree of latitude is 111.195 km: the yard lies 222 m north of the gate, the annex 22 m.
GATE = Place("gate", "north", "Europe/Berlin", (52.0, 13.0))
ANNEX = Place("annex", None, "UTC", (52.0002, 13.0))
YARD = Place("yard", "south", "UTC", (52.002, 13.0))
ROOF = Place("roof <&>", None, "Asia/Tokyo", None)


def walk(start: float, end: float, rate: float = 5, x: float = 0, size: float = 1) -> Track:
    """Somebody of 40 by 100 pixels who walks to the right, 10 pixels a second, seen `rate` times a second."""
    seconds = np.arange(round((end - start) * rate) + 1) / rate + start
    boxes = np.stack(
        [x + 10 * seconds, seconds * 0, seconds * 0 + 40 * size, seconds * 0 + 100 * size], axis=1
    )
    return Track((seconds * 1e6).round().astype(np.int64), boxes)


def seen(place: Place, start: float, end: float, name: str = "t", video: str = "v") -> Sighting:
    """Two sightings that begin at other times are at other places of the picture."""
    at = [NOON + timedelta(seconds=second) for second in (start, end)]
    track = walk(start, end, x=100 * start)
    return Sighting(f"{name}{start}", f"{video}-{place.name}", place, at[0], at[1], track=track)


PAUSED = Track(  # seen for 2 seconds, then out of sight for 6, then for 2 again
    np.concatenate([walk(0, 2).times, walk(8, 10).times]),
    np.concatenate([walk(0, 2, x=500).boxes, walk(8, 10, x=500).boxes]),
)


@pytest.mark.parametrize(
    ("one", "other", "two_people"),
    [
        (walk(0, 10), walk(4, 12, x=200), True),
        (walk(0, 10), walk(4, 12), False),  # found twice, in the same boxes
        (walk(0, 10), walk(4, 12, size=0.6), False),  # and once without the legs
        (walk(0, 10), walk(4, 12, x=15), False),  # the boxes lie mostly in each other
        (walk(0, 10), walk(4, 12, x=30), True),
        (walk(0, 10, 25), walk(4.01, 12, 4), False),  # no frame is shared: other rates, the same way
        (walk(0, 10, 25), walk(4.01, 12, 4, x=200), True),
        (walk(0, 10, 5), walk(4.1, 4.1), False),  # a single frame, between two of the other
        (walk(0, 10, 5), walk(4.1, 4.1, x=90), True),
        (PAUSED, walk(3, 7), False),  # never in one picture
        (PAUSED, walk(3, 9), True),
    ],
)
def test_two_places_in_one_picture_are_two_people(one: Track, other: Track, two_people: bool) -> None:
    assert (apart(one, other), apart(other, one)) == (two_people, two_people)


def flags(*sightings: Sighting) -> list[str | None]:
    return [step.flag for step in journey.steps(journey.ordered(sightings), LIMITS)]


@pytest.mark.parametrize(
    ("one", "other", "flag"),
    [
        (seen(GATE, 0, 10), seen(YARD, 60, 70), None),  # 172 m in 50 s
        (seen(GATE, 0, 10), seen(YARD, 20, 30), "too_fast"),  # in 10 s
        (seen(GATE, 0, 10), seen(YARD, 10, 30), "overlap"),  # in no time
        (seen(GATE, 0, 10), seen(YARD, 5, 30), "overlap"),
        (seen(GATE, 0, 10), seen(ANNEX, 5, 30), None),  # both may see the same place
        (seen(GATE, 0, 10), seen(ROOF, 5, 30), "overlap"),  # nobody knows where the roof is
        (seen(GATE, 0, 10), seen(ROOF, 11, 30), None),
        (seen(GATE, 0, 10), seen(GATE, 5, 30), "twice_in_view"),
        (seen(GATE, 0, 10), seen(GATE, 5, 30, video="w"), None),  # another file of the same hours
        (seen(GATE, 0, 10), seen(GATE, 10, 30), None),
    ],
)
def test_what_one_person_cannot_have_done_is_flagged(
    one: Sighting, other: Sighting, flag: str | None
) -> None:
    assert flags(one, other) == [flag]
    (step,) = journey.steps([one, other], LIMITS)
    assert (step.reason is None) == (flag is None)
    assert step.seconds == (other.start - one.end).total_seconds()


def test_a_long_sighting_overlaps_more_than_the_next_one() -> None:
    found = [seen(GATE, 0, 600), seen(GATE, 10, 20, video="w"), seen(YARD, 100, 110)]
    assert flags(*found) == [None, None]
    assert [(one.before, one.after, one.flag) for one in journey.conflicts(found, LIMITS)] == [
        (0, 2, "overlap")
    ]


@pytest.mark.parametrize(
    ("one", "other", "metres"),
    [
        ((52.0, 13.0), (52.0, 13.0), 0),
        ((0.0, 0.0), (0.0, 90.0), 10_007_557),
        ((90.0, 0.0), (-90.0, 77.0), 20_015_115),
        ((0.0, 179.9995), (0.0, -179.9995), 111.2),
        ((50.0664, -5.7147), (58.6440, -3.0700), 968_900),  # Land's End to John o' Groats
    ],
)
def test_distances_are_those_on_the_globe(
    one: tuple[float, float], other: tuple[float, float], metres: float
) -> None:
    assert journey.metres_between(one, other) == pytest.approx(metres, rel=1e-3, abs=0.1)


_PLACES = st.sampled_from([GATE, ANNEX, YARD, ROOF])
_SIGHTINGS = st.lists(
    st.builds(
        lambda place, start, length, number: seen(place, start, start + length, f"n{number}-"),
        _PLACES,
        st.integers(0, 300),
        st.integers(0, 60),
        st.integers(0, 9),
    ),
    max_size=8,
)


@given(_SIGHTINGS)
def test_every_sighting_stays_and_a_conflict_is_one_whichever_speed_is_allowed_below(
    sightings: Sequence[Sighting],
) -> None:
    found = journey.ordered(sightings)
    assert sorted(map(id, found)) == sorted(map(id, sightings))
    assert all(one.start <= other.start for one, other in pairwise(found))
    steps = journey.steps(found, LIMITS)
    assert len(steps) == max(0, len(found) - 1)
    pairs = {(one.before, one.after) for one in journey.conflicts(found, LIMITS)}
    assert {(one.before, one.after) for one in steps if one.flag} <= pairs
    faster = Limits(speed=20, reach=25)
    assert {(one.before, one.after) for one in journey.conflicts(found, faster)} <= pairs
    assert all(step.speed is None or math.isfinite(step.speed) for step in steps)
    drawn = _journey(found)
    for picture in (drawing.timeline(drawn), drawing.ground(drawn)):
        ElementTree.fromstring(picture)


def _journey(found: Sequence[Sighting]) -> Journey:
    gaps = [Gap("gate", "Europe/Berlin", NOON, NOON + timedelta(seconds=40), "not_recorded")]
    conflicts = journey.conflicts(found, LIMITS)
    places = [GATE, ANNEX, YARD, ROOF]
    return Journey(found, journey.steps(found, LIMITS), conflicts, len(conflicts), gaps, 1, places, LIMITS, 0)


def test_pictures_show_local_times_impossible_ways_and_no_markup_of_names() -> None:
    found = [seen(GATE, 0, 10), seen(YARD, 5, 30), seen(ROOF, 100, 120)]
    timeline = drawing.timeline(_journey(found)).decode()
    assert "2026-03-01, Europe/Berlin (UTC+01:00)" in timeline  # the clocks of the axis
    assert ">13:00:00<" in timeline, "the day stands above the axis"
    assert ">13:01:30<" in timeline
    assert "1  13:00:00" in timeline
    assert ">21:01:40 UTC+09:00<" in timeline  # Tokyo
    assert 'data-at="2026-03-01T12:01:40+00:00" data-zone="Asia/Tokyo" data-form="moment"' in timeline
    assert "UTC: 2026-03-01 12:01:40 to 12:02:00" in timeline
    assert "not recorded, or not searched" in timeline
    assert timeline.count("url(#missing)") == 2  # the gap and the legend
    assert "roof &lt;&amp;&gt;" in timeline
    assert "impossible for one person" in timeline
    assert "not searched: not_recorded" in timeline
    ground = drawing.ground(_journey(found)).decode()
    assert "gate, 1" in ground
    assert "roof" not in ground
    assert "impossible for one person" in ground
    assert "100 m" in ground
    night = drawing.timeline(_journey([seen(GATE, 0, 10), seen(GATE, 40_000, 40_010)])).decode()
    assert ">2026-03-02 00:00<" in night, "another day than the one above the axis is named"
    assert b"No camera" in drawing.ground(_journey([seen(ROOF, 0, 1)]))
    assert b"No hit" in drawing.timeline(_journey([]))
