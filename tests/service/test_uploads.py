"""Uploads: every byte once, however often the line breaks."""

import asyncio
import contextlib
import json
import os
import shutil
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from gallery import NotFound
from service.auth import Caller
from service.errors import (
    ContentTooLarge,
    OffsetMismatch,
    QuotaExceeded,
    StateConflict,
    StorageFull,
    Unauthenticated,
)
from service.upload_notes import Upload, UploadNotes
from service.uploads import Uploads

ME, OTHER = Caller("me"), Caller("other")
LIMIT = 5 * 1024 * 1024


class Record:
    """What jobs and videos need, as the gallery would say."""

    def __init__(self) -> None:
        self.paths: set[Path] = set()

    def needs(self, path: Path) -> bool:
        return path in self.paths


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def uploads(tmp_path: Path, record: Record) -> Uploads:
    return uploads_at(tmp_path / "uploads", record)


def uploads_at(
    directory: Path, record: Record, max_key_bytes: int = 100 * LIMIT, least_free: int = 0
) -> Uploads:
    return Uploads(
        directory,
        max_bytes=LIMIT,
        max_key_bytes=max_key_bytes,
        max_key_count=50,
        least_free=least_free,
        ttl=timedelta(hours=1),
        needed=record.needs,
    )


def file_for(uploads: Uploads, record: Record, upload: Upload, job_id: str) -> None:
    """File a job for an upload, as the service does."""
    with uploads.filing([upload]) as belongs_to:
        record.paths.add(uploads.path(upload))
        belongs_to(job_id)


def grow_old(uploads: Uploads, *some: Upload) -> None:
    long_ago = time.time() - 2 * 3600
    for upload in some:
        os.utime(uploads.path(upload), (long_ago, long_ago))


def begin(uploads: Uploads, size_bytes: int | None = None) -> Upload:
    return uploads.create(ME, file_name="a.mp4", size_bytes=size_bytes)


def append(
    uploads: Uploads, upload: Upload, offset: int, *chunks: bytes, then: Exception | None = None
) -> int:
    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk
        if then is not None:
            raise then

    return asyncio.run(uploads.append(upload, offset, body()))


def content(uploads: Uploads, upload: Upload) -> bytes:
    return uploads.path(upload).read_bytes()


def test_puts_chunks_together(uploads: Uploads) -> None:
    upload = begin(uploads)
    data = os.urandom(3_000_000)
    assert append(uploads, upload, 0, data[:7], data[7:70_000]) == 70_000
    assert append(uploads, upload, 70_000, data[70_000:]) == len(data)
    assert content(uploads, upload) == data
    assert uploads.get(upload.id, ME) == upload


@pytest.mark.parametrize("offset", [0, 4, 6])
def test_refuses_a_chunk_for_elsewhere(uploads: Uploads, offset: int) -> None:
    upload = begin(uploads)
    append(uploads, upload, 0, b"12345")
    with pytest.raises(OffsetMismatch) as caught:
        append(uploads, upload, offset, b"67890")
    assert caught.value.size == 5
    assert content(uploads, upload) == b"12345"


def test_goes_on_after_a_broken_line(uploads: Uploads) -> None:
    upload = begin(uploads)
    with pytest.raises(ConnectionError):
        append(uploads, upload, 0, b"first ", b"part ", then=ConnectionError())
    assert uploads.size(upload) == 11
    append(uploads, upload, 11, b"rest")
    assert content(uploads, upload) == b"first part rest"


def test_undoes_a_chunk_over_the_limit(uploads: Uploads) -> None:
    upload = begin(uploads)
    append(uploads, upload, 0, b"start")
    with pytest.raises(ContentTooLarge):
        append(uploads, upload, 5, *[bytes(1_000_000)] * 6)
    assert content(uploads, upload) == b"start"


def test_holds_clients_to_the_size_they_announced(uploads: Uploads) -> None:
    with pytest.raises(ContentTooLarge):
        begin(uploads, LIMIT + 1)
    upload = begin(uploads, 4)
    with pytest.raises(ContentTooLarge):
        append(uploads, upload, 0, b"12345")
    assert append(uploads, upload, 0, b"1234") == 4


def test_takes_one_chunk_at_a_time(uploads: Uploads) -> None:
    upload = begin(uploads)

    async def both() -> None:
        async def slow() -> AsyncIterator[bytes]:
            yield b"slow"
            with pytest.raises(StateConflict):
                await uploads.append(upload, 0, slow())

        await uploads.append(upload, 0, slow())

    asyncio.run(both())
    assert content(uploads, upload) == b"slow"


def test_hides_uploads_of_others(uploads: Uploads) -> None:
    upload = begin(uploads)
    for upload_id, caller in [(upload.id, OTHER), ("0" * 32, ME), ("../" + upload.id, ME), ("", ME)]:
        with pytest.raises(NotFound):
            uploads.get(upload_id, caller)


def test_cannot_be_guessed(uploads: Uploads) -> None:
    assert len({begin(uploads).id for _ in range(50)}) == 50


def test_belongs_to_its_job(uploads: Uploads, record: Record) -> None:
    upload = begin(uploads)
    append(uploads, upload, 0, b"video")
    with uploads.filing([upload]) as belongs_to:
        with pytest.raises(StateConflict):
            append(uploads, uploads.get(upload.id, ME), 5, b"more")
        record.paths.add(uploads.path(upload))
        belongs_to("job")
    filed = uploads.get(upload.id, ME)
    assert filed.job_id == "job"
    assert uploads.expires_at(filed) is None
    with pytest.raises(StateConflict):
        uploads.delete(filed)


def test_is_free_again_when_filing_fails(uploads: Uploads) -> None:
    upload = begin(uploads)
    with pytest.raises(RuntimeError), uploads.filing([upload]):
        raise RuntimeError
    uploads.delete(uploads.get(upload.id, ME))
    with pytest.raises(NotFound):
        uploads.size(upload)


def test_expires_what_was_given_up(uploads: Uploads, record: Record) -> None:
    given_up, going_on, needed, done = (begin(uploads) for _ in range(4))
    file_for(uploads, record, needed, "needed")
    file_for(uploads, record, done, "done")
    record.paths.discard(uploads.path(done))
    grow_old(uploads, given_up, needed, done)
    assert uploads.expire() == 2
    assert left(uploads) == {going_on.id, needed.id}
    with pytest.raises(NotFound):
        uploads.get(given_up.id, ME)


def left(uploads: Uploads) -> set[str]:
    """What the names in the directory begin with, its lock apart."""
    directory = uploads.path(Upload("x", None, None, None)).parent
    return {path.name.partition(".")[0] for path in directory.iterdir()} - {"lock"}


def test_trusts_the_record_and_no_stale_note(uploads: Uploads, record: Record) -> None:
    """A process that died while it filed leaves a note that says too little."""
    filed, unfiled = begin(uploads), begin(uploads)
    for upload in (filed, unfiled):
        note = json.dumps(asdict(replace(upload, job_id="filing")))
        uploads.path(upload).with_suffix(".json").write_text(note)
    record.paths.add(uploads.path(filed))
    grow_old(uploads, filed, unfiled)
    with pytest.raises(StateConflict):
        uploads.delete(filed)
    assert uploads.expire() == 1
    assert left(uploads) == {filed.id}


def test_a_damaged_note_neither_stops_housekeeping_nor_loses_a_recording(
    uploads: Uploads, record: Record
) -> None:
    damaged, needed, given_up = (begin(uploads) for _ in range(3))
    record.paths.add(uploads.path(needed))
    for upload, note in ((damaged, b""), (needed, b'{"id": 1}')):
        uploads.path(upload).with_suffix(".json").write_bytes(note)
        with pytest.raises(NotFound):
            uploads.get(upload.id, ME)
    grow_old(uploads, damaged, needed, given_up)
    assert uploads.expire() == 2
    assert left(uploads) == {needed.id}


def test_sweeps_what_dead_processes_left_half_written(uploads: Uploads) -> None:
    upload = begin(uploads)
    uploads.path(upload).with_name(f"{upload.id}.json.part").write_bytes(b"half")
    uploads.expire()
    assert {path.suffix for path in uploads.path(upload).parent.iterdir()} == {".data", ".json", ""}


def test_what_was_deleted_is_not_filed(uploads: Uploads) -> None:
    upload = begin(uploads)
    uploads.delete(upload)
    with pytest.raises(NotFound), uploads.filing([upload]):
        raise AssertionError("a job would name a file that is gone")


def test_filing_and_deleting_at_once_lose_no_file(uploads: Uploads, record: Record) -> None:
    """The first one wins: a file is there as long as a job names it."""

    def file(upload: Upload) -> bool:
        try:
            file_for(uploads, record, upload, "job")
        except NotFound:
            return False
        return True

    def delete(upload: Upload) -> bool:
        try:
            uploads.delete(upload)
        except (StateConflict, NotFound):
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        for _ in range(60):
            upload = begin(uploads)
            steps = [pool.submit(step, upload) for step in (file, delete, file)]
            first, deleted, second = (step.result() for step in steps)
            assert (first or second) is not deleted
            assert uploads.path(upload).exists() is not deleted


def test_two_filings_at_once_agree(uploads: Uploads, record: Record) -> None:
    """The second of two requests with one idempotency key fails late: the first one's note stays."""

    def file(upload: Upload, job_id: str | None) -> None:
        with contextlib.suppress(RuntimeError), uploads.filing([upload]) as belongs_to:
            if job_id is None:
                raise RuntimeError
            belongs_to(job_id)

    with ThreadPoolExecutor(3) as pool:
        for _ in range(40):
            upload = begin(uploads)
            steps = [pool.submit(file, upload, job_id) for job_id in (None, "job", None)]
            for step in steps:
                step.result()
            assert uploads.get(upload.id, ME).job_id == "job"


def test_is_on_the_disk_when_it_is_promised(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    real = os.fsync

    def note(descriptor: int) -> None:
        synced.append(Path(os.readlink(f"/proc/self/fd/{descriptor}")))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    upload = begin(uploads)
    path = uploads.path(upload)
    assert [at.suffix for at in synced] == [".part", ""]
    assert synced[-1] == path.parent
    append(uploads, upload, 0, b"video")
    assert synced[-1] == path


def test_keeps_uploads_private(uploads: Uploads) -> None:
    directory = uploads.path(begin(uploads)).parent
    assert directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}


def test_bounds_what_a_key_announces_and_stores(tmp_path: Path, record: Record) -> None:
    uploads = uploads_at(tmp_path / "uploads", record, max_key_bytes=1000)
    announced, open_ended = begin(uploads, 600), begin(uploads)
    with pytest.raises(QuotaExceeded):
        begin(uploads, 401)
    assert append(uploads, open_ended, 0, bytes(300)) == 300
    with pytest.raises(QuotaExceeded):
        append(uploads, open_ended, 300, bytes(101))
    assert append(uploads, open_ended, 300, bytes(100)) == 400
    with pytest.raises(QuotaExceeded):
        begin(uploads)
    assert append(uploads, announced, 0, bytes(600)) == 600
    uploads.create(OTHER, file_name=None, size_bytes=1000)
    uploads.delete(announced)
    begin(uploads, 600)


def test_forgets_what_was_erased_with_its_video(uploads: Uploads) -> None:
    upload = begin(uploads)
    uploads.path(upload).unlink()
    uploads.expire()
    assert left(uploads) == set()


def test_expires_nothing_where_nothing_is(uploads: Uploads) -> None:
    assert uploads.expire() == 0


def test_is_not_filed_while_a_chunk_is_written(uploads: Uploads) -> None:
    upload = begin(uploads)

    async def body() -> AsyncIterator[bytes]:
        yield b"video"
        with pytest.raises(StateConflict), uploads.filing([upload]):
            pass

    asyncio.run(uploads.append(upload, 0, body()))
    assert uploads.get(upload.id, ME).job_id is None


def test_a_chunk_whose_sender_may_not_send_it_any_more_is_undone(uploads: Uploads) -> None:
    upload = begin(uploads)
    append(uploads, upload, 0, b"video")
    with pytest.raises(Unauthenticated):
        append(uploads, upload, 5, bytes(2_000_000), b"more", then=Unauthenticated("revoked"))
    assert uploads.size(upload) == 5


def test_a_key_has_begun_so_many_uploads_and_no_more(uploads: Uploads, record: Record) -> None:
    first, *_ = [begin(uploads) for _ in range(50)]
    with pytest.raises(QuotaExceeded, match="50 uploads"):
        begin(uploads)
    assert uploads.create(OTHER, file_name=None, size_bytes=None).key_id == "other"
    file_for(uploads, record, first, "job")
    begin(uploads)  # what is filed is a recording, not an upload that somebody began


def test_beginning_an_upload_reads_no_note_of_others_again(
    tmp_path: Path, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is one for each recording that was ever uploaded, and more for those that were begun."""
    uploads = uploads_at(tmp_path / "uploads", record, max_key_bytes=1000)
    others = [begin(uploads, 10) for _ in range(30)]
    append(uploads, others[0], 0, bytes(10))
    file_for(uploads, record, others[0], "job")
    read: list[str] = []
    reading = UploadNotes.read

    def counted(notes: UploadNotes, upload_id: str) -> Upload | None:
        read.append(upload_id)
        return reading(notes, upload_id)

    monkeypatch.setattr(UploadNotes, "read", counted)
    begin(uploads, 10)
    assert len(read) <= 3, "the last one, and what was filed since"
    read.clear()
    elsewhere = uploads_at(tmp_path / "uploads", record, max_key_bytes=1000)  # another process
    elsewhere.delete(others[1])
    begin(elsewhere, 650)
    read.clear()
    with pytest.raises(QuotaExceeded):
        begin(uploads, 60)  # what others did is seen
    assert len(read) <= 3
    uploads.path(others[0]).unlink()  # erased with its video
    begin(uploads, 50)


def test_what_is_announced_has_room_on_the_disk_or_is_refused(
    tmp_path: Path, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = uploads_at(tmp_path / "uploads", record, least_free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=6000))
    first = begin(uploads, size_bytes=3000)
    with pytest.raises(StorageFull):
        uploads.create(OTHER, file_name=None, size_bytes=2001)
    append(uploads, first, 0, bytes(1000))  # the disk has them already
    begin(uploads, size_bytes=3000)
