"""What webhooks are told is written with the end of the job, once, and tried until it arrives."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from gallery import Claim, Completion, Gallery, JobInfo, NewRecording, Scope
from gallery.errors import InvalidInput, LeaseLost, NotFound
from gallery.jobs.jobs import Jobs
from gallery.jobs.webhooks import BACKOFF, MOST_WEBHOOKS, Webhooks
from gallery.sql.database import Database
from tests.gallery.making import MODEL, content_hash, make_tracklets, make_video

URL = "https://example.com/hook"


class Clock:
    """The database's time, as the test has it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 5, tzinfo=UTC)

    def __call__(self, session: Session) -> datetime:
        return self.now


def file(gallery: Gallery, count: int = 1) -> JobInfo:
    camera = gallery.catalogue.get_or_add_camera("gate").id
    start = datetime(2026, 1, 5, tzinfo=UTC)
    names = [f"Jane-{number}.mp4" for number in range(count)]
    return gallery.jobs.file([NewRecording(camera, f"/media/{n}", n, False, start) for n in names])


def claim(gallery: Gallery, worker: str = "w") -> Claim:
    claimed = gallery.jobs.claim(worker, lease_seconds=60)
    assert claimed is not None
    return claimed


def told(gallery: Gallery, hook: str) -> list[str]:
    return [delivery.job_id for delivery in gallery.webhooks.deliveries(hook)]


def test_every_way_in_which_a_job_ends_is_told_once(gallery: Gallery, database: Database) -> None:
    silent = file(gallery)
    gallery.jobs.cancel(silent.id)  # before there is anybody to be told
    key, _ = gallery.keys.create("k")
    hook, secret = gallery.webhooks.create(URL, key_id=key.id)
    other, _ = gallery.webhooks.create(URL)
    assert secret.startswith("whsec_")
    assert len(secret) > 40
    mixed = file(gallery, 3)
    for state in ("failed", "skipped"):
        gallery.jobs.finish(claim(gallery), state=state, reason="Jane is not to be seen")
        assert told(gallery, hook.id) == [], "the job goes on"
    video_hash = content_hash("x")
    last = claim(gallery)
    with gallery.writer(video_hash, MODEL) as writer:
        for tracklet in make_tracklets(1, 1):
            writer.add(tracklet)
        camera = gallery.catalogue.camera_named("gate").id
        writer.commit(make_video(video_hash, camera), Completion(last, None, {}))
    waiting = file(gallery)
    gallery.jobs.cancel(waiting.id)
    gallery.jobs.cancel(waiting.id)
    running = file(gallery)
    held = claim(gallery)
    gallery.jobs.cancel(running.id)
    assert len(told(gallery, hook.id)) == 2
    gallery.jobs.release(held)
    given_up = file(gallery)
    clock = Clock()
    jobs = Jobs(database, clock)
    for worker in "abc":
        assert jobs.claim(worker, lease_seconds=1) is not None
        clock.now += timedelta(days=1)
    assert jobs.claim("d", lease_seconds=1) is None

    expected = [given_up.id, running.id, waiting.id, mixed.id]
    assert told(gallery, hook.id) == told(gallery, other.id) == expected
    due = gallery.webhooks.due(limit=100, hold_seconds=60)
    bodies = {json.loads(one.body)["job"]["id"]: json.loads(one.body) for one in due if one.secret == secret}
    assert bodies[mixed.id]["type"] == "job.ended"
    job = bodies[mixed.id]["job"]
    assert (job["kind"], job["state"], job["recordings"]) == (
        "index",
        "partial",
        {"failed": 1, "skipped": 1, "succeeded": 1},
    )
    assert bodies[given_up.id]["job"]["state"] == "failed"
    assert bodies[running.id]["job"]["state"] == "cancelled"
    for one in due:
        for personal in ("Jane", "gate", "/media", secret):
            assert personal not in one.body
    events = [(event.action, event.detail) for event in gallery.audit.events(action="webhook.create")]
    assert events == [("webhook.create", {"host": "example.com"})] * 2


def test_nothing_is_told_where_the_end_was_rolled_back(gallery: Gallery) -> None:
    hook, _ = gallery.webhooks.create(URL)
    job = file(gallery)
    first = claim(gallery)
    gallery.jobs.release(first)
    again = claim(gallery, "other")
    with pytest.raises(LeaseLost):
        gallery.jobs.finish(first, state="failed", reason="late")
    assert told(gallery, hook.id) == []
    gallery.jobs.finish(again, state="failed", reason="it is no video")
    assert told(gallery, hook.id) == [job.id]


def test_recordings_that_end_at_once_tell_once(gallery: Gallery) -> None:
    """Of two transactions that end the last two recordings, neither may take the other for unfinished."""
    hook, _ = gallery.webhooks.create(URL)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(6):
            job = file(gallery, 2)
            claims = [claim(gallery, "a"), claim(gallery, "b")]
            ends = [pool.submit(gallery.jobs.finish, one, state="failed", reason="x") for one in claims]
            for end in ends:
                end.result()
            assert told(gallery, hook.id).count(job.id) == 1


@contextmanager
def outbox(database: Database) -> Iterator[tuple[Webhooks, Clock]]:
    clock = Clock()
    yield Webhooks(database, clock), clock


def test_an_attempt_is_made_by_one_and_again_later_until_given_up(
    gallery: Gallery, database: Database
) -> None:
    hook, _ = gallery.webhooks.create(URL)
    gallery.jobs.cancel(file(gallery).id)
    with outbox(database) as (webhooks, clock):
        clock.now = datetime.now(UTC) + timedelta(minutes=1)
        (first,) = webhooks.due(limit=10, hold_seconds=60)
        assert webhooks.due(limit=10, hold_seconds=60) == [], "somebody tries it now"
        clock.now += timedelta(seconds=61)
        (second,) = webhooks.due(limit=10, hold_seconds=60)  # who tried it has died
        assert (first.attempts, second.attempts) == (1, 2)
        webhooks.delivered(first)  # or was only slow: what it says does not count any more
        assert webhooks.deliveries(hook.id)[0].delivered_at is None
        current = second
        for wait in BACKOFF[1:]:
            webhooks.failed(current, "answered 500")
            clock.now += timedelta(seconds=wait - 1)
            assert webhooks.due(limit=10, hold_seconds=60) == []
            clock.now += timedelta(seconds=1)
            (current,) = webhooks.due(limit=10, hold_seconds=60)
        webhooks.failed(current, "answered 500")
        clock.now += timedelta(days=365)
        assert webhooks.due(limit=10, hold_seconds=60) == []
        (given_up,) = webhooks.deliveries(hook.id)
        assert (given_up.next_at, given_up.delivered_at, given_up.reason) == (None, None, "answered 500")
        assert given_up.attempts == len(BACKOFF) + 1
        assert webhooks.prune(datetime.now(UTC) - timedelta(days=1)) == 0
        assert webhooks.prune(clock.now) == 1


def test_webhooks_are_listed_and_deleted_without_their_secrets(gallery: Gallery) -> None:
    hook, secret = gallery.webhooks.create(URL)
    gallery.jobs.cancel(file(gallery).id)
    assert secret not in repr((gallery.webhooks.list(), gallery.webhooks.deliveries(hook.id)))
    gallery.webhooks.delete(hook.id)
    assert gallery.webhooks.due(limit=10, hold_seconds=60) == []
    for missing in (hook.id, "x", "0" * 32):
        with pytest.raises(NotFound):
            gallery.webhooks.delete(missing)
        with pytest.raises(NotFound):
            gallery.webhooks.deliveries(missing)
    with pytest.raises(InvalidInput, match="limit"):
        gallery.webhooks.deliveries(hook.id, limit=0)
    for _ in range(MOST_WEBHOOKS):
        gallery.webhooks.create(URL)
    with pytest.raises(InvalidInput, match="the most there may be"):
        gallery.webhooks.create(URL)


def test_a_webhook_is_told_no_more_than_its_key_may_know(gallery: Gallery, database: Database) -> None:
    """What a key set up ends with the key; what waits goes out if it may administer again."""
    clock = Clock()
    hooks = Webhooks(database, clock)
    who: dict[str, Any] = {"issuer": "https://id.example", "subject": "jo", "roles": ["boss"]}
    boss = gallery.keys.of_subject(**who, scopes=[Scope.ADMINISTER], groups=None)
    ends, _ = gallery.keys.create("ends", expires_at=datetime.now(UTC) + timedelta(days=1))
    revoked, _ = gallery.keys.create("revoked")
    assert boss is not None
    keys = {"boss": boss.id, "ends": ends.id, "revoked": revoked.id, "unknown": "0" * 32, "nobody": None}
    clock.now = datetime.now(UTC)
    made = {name: hooks.create(URL, key_id=key)[0].id for name, key in keys.items()}

    def listening() -> set[str]:
        told = {hook.id for hook in hooks.list() if hook.listening}
        job = gallery.jobs.cancel(file(gallery).id)
        due = {one.id for one in hooks.due(limit=100, hold_seconds=1)}
        for name, hook in made.items():
            mine = [one for one in hooks.deliveries(hook) if one.job_id == job.id]
            assert (hook in told) == (len(mine) == 1 and mine[0].id in due), name
        return {name for name, hook in made.items() if hook in told}

    gallery.jobs._clock = clock
    assert listening() == {"boss", "ends", "revoked", "nobody"}
    clock.now += timedelta(days=2)
    gallery.keys.revoke(revoked.id)
    assert listening() == {"boss", "nobody"}
    gallery.keys.of_subject(**who, scopes=[Scope.VIEW], groups=None)
    assert listening() == {"nobody"}
    gallery.groups.add("north", [])
    gallery.keys.of_subject(**who, scopes=[Scope.ADMINISTER], groups=["north"])
    assert listening() == {"nobody"}
    assert hooks.prune(clock.now + timedelta(days=1)) > 0
    left = {name for name, hook in made.items() if hooks.deliveries(hook)}
    assert left == {"nobody"}, "the others wait for nothing"
    gallery.keys.of_subject(**who, scopes=[Scope.ADMINISTER], groups=None)
    assert listening() == {"boss", "nobody"}
