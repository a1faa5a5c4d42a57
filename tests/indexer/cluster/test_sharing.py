"""One recording looked at by several actors, which may be lost: the rows are those of one machine."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gallery import Gallery, ObjectSettings, ObjectsUnavailable, Places
from indexer.cluster.indexing import ClusterIndexing
from indexer.cluster.lanes import Lane, run_lanes
from indexer.cluster.pool import Pool
from indexer.cluster.settings import ClusterSettings
from indexer.errors import ClusterUnavailable
from indexer.sandbox import open_sandboxed
from indexer.settings import IndexSettings
from indexer.types import Share
from indexer.worker import Worker
from tests.indexer.cluster.conftest import SETTINGS, indexed
from tests.indexer.cluster.fakes import MODEL, ChangesDetector, FakeNetworks, Loaded, NearRemote
from tests.indexer.footage import encode
from tests.indexer.test_objects import file_object, outcome
from tests.indexer.test_worker import file_job
from tests.objects import Store
from tests.waiting import take_time, until

Dies = Callable[[str], bool]
SPLIT = ClusterSettings(split_seconds=1.0, shares=3)


@given(st.integers(1, 5), st.integers(1, 7), st.integers(0, 4), st.integers(1, 60))
def test_every_frame_is_in_one_share(of: int, frames: int, begin: int, sampled: int) -> None:
    shares = [Share(number, of, frames=frames) for number in range(of)]
    owners = [[share.number for share in shares if share.has(frame, 100)] for frame in range(sampled)]
    assert owners == [[frame // frames % of] for frame in range(sampled)]
    later = [replace(share, begin=begin) for share in shares]
    kept = [frame for frame in range(sampled) if any(share.has(frame, 100) for share in later)]
    assert kept == [frame for frame in range(sampled) if frame // frames >= begin]
    assert Share(frames=frames, most_bytes=250).length(100) == min(frames, 2)


def test_shares_of_a_recording_are_its_frames_and_say_the_same_of_it(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", frames=60)
    with open_sandboxed(path, SETTINGS) as recorded:
        whole = list(recorded.frames(fps=10))
    found: dict[int, Any] = {}
    for number in range(3):
        with open_sandboxed(path, SETTINGS) as part:
            for frame in part.frames(fps=10, share=Share(number, 3, frames=4)):
                assert frame.index not in found
                found[frame.index] = frame
            assert part.statistics == recorded.statistics
    assert sorted(found) == [frame.index for frame in whole]
    assert all(np.array_equal(found[frame.index].image, frame.image) for frame in whole)


class Setup:
    """A pool of near actors, and a worker that uses them."""

    def __init__(
        self, gallery: Gallery, remotes: Sequence[NearRemote], cluster: ClusterSettings = SPLIT
    ) -> None:
        self.gallery, self.remotes, self.cluster, self.pool = gallery, remotes, cluster, Pool()
        for remote in remotes:
            self.pool.add(remote)

    def worker(self, number: int, lane: Lane, settings: IndexSettings = SETTINGS) -> Worker:
        model = Loaded()
        indexing = ClusterIndexing(
            self.gallery,
            self.pool,
            settings,
            self.cluster,
            model=lambda: (model(), MODEL),
            detector_factory=lambda size: ChangesDetector(),
            first=lambda: lane.remote,
        )
        return Worker(self.gallery, model, settings, f"w{number}", indexing=indexing, gate=lane)

    def run(self, settings: IndexSettings = SETTINGS) -> None:
        self.worker(0, Lane(self.pool), settings).run(threading.Event(), once=True)


Make = Callable[..., Setup]


@pytest.fixture
def cluster(sqlite_gallery: Gallery) -> Iterator[Make]:
    """Makes a set-up of as many actors as are told when they die."""
    made: list[NearRemote] = []

    def make(*dies: Dies | None, networks: FakeNetworks | None = None, **changes: Any) -> Setup:
        nodes = [
            NearRemote(f"node {n}", SETTINGS, dies=die or (lambda _: False), networks=networks)
            for n, die in enumerate(dies)
        ]
        made.extend(nodes)
        return Setup(sqlite_gallery, nodes, SPLIT.model_copy(update=changes))

    yield make
    for remote in made:
        remote.close()


def after(calls: int, method: str = "take") -> Dies:
    """Dies at this call of a method."""
    left = [calls]

    def dies(called: str) -> bool:
        left[0] -= called == method
        return left[0] < 0

    return dies


@pytest.mark.parametrize("actors", [1, 2, 3])
def test_the_rows_are_those_of_one_machine(
    sqlite_gallery: Gallery, crowds: list[Path], on_one_machine: list[Any], cluster: Make, actors: int
) -> None:
    setup = cluster(*[None] * actors)
    job = file_job(sqlite_gallery, crowds[0])
    setup.run()
    (recording,) = sqlite_gallery.jobs.get(job.id).recordings
    assert (recording.state, recording.reason) == ("succeeded", None)
    assert recording.counters["frames_detected"] == 80
    assert indexed(sqlite_gallery) == on_one_machine[0]
    assert ["take" in remote.asked for remote in setup.remotes] == [True] * actors
    assert setup.pool.free == actors


def test_frames_too_few_for_all_who_look(sqlite_gallery: Gallery, crowds: list[Path], cluster: Make) -> None:
    """A recording that is shorter than its header says: some actors have nothing to look at."""
    setup = cluster(None, None, None, split_seconds=0.1)
    job = file_job(sqlite_gallery, crowds[0])
    setup.run(SETTINGS.model_copy(update={"detect_fps": 1.0}))
    assert sqlite_gallery.jobs.get(job.id).recordings[0].state == "succeeded"


@pytest.mark.parametrize(
    "dies",
    [
        [after(0, "open"), None],
        pytest.param([after(0, "look"), None], marks=pytest.mark.long),
        pytest.param([after(1), None], marks=pytest.mark.long),
        [after(2), None, None],
        pytest.param([None, after(0), after(1)], marks=pytest.mark.long),
        pytest.param([after(1, "embed"), None], marks=pytest.mark.long),
        [after(1, "embed"), after(2)],  # the last one does everything
    ],
)
def test_what_a_lost_node_had_is_done_by_another(
    sqlite_gallery: Gallery,
    crowds: list[Path],
    on_one_machine: list[Any],
    cluster: Make,
    dies: Sequence[Dies | None],
) -> None:
    lost = sum(one is not None for one in dies)
    setup = cluster(*dies, *([None] if lost == len(dies) else []))
    job = file_job(sqlite_gallery, crowds[0])
    setup.run()
    (recording,) = sqlite_gallery.jobs.get(job.id).recordings
    assert (recording.state, recording.reason, recording.attempts) == ("succeeded", None, 1)
    assert indexed(sqlite_gallery) == on_one_machine[0]
    assert len(setup.remotes) - lost <= setup.pool.size < len(setup.remotes)


@pytest.mark.long
def test_a_recording_that_nodes_die_of_fails_and_the_next_does_not(
    sqlite_gallery: Gallery, crowds: list[Path], cluster: Make
) -> None:
    setup = cluster(*[after(1)] * 3, None, shares=1)
    job = file_job(sqlite_gallery, *crowds)
    setup.run()
    first, second = sqlite_gallery.jobs.get(job.id).recordings
    assert (first.state, second.state) == ("failed", "succeeded")
    assert first.reason == (
        "crowd0.mp4: given up: 3 nodes were lost while they worked on it: node 0, node 1, node 2"
    )


def test_without_any_node_the_recording_goes_back_and_waits(
    sqlite_gallery: Gallery, crowds: list[Path], on_one_machine: list[Any], cluster: Make
) -> None:
    setup = cluster(after(1))
    setup.pool.why_none = "the nodes are away"
    job = file_job(sqlite_gallery, crowds[0])
    stop = threading.Event()
    impatient = SETTINGS.model_copy(update={"outage_seconds": 0.2})

    def waiting() -> bool:
        return sqlite_gallery.jobs.get(job.id).recordings[0].state == "queued" and setup.pool.size == 0

    thread = threading.Thread(target=setup.worker(0, Lane(setup.pool), impatient).run, args=(stop,))
    thread.start()
    try:
        until(waiting)
        near = NearRemote("node 9", SETTINGS)
        setup.pool.add(near)
        until(lambda: sqlite_gallery.jobs.get(job.id).recordings[0].state == "succeeded")
        near.close()
    finally:
        stop.set()
        thread.join()
    assert indexed(sqlite_gallery) == on_one_machine[0]


def test_files_that_nodes_do_not_see_are_named_with_the_node(
    sqlite_gallery: Gallery,
    crowds: list[Path],
    tmp_path: Path,
    cluster: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gone = tmp_path / "gone.mp4"
    gone.write_bytes(crowds[0].read_bytes())
    setup = cluster(None, None, tries=2)
    own = setup.remotes[0]._actor._check

    def elsewhere(order: Any, path: Path) -> None:
        own(order, Path(f"/nowhere{path}"))

    for remote in setup.remotes:
        monkeypatch.setattr(remote._actor, "_check", elsewhere)
    job = file_job(sqlite_gallery, gone)
    setup.run()
    (recording,) = sqlite_gallery.jobs.get(job.id).recordings
    assert recording.state == "failed"
    assert "gone.mp4: node " in str(recording.reason)
    assert "cannot read it (No such file or directory)" in str(recording.reason)
    assert setup.pool.free == 2, "the nodes are there, and can read others"

    def other(order: Any, path: Path) -> None:
        own(replace(order, glance="of another file"), path)

    monkeypatch.setattr(setup.remotes[0]._actor, "_check", other)
    monkeypatch.setattr(setup.remotes[1]._actor, "_check", own)
    again = file_job(sqlite_gallery, gone)
    setup.run()
    assert sqlite_gallery.jobs.get(again.id).recordings[0].state == "succeeded", "the other node sees it"


def test_objects_are_brought_by_each_node_itself(
    sqlite_gallery: Gallery,
    crowds: list[Path],
    tmp_path: Path,
    cluster: Make,
    store: Store,
    on_one_machine: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store.connect(sqlite_gallery)
    url = store.put("site/crowd0.mp4", crowds[0].read_bytes())
    monkeypatch.setattr("indexer.cluster.actor.COPIES", tmp_path / "node")
    setup = cluster(None, None, None, tries=2)  # the first is told of no store, and of the second it is away
    for remote, settings in zip(
        setup.remotes,
        (ObjectSettings(), store.settings(object_endpoint="http://127.0.0.1:9"), store.settings()),
        strict=True,
    ):
        remote._actor._places = Places(settings, tmp_path / "node", tmp_path / "node")
    without, away, right = setup.remotes
    setup.pool.drop(right)
    job = file_object(sqlite_gallery, url, name="crowd0.mp4")
    with pytest.raises(ObjectsUnavailable, match=r"crowd0\.mp4: node .*127\.0\.0\.1:9 cannot be reached"):
        setup.run(SETTINGS.model_copy(update={"outage_seconds": 0.0}))
    assert outcome(sqlite_gallery, job) == ("queued", None)
    setup.pool.add(right)
    setup.pool.drop(away)
    setup.run()
    assert outcome(sqlite_gallery, job) == ("succeeded", None)
    assert "bring" in without.asked
    found = indexed(sqlite_gallery)
    assert {name: found[name] for name in ("tracklet", "clip", "segments", "thumbnails")} == {
        name: on_one_machine[0][name] for name in ("tracklet", "clip", "segments", "thumbnails")
    }
    until(lambda: not list(tmp_path.rglob("*.copy")))


def test_a_file_that_is_no_recording_fails_as_on_one_machine(
    sqlite_gallery: Gallery, tmp_path: Path, cluster: Make
) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a video at all\n" * 100)
    one = encode(tmp_path / "one.mp4", frames=1)
    setup = cluster(None, None)
    job = file_job(sqlite_gallery, text, one, tmp_path / "none.mp4")
    setup.run()
    reasons = [str(recording.reason) for recording in sqlite_gallery.jobs.get(job.id).recordings]
    assert reasons[0] == "notes.mp4: a text, not a recording"
    assert "only one frame could be decoded" in reasons[1]
    assert "No such file" in reasons[2]
    assert setup.pool.size == 2


def test_cancelling_reaches_an_actor_that_is_at_work(
    sqlite_gallery: Gallery, crowds: list[Path], cluster: Make
) -> None:
    setup = cluster(None, networks=FakeNetworks(seconds=0.3), shares=1)
    job = file_job(sqlite_gallery, crowds[0])
    stop = threading.Event()
    thread = threading.Thread(target=setup.worker(0, Lane(setup.pool)).run, args=(stop,))
    thread.start()
    try:
        until(lambda: "take" in setup.remotes[0].asked)
        sqlite_gallery.jobs.cancel(job.id)
        until(lambda: sqlite_gallery.jobs.get(job.id).recordings[0].state == "cancelled")
        until(lambda: not setup.remotes[0]._actor._open)
    finally:
        stop.set()
        thread.join()
    assert sqlite_gallery.catalogue.videos() == []
    assert setup.pool.free == 1


def test_as_many_recordings_are_in_work_as_there_are_actors(
    sqlite_gallery: Gallery, tmp_path: Path, crowds: list[Path], on_one_machine: list[Any], cluster: Make
) -> None:
    setup = cluster(None, None, networks=FakeNetworks(seconds=0.02), shares=1)
    job = file_job(sqlite_gallery, *crowds)
    most = [0]
    ended = threading.Event()

    def count() -> None:
        while not ended.is_set():
            states = [one.state for one in sqlite_gallery.jobs.get(job.id).recordings]
            most[0] = max(most[0], states.count("running"))
            take_time(0.02)

    watching = threading.Thread(target=count)
    watching.start()
    try:
        run_lanes(setup.worker, setup.pool, threading.Event(), once=True, patience=60)
    finally:
        ended.set()
        watching.join()
    workers = {one.worker for one in sqlite_gallery.jobs.get(job.id).recordings}
    assert (most[0], workers) == (2, {"w0", "w1"})
    assert indexed(sqlite_gallery) == on_one_machine[1]


@pytest.mark.long
def test_a_split_recording_leaves_actors_to_those_that_wait(
    sqlite_gallery: Gallery, crowds: list[Path], cluster: Make
) -> None:
    setup = cluster(None, None, None)
    file_job(sqlite_gallery, *crowds)
    setup.run()
    assert [remote.asked.count("look") for remote in setup.remotes][:1] == [2]
    assert sum(remote.asked.count("look") for remote in setup.remotes) == 2 + 3


def test_recordings_go_back_when_the_cluster_is_lost(
    sqlite_gallery: Gallery, crowds: list[Path], cluster: Make
) -> None:
    setup = cluster(None, networks=FakeNetworks(seconds=0.3))
    job = file_job(sqlite_gallery, crowds[0])

    def lost() -> str | None:
        return "the cluster is lost" if "take" in setup.remotes[0].asked else None

    with pytest.raises(ClusterUnavailable, match="the cluster is lost"):
        run_lanes(setup.worker, setup.pool, threading.Event(), once=False, patience=60, lost=lost)
    assert [one.state for one in sqlite_gallery.jobs.get(job.id).recordings] == ["queued"]
    assert setup.pool.free == 1
    with pytest.raises(ClusterUnavailable, match="no node of the cluster is ready"):
        run_lanes(setup.worker, Pool(), threading.Event(), once=True, patience=0)
