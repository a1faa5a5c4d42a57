"""Limits of requests: how buckets fill, what callers are told, that they stay small."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from service.access.limits import place_of
from service.access.rates import Rate
from tests.service.conftest import Archive


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_is_emptied_at_once_and_fills_evenly() -> None:
    clock = Clock()
    rate = Rate("key", 3, window=60, clock=clock)
    taken = [rate.take("a") for _ in range(4)]
    assert [one.admitted for one in taken] == [True, True, True, False]
    assert [one.remaining for one in taken] == [2, 1, 0, 0]
    assert [one.reset for one in taken] == pytest.approx([20, 40, 60, 60])
    assert taken[-1].wait == pytest.approx(20)
    assert rate.take("b").admitted, "each caller has a quota of its own"
    clock.now += 19.9
    assert not rate.take("a").admitted
    clock.now += 0.1
    assert [rate.take("a").admitted for _ in range(2)] == [True, False], "what was refused cost nothing"


@given(
    quota=st.integers(1, 50),
    steps=st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=200),
)
def test_no_window_admits_more_than_twice_the_quota_nor_refuses_the_first(
    quota: int, steps: list[float]
) -> None:
    clock = Clock()
    rate = Rate("key", quota, window=60, clock=clock)
    admitted: list[float] = []
    for number, step in enumerate(steps):
        clock.now += step
        one = rate.take("a")
        assert one.admitted or number >= quota
        if one.admitted:
            admitted.append(clock.now)
        else:
            clock.now += one.wait + 1e-3
            assert rate.take("a").admitted, "after the time it was told to wait"
            admitted.append(clock.now)
    for start in admitted:
        assert sum(start <= at < start + 60 for at in admitted) <= 2 * quota


def test_memory_is_bounded() -> None:
    clock = Clock()
    rate = Rate("address", 10, window=60, clock=clock, most=100)
    for number in range(1000):
        rate.take(f"10.0.{number // 256}.{number % 256}")
    assert len(rate) == 100
    clock.now += 7  # all of them are full again
    rate.take("one more")
    assert len(rate) == 1


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unknown", "unknown"),
        ("_hidden", "unknown"),
    ],
)
def test_an_address_is_counted_with_its_network(address: str, place: str) -> None:
    assert place_of(address) == place


def test_too_many_requests_are_told_when_to_come_back(
    make_app: Callable[..., FastAPI], archive: Archive, secret: str
) -> None:
    _, other = archive.gallery.keys.create("other")
    app = make_app(key_requests_per_minute=5, address_requests_per_minute=8)
    with TestClient(app, headers={"X-API-Key": secret}) as client:
        first = client.get("/v1/cameras")
        assert first.headers["ratelimit-policy"] == '"address";q=8;w=60, "key";q=5;w=60'
        assert first.headers["ratelimit"] == '"address";r=7;t=8, "key";r=4;t=12'
        assert [client.get("/v1/unknown").status_code for _ in range(4)] == [404] * 4
        refused = client.post("/v1/cameras", content=b"{" * 1000)
        assert (refused.status_code, refused.json()["type"]) == (429, "urn:sightline:problem:rate-limited")
        assert 1 <= int(refused.headers["retry-after"]) <= 12
        began, seconds = refused.headers["ratelimit"].rsplit("=", 1)
        assert (began, 1 <= int(seconds) <= 60) == ('"key";r=0;t', True)
        others = [client.get("/v1/cameras", headers={"X-API-Key": other}) for _ in range(3)]
        assert [answer.status_code for answer in others] == [200, 200, 429]
        assert '"address";r=0' in others[-1].headers["ratelimit"]
        assert client.get("/livez").status_code == client.get("/").status_code == 200
        elsewhere = TestClient(app, client=("192.0.2.9", 5), headers={"X-API-Key": other})
        assert elsewhere.get("/v1/cameras").status_code == 200


def test_wrong_keys_are_refused_sooner_and_fill_no_trail(
    make_app: Callable[..., FastAPI], archive: Archive, secret: str
) -> None:
    with TestClient(make_app(address_failures_per_minute=3)) as client:
        wrong = {"X-API-Key": "sl_" + "a" * 43}
        tries = [client.post("/v1/session", headers=wrong).status_code for _ in range(6)]
        assert tries == [401] * 3 + [429] * 3
        assert len(archive.gallery.audit.events(action="session.refuse")) == 3
        assert client.get("/v1/cameras").status_code == 401, "no key is no attempt"
        assert client.get("/v1/cameras", headers={"X-API-Key": secret}).status_code == 200


def test_limits_can_be_turned_off(make_app: Callable[..., FastAPI], secret: str) -> None:
    off = ("key_requests_per_minute", "address_requests_per_minute", "address_failures_per_minute")
    with TestClient(make_app(**dict.fromkeys(off, 0))) as client:
        for _ in range(40):
            assert client.get("/v1/cameras", headers={"X-API-Key": "wrong"}).status_code == 401
        answer = client.get("/v1/cameras", headers={"X-API-Key": secret})
        assert not any(name.startswith("ratelimit") for name in answer.headers)


def test_a_page_of_results_is_far_from_the_limits(make_app: Callable[..., FastAPI], secret: str) -> None:
    with TestClient(make_app(), headers={"X-API-Key": secret}) as client:
        answers = [client.get("/v1/cameras") for _ in range(60)]
    assert {answer.status_code for answer in answers} == {200}
    assert int(answers[-1].headers["ratelimit"].split('"key";r=')[1].split(";")[0]) > 5000
