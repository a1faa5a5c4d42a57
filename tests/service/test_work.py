"""Lanes: bounded, fair between keys, and nothing is done for a client that went away."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from starlette.requests import Request
from starlette.types import Message

from service.errors import Abandoned, Busy
from service.turns import Turn, Turns
from service.work import Lane, checkpoint


class Client:
    """The connection of a request, which can break."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.request = Request({"type": "http"}, self._receive)

    async def _receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}


class Gate:
    """Work that takes until it is let through, and notes in which order it began."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self._steps = threading.Semaphore(0)

    def work(self, name: str) -> Callable[[], str]:
        def work() -> str:
            self.begun.append(name)
            self._steps.acquire()
            return name

        return work

    def let_through(self, count: int) -> None:
        self._steps.release(count)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.005)


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(test())


def start(lane: Lane, gate: Gate, key: str, name: str, client: Client | None = None) -> "asyncio.Task[str]":
    return asyncio.create_task(lane.run(key, (client or Client()).request, gate.work(name)))


def test_keys_take_turns() -> None:
    async def test() -> None:
        lane, gate = Lane(1, 100), Gate()
        tasks = [start(lane, gate, "greedy", f"g{i}") for i in range(6)]
        await until(lambda: gate.begun == ["g0"])
        tasks += [start(lane, gate, key, key) for key in ("a", "b")]
        await asyncio.sleep(0)
        gate.let_through(8)
        await asyncio.gather(*tasks)
        assert gate.begun[:5] == ["g0", "g1", "a", "b", "g2"]
        assert await start(lane, gate_open(), "a", "after") == "after"

    run(test)


def gate_open() -> Gate:
    gate = Gate()
    gate.let_through(1)
    return gate


def test_a_full_queue_costs_the_key_that_fills_it() -> None:
    async def test() -> None:
        lane, gate = Lane(1, 4), Gate()
        greedy = [start(lane, gate, "greedy", f"g{i}") for i in range(5)]
        await until(lambda: gate.begun == ["g0"])
        with pytest.raises(Busy):
            await start(lane, gate, "greedy", "one too many")
        modest = start(lane, gate, "modest", "m")
        with pytest.raises(Busy):
            await greedy[4]
        gate.let_through(5)
        assert await modest == "m"
        assert [await task for task in greedy[:4]] == ["g0", "g1", "g2", "g3"]

    run(test)


def test_who_would_wait_for_too_long_is_told_when_to_come_back() -> None:
    async def test() -> None:
        now = [0.0]
        lane, gate = Lane(1, 100, max_seconds=10.0, clock=lambda: now[0]), Gate()
        first = start(lane, gate, "a", "first")
        await until(lambda: gate.begun == ["first"])
        now[0] = 4.0  # that is what a request takes
        gate.let_through(1)
        await first
        greedy = [start(lane, gate, "a", f"a{i}") for i in range(3)]  # one runs, two wait for up to 8 s
        await until(lambda: lane.waiting == 2)
        with pytest.raises(Busy) as refused:
            await start(lane, gate, "a", "would wait for 12 s")
        assert refused.value.headers == {"Retry-After": "2"}
        modest = start(lane, gate, "b", "b0")  # before the second of the other key
        await until(lambda: lane.waiting == 3)
        with pytest.raises(Busy) as refused:
            await start(lane, gate, "b", "would wait for 16 s")
        assert refused.value.headers == {"Retry-After": "6"}
        gate.let_through(4)
        await asyncio.gather(*greedy, modest)
        assert gate.begun == ["first", "a0", "a1", "b0", "a2"]

    run(test)


def test_nobody_waits_for_longer_than_that() -> None:
    async def test() -> None:
        lane, gate = Lane(1, 100, max_seconds=0.05), Gate()
        first = start(lane, gate, "a", "first")  # nobody knows how long it takes, and it takes long
        await until(lambda: gate.begun == ["first"])
        with pytest.raises(Busy) as refused:
            await start(lane, gate, "b", "waits in vain")
        assert refused.value.headers == {"Retry-After": "2"}
        assert lane.waiting == 0
        gate.let_through(1)
        assert await first == "first"
        assert await start(lane, gate_open(), "b", "after") == "after"

    run(test)


def test_no_key_has_more_than_its_share() -> None:
    async def test() -> None:
        turns = Turns(3, 100, share=2)
        begun: list[str] = []
        leaves: list[Callable[[], None]] = []

        async def enter(key: str, name: str) -> None:
            leaves.append(await turns.enter(key, Turn()))
            begun.append(name)

        waiting = [asyncio.create_task(enter("greedy", f"g{number}")) for number in range(4)]
        await until(lambda: turns.waiting == 2)
        assert begun == ["g0", "g1"], "there is room for one more, of another key"
        waiting += [asyncio.create_task(enter(key, key)) for key in ("a", "b")]
        await until(lambda: turns.waiting == 3)
        assert begun == ["g0", "g1", "a"]
        for expected in (["g2"], ["g2", "b"], ["g2", "b", "g3"]):
            leaves.pop(0)()
            await until(lambda expected=expected: begun[3:] == expected)  # type: ignore[misc]
        for leave in leaves:
            leave()
        await asyncio.gather(*waiting)
        assert not turns._held
        assert turns._free == 3

    run(test)


def test_what_nobody_waits_for_is_not_begun() -> None:
    async def test() -> None:
        lane, gate, client = Lane(1, 4), Gate(), Client()
        first = start(lane, gate, "a", "first")
        await until(lambda: gate.begun == ["first"])
        left, cancelled = start(lane, gate, "a", "left", client), start(lane, gate, "b", "cancelled")
        last = start(lane, gate, "b", "last")
        await asyncio.sleep(0)
        client.gone.set()
        cancelled.cancel()
        with pytest.raises(Abandoned):
            await left
        gate.let_through(2)
        await asyncio.gather(first, last)
        assert gate.begun == ["first", "last"]

    run(test)


def test_what_nobody_waits_for_stops_at_its_next_checkpoint() -> None:
    async def test() -> None:
        lane, client = Lane(1, 0), Client()
        begun = threading.Event()

        def work() -> None:
            begun.set()
            while True:
                checkpoint()

        task = asyncio.create_task(lane.run("a", client.request, work))
        await until(begun.is_set)
        with pytest.raises(Busy):
            await lane.run("b", Client().request, checkpoint)
        client.gone.set()
        with pytest.raises(Abandoned):
            await task
        await lane.run("b", Client().request, checkpoint)

    run(test)


def test_a_failure_frees_its_place() -> None:
    async def test() -> None:
        lane = Lane(1, 4)

        def fails() -> None:
            raise KeyError("x")

        for _ in range(3):
            with pytest.raises(KeyError):
                await lane.run("a", Client().request, fails)

    run(test)


def test_outside_a_lane_nothing_is_abandoned() -> None:
    checkpoint()
