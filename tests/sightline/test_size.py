"""`sightline size`: arithmetic that can be followed by hand, and says what there is too little of."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from sightline import sizing
from sightline.main import app
from sightline.sizing import Machine, Site, index_seconds, looked_at, needs_of

GIB = 1 << 30
SITE = Site(cameras=200, days=30, people_per_hour=400)


def test_a_camera_that_sees_nobody_costs_decoding_and_comparing() -> None:
    seconds = index_seconds(replace(SITE, people_per_hour=0, resolution="720p"))
    assert seconds["decode"] == pytest.approx(1.2 * 25 * 3600 * 1.5e-3)
    assert seconds["convert and compare"] == pytest.approx(1.2 * 10 * 3600 * 4.1e-3)
    assert seconds["detect"] == pytest.approx(1.2 * 10 * 3600 * 36e-3 * 0.05)
    assert seconds["track"] == seconds["embed"] == 0


def test_what_is_kept_is_counted_by_hand() -> None:
    needs = needs_of(SITE, Machine(cores=8, memory_bytes=32 * GIB))
    assert needs.tracklets == 200 * 30 * 24 * 400 * 1.25
    assert needs.clips == needs.tracklets * 12 * 5 / 32
    assert needs.media_bytes == 200 * 30 * 86400 * 0.5e6
    assert needs.memory_bytes == needs.tracklets * 1056 + 3 * GIB
    assert needs.search_seconds == pytest.approx(0.15 + 72 * 0.04)
    assert needs.machines == math.ceil(needs.cores / 8)
    assert needs.too_little == ["cores for indexing", "time for a search", "memory for vectors"]


def test_a_small_site_has_enough_of_everything() -> None:
    needs = needs_of(Site(cameras=4, days=30, people_per_hour=40, resolution="720p"), Machine(2, 8 * GIB))
    assert (needs.machines, needs.too_little) == (1, [])
    assert needs_of(SITE, Machine()).machines is None


@given(st.floats(0, 100), st.floats(0, 100))
def test_more_people_are_never_cheaper(one: float, other: float) -> None:
    fewer, more = sorted((one, other))
    assert 0 < looked_at(fewer) <= looked_at(more) <= 1
    assert all(looked_at(people) == pytest.approx(share) for people, share in sizing.LOOKED_AT)


def test_the_command_says_that_it_reckons() -> None:
    asked = ["size", "--cameras", "200", "--days", "30", "--people-per-hour", "400", "--cores", "8"]
    told = CliRunner().invoke(app, asked)
    assert told.exit_code == 0
    assert "72,000,000" in told.output
    assert "Machines for indexing: " in told.output
    assert "One machine has too little: cores for indexing, time for a search." in told.output
    assert "docs/sizing.md" in told.output
    found = json.loads(CliRunner().invoke(app, [*asked, "--json"]).output)
    assert found["needs"]["tracklets"] == 72_000_000
    assert found["site"]["resolution"] == "1080p"


@pytest.mark.parametrize(
    "wrong", [["--cameras", "0"], ["--resolution", "8k"], ["--hours-a-day", "25"], ["--fps", "nan"]]
)
def test_what_no_site_has_is_refused(wrong: list[str]) -> None:
    asked = ["size", "--cameras", "2", "--days", "3", "--people-per-hour", "4", *wrong]
    assert CliRunner().invoke(app, asked).exit_code == 2
