"""What presets promise: how many people, in which worlds, before how many cameras."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.presets import PRESETS, TrackletPreset
from simulation.tracklets import MOST_IDENTITIES, cameras_of


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_every_preset_can_be_named_and_splits_its_worlds(preset: TrackletPreset) -> None:
    assert preset.identities <= MOST_IDENTITIES
    learnt = preset.identities - preset.test_identities
    worlds = [preset.world((identity - 1) // preset.people) for identity in range(1, preset.identities + 1)]

    # The set it follows, PRID-2011, has all people before the same two cameras.
    if preset is not PRESETS["pairs"]:
        assert not {*worlds[:learnt]} & {*worlds[learnt:]}, "people to test with share cameras with others"


def test_seeds_are_apart_so_that_no_person_is_in_two_sets() -> None:
    seeds = [preset.seed for preset in PRESETS.values()]

    assert len({*seeds}) == len(seeds)


def test_the_large_set_is_as_wide_as_it_is_said_to_be() -> None:
    preset = PRESETS["train-9000"]
    cameras = [cameras_of(preset, preset.world(part)) for part in range(preset.parts)]

    assert preset.identities - preset.test_identities == 9000
    assert preset.parts >= 100
    assert {*cameras} == {4, 5, 6}
    assert 12 < np.mean(cameras) * np.mean(preset.frames) < 16


def test_the_test_people_of_clips_are_a_thousand_in_one_world() -> None:
    preset = PRESETS["clips"]
    worlds = {preset.world(part) for part in range(preset.parts) if preset.is_test(part * preset.people + 1)}

    assert len(worlds) == 1
    assert sum(preset.is_test(identity) for identity in range(1, preset.identities + 1)) == 1000
    assert 24 <= preset.frames[0] <= preset.frames[1] <= 32


@given(st.integers(1, 500), st.integers(0, 500), st.integers(1, 60), st.booleans())
def test_parts_cover_everybody_once(identities: int, test: int, people: int, one_world: bool) -> None:
    preset = TrackletPreset(1, identities, min(test, identities), people=people, one_test_world=one_world)
    sizes = [min(people, identities - part * people) for part in range(preset.parts)]

    assert sum(sizes) == identities
    assert min(sizes) >= 1
    assert all(preset.world(part) <= part for part in range(preset.parts))


@pytest.mark.parametrize(("name", "tests"), [("unseen", 12), ("small", 4), ("train-9000", 4), ("tiny", 3)])
def test_a_smaller_set_keeps_what_it_is_for(name: str, tests: int) -> None:
    smaller = PRESETS[name].resized(12)

    assert (smaller.identities, smaller.test_identities) == (12, tests)
    assert replace(PRESETS[name], identities=12, test_identities=tests) == smaller


def test_crossing_is_as_frequent_as_asked_and_certain_where_tests_begin_with_it() -> None:
    preset = replace(PRESETS["clips"], identities=20, test_identities=10, crossed=0.3)
    rng = np.random.default_rng(1)

    learnt = [preset.is_crossed(1, rng) for _ in range(2000)]

    assert 0.25 < np.mean(learnt) < 0.35
    assert all(preset.is_crossed(11, rng) for _ in range(20))
    assert not any(PRESETS["small"].is_crossed(600, rng) for _ in range(20))
