"""Stages and pipes: order, bounds, errors and what is left running."""

import threading
import time

import pytest

from indexer.flow import Flow, Pipe
from tests.waiting import PATIENCE, take_time


class BoomError(Exception):
    pass


def index_threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("index-")]


def count_into(pipe: Pipe[int], n: int) -> None:
    for number in range(n):
        pipe.put(number)


def test_items_pass_two_stages_in_order() -> None:
    with Flow() as flow:
        first: Pipe[int] = flow.pipe(2)
        second: Pipe[int] = flow.pipe(3)

        def double() -> None:
            for item in first:
                second.put(2 * item)

        flow.stage("count", lambda: count_into(first, 500), out=first)
        flow.stage("double", double, out=second)
        assert list(second) == [2 * n for n in range(500)]
    assert set(flow.seconds) == {"count", "double"}
    assert index_threads() == []


def test_a_full_pipe_holds_its_producer_back() -> None:
    produced: list[int] = []
    with Flow() as flow:
        pipe: Pipe[int] = flow.pipe(4)

        def produce() -> None:
            for number in range(50):
                pipe.put(number)
                produced.append(number)

        flow.stage("produce", produce, out=pipe)
        for taken, _ in enumerate(pipe, start=1):
            take_time(0.001)
            assert len(produced) <= taken + 4


def test_an_error_of_a_stage_stops_the_others_and_is_raised() -> None:
    def run() -> None:
        with Flow() as flow:
            pipe: Pipe[int] = flow.pipe(1)
            after: Pipe[int] = flow.pipe(1)

            def fail() -> None:
                for item in pipe:
                    if item == 3:
                        raise BoomError
                    after.put(item)

            flow.stage("endless", lambda: count_into(pipe, 10**9), out=pipe)
            flow.stage("fail", fail, out=after)
            assert list(after) == [0, 1, 2]

    with pytest.raises(BoomError):
        run()
    assert index_threads() == []


def test_an_error_of_the_owner_stops_the_stages() -> None:
    def run() -> None:
        with Flow() as flow:
            pipe: Pipe[int] = flow.pipe(1)
            flow.stage("endless", lambda: count_into(pipe, 10**9), out=pipe)
            next(iter(pipe))
            raise BoomError

    with pytest.raises(BoomError):
        run()
    assert index_threads() == []


def test_polling_lets_the_owner_look_around_while_nothing_comes() -> None:
    release = threading.Event()
    with Flow() as flow:
        pipe: Pipe[int] = flow.pipe(1)

        def late() -> None:
            release.wait()
            pipe.put(7)

        flow.stage("late", late, out=pipe)
        seen: list[int | None] = []
        for item in pipe.poll(0.01):
            seen.append(item)
            if len(seen) == 3:
                release.set()
    assert seen[:3] == [None, None, None]
    assert [item for item in seen if item is not None] == [7]


def test_waiting_is_no_work() -> None:
    began = time.perf_counter()
    with Flow() as flow:
        pipe: Pipe[int] = flow.pipe(1)
        flow.stage("fast", lambda: count_into(pipe, 10), out=pipe)
        for _ in pipe:
            take_time(0.05)
    assert flow.seconds["fast"] < (time.perf_counter() - began) / 2


def test_work_side_by_side_comes_back_in_order() -> None:
    running: list[int] = []
    most = 0
    together = threading.Barrier(3, timeout=PATIENCE)

    def work(item: int) -> int:
        nonlocal most
        running.append(item)
        most = max(most, len(running))
        together.wait()
        running.remove(item)
        return 2 * item

    with Flow() as flow:
        assert list(flow.side_by_side("work", work, range(12), 3)) == [2 * n for n in range(12)]
    assert most == 3
    assert set(flow.seconds) == {"work"}


def test_an_error_side_by_side_is_raised_in_its_turn() -> None:
    def work(item: int) -> int:
        if item == 5:
            raise BoomError
        return item

    with Flow() as flow:
        results = flow.side_by_side("work", work, range(100), 4)
        assert [next(results) for _ in range(5)] == list(range(5))
        with pytest.raises(BoomError):
            next(results)
    assert index_threads() == []


def test_a_pipe_is_bounded_in_bytes_and_takes_a_single_item_of_any_size() -> None:
    """The consumer looks only after all has been offered, so what is held then is all that fits."""
    with Flow() as flow:
        pipe: Pipe[bytes] = flow.pipe(10, bytes_of=len, most_bytes=100)
        offered: list[int] = []

        def produce() -> None:
            for size in (500, 60, 40, 30):
                pipe.put(bytes(size))
                offered.append(size)

        flow.stage("produce", produce, out=pipe)
        sizes, held = [], []
        for item in pipe:
            sizes.append(len(item))
            held.append(sum(offered) - sum(sizes))
    assert sizes == [500, 60, 40, 30]
    assert max(held) <= 100
